"""Which columns are a row's time, its key and the version of its model."""

import dataclasses
import re

import sqlalchemy as sa

from driftmeter.errors import DriftmeterError
from driftmeter.monitors.proposal.draft import Proposal, are_apart, listed
from driftmeter.monitors.proposal.names import is_time_name, time_words, words
from driftmeter.monitors.proposal.table import TIMES, TableColumn

# Names of a time, the most telling first.
TIME_NAMES = (
    r"(predicted|prediction|scored|scoring|inferred|inference)_?(at|on|time|ts|timestamp|date)",
    r"(event|occurred|requested|created)_?(at|on|time)",
    r"ts|time|timestamp|datetime",
    r".*(_at|_time|_ts|_timestamp|_datetime)",
    r"date|day|partition_date|.*_date",
)
# So many of them say it whatever the column's type.
CERTAIN = 3
READ_AS_TIMES = (
    "seconds, milliseconds, microseconds or nanoseconds since 1970 in the years 2000 to 2100, a day"
    " as 20260131, or a text as 2026-01-31 08:00:00+01"
)
# Words of a time at which something became known.
OF_LABELS = {"target", "label", "labels", "labeled", "labelled", "truth", "outcome", "actual"}
# Text that names a release, and not, for example, a car.
VERSION = r"(.*[-_ :/])?v\d.*|\d+(\.\d+)+.*|.*\d{4}-?\d{2}.*|.*:\d+|[0-9a-f]{7,40}"
# A table with more has no versions in such a column.
MOST_VERSIONS = 100


def choose_timestamp(proposal: Proposal) -> None:
    """The column given, whose name says it, or the only one that is a time."""
    given = proposal.given.get("timestamp")
    columns = [column for column in proposal.columns.values() if not column.is_of_labels]
    times = [column for column in columns if column.data_type in TIMES]
    # When the outcome was known is another time; the day is made of the row's time.
    own = [
        c for c in times if not {*words(c.name)} & OF_LABELS and c.name != "partition_date"
    ] or times
    # A time that is one by its type comes before one that is a time only if it is cast.
    names = [c.name for c in own if not c.is_cast or _place(c.name) < CERTAIN]
    names = names or [c.name for c in own]
    best = min(map(_place, names), default=len(TIME_NAMES))
    fitting = [name for name in names if _place(name) == best < len(TIME_NAMES)]
    if given:
        proposal.add("timestamp", given, "as given")
    elif len(names) == 1:
        proposal.add("timestamp", names[0], "it is the only column that is a time")
    elif len(fitting) == 1:
        proposal.add("timestamp", fitting[0], "chosen by its name and type")
    elif names:
        told = fitting or names
        raise proposal.undecided(
            "timestamp", told, f"each of {listed(told)} may say when a row was predicted"
        )
    else:
        raise _no_time(proposal)
    _choose_zone(proposal)


def _place(name: str) -> int:
    """How far down a time's name stands in `TIME_NAMES`; their number where it is none of them."""
    spelled = (name.lower(), "_".join(time_words(name)))
    return next(
        (
            at
            for at, pattern in enumerate(TIME_NAMES)
            if any(re.fullmatch(pattern, one) for one in spelled)
        ),
        len(TIME_NAMES),
    )


def _choose_zone(proposal: Proposal) -> None:
    """The zone of the days; and that of the times, where they are written without one."""
    zone = proposal.given.get("timezone")
    proposal.add(
        "timezone",
        zone or "UTC",
        "as given" if zone else "the default; choose another with --timezone",
    )
    name, written = proposal.fields["timestamp"], proposal.given.get("timestamp_zone")
    column = proposal.columns[name]
    has_no_zone = column.data_type == "timestamp without time zone"
    if written and not has_no_zone:
        raise DriftmeterError(
            f"{name!r} is of type {column.data_type}, which is not written in a time zone",
            where="--timestamp-zone",
            fix="leave this option out, or name a timestamp without a zone with --timestamp",
        )
    if written:
        quoted = str(written).replace("'", "''")
        proposal.columns[name] = dataclasses.replace(
            column,
            data_type="timestamp with time zone",
            sql=f"{column.sql} at time zone '{quoted}'",
        )
    elif has_no_zone:
        proposal.reasons["timestamp"] += (
            f". It has no time zone: its times are taken as those of {zone or 'UTC'}, unless"
            " --timestamp-zone names another"
        )


def _no_time(proposal: Proposal) -> DriftmeterError:
    named = [c for c in proposal.free if c.known and is_time_name(c.name)]
    if not named:
        fix = "name a table or view that has the time of each row"
    else:
        name = named[0].name
        fix = (
            f"{name!r} is of type {named[0].data_type}, and its values are no times that Driftmeter"
            f" reads: {READ_AS_TIMES}. Make a view in which it is a timestamptz, and name the view"
            " with --table"
        )
    return DriftmeterError(f"no column of {proposal.table} is a time", where="--timestamp", fix=fix)


def choose_version(session: sa.Connection, proposal: Proposal) -> None:
    """The column given, or which is named like a version and holds versions."""
    given = proposal.given.get("model_version")
    if given:
        proposal.add("model_version", given, "as given")
        return
    patterns = (
        r"model_?version|.*_model_version",
        r"version",
        r"model(_?(id|name|tag|run))?|.*_model",
    )
    for at, pattern in enumerate(patterns):
        for column in proposal.free:
            is_named = re.fullmatch(pattern, column.name.lower()) and column.known
            if column.data_type in TIMES or not is_named:
                continue
            if at < 2 or _holds_versions(session, proposal, column):
                proposal.add("model_version", column.name, "chosen by its name and values")
                return
    proposal.absent["model_version"] = "no column holds a version, so all rows count as one version"


def _holds_versions(session: sa.Connection, proposal: Proposal, column: TableColumn) -> bool:
    """Whether it holds one value, names of releases, or values that came after one another."""
    if column.known == 0 or column.distinct > MOST_VERSIONS:
        return False
    are_releases = bool(column.values) and all(
        re.fullmatch(VERSION, value.lower()) for value in column.values
    )
    time = proposal.columns[proposal.fields["timestamp"]]
    return column.distinct == 1 or are_releases or are_apart(session, proposal, time, column)
