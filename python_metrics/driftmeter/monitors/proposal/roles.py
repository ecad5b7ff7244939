"""Which columns are a row's time, its key and the version of its model."""

import re
from collections.abc import Sequence

import sqlalchemy as sa

from driftmeter.errors import DriftmeterError
from driftmeter.monitors.proposal.apart import are_apart
from driftmeter.monitors.proposal.draft import Proposal, listed
from driftmeter.monitors.proposal.names import is_key_name, words
from driftmeter.monitors.proposal.table import TEXTS, TIMES, TableColumn, quote, run

# Names of a time, the most telling first.
TIME_NAMES = (
    r"(predicted|prediction|scored|scoring|inferred|inference)_?(at|on|time|ts|timestamp|date)",
    r"(event|occurred|requested|created)_?(at|on|time)",
    r"ts|time|timestamp|datetime",
    r".*(_at|_time|_ts|_timestamp|_datetime)",
    r"date|day|partition_date|.*_date",
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
    times = [column.name for column in proposal.columns.values() if column.data_type in TIMES]
    # When the outcome was known is another time; the day is made of the row's time.
    own = [name for name in times if not {*words(name)} & OF_LABELS and name != "partition_date"]
    own = own or times
    fitting = next(
        (
            found
            for pattern in TIME_NAMES
            if (found := [name for name in own if re.fullmatch(pattern, name.lower())])
        ),
        [],
    )
    if given:
        proposal.add("timestamp", given, "as given")
    elif len(own) == 1:
        proposal.add("timestamp", own[0], "it is the only column that is a time")
    elif len(fitting) == 1:
        proposal.add("timestamp", fitting[0], "chosen by its name and type")
    elif own:
        told = fitting or own
        raise proposal.undecided(
            "timestamp", told, f"each of {listed(told)} may say when a row was predicted"
        )
    else:
        raise _no_time(proposal)
    zone = proposal.given.get("timezone")
    proposal.add(
        "timezone",
        zone or "UTC",
        "as given" if zone else "the default; choose another with --timezone",
    )


def _no_time(proposal: Proposal) -> DriftmeterError:
    written = [
        column.name
        for column in proposal.columns.values()
        if column.data_type in TEXTS
        and any(re.fullmatch(pattern, column.name.lower()) for pattern in TIME_NAMES)
    ]
    if not written:
        fix = "name a table or view that has a column of type timestamptz, timestamp or date"
    else:
        name = quote(written[0])
        fix = (
            f"change the text: alter table {proposal.relation} alter column {name} type timestamp"
            f" using {name}::timestamp"
        )
    return DriftmeterError(
        f"no column of {proposal.schema}.{proposal.table} is a time", where="--timestamp", fix=fix
    )


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


def choose_id(session: sa.Connection, proposal: Proposal) -> None:
    """The column given, or one that is different in each row; else in each row of a day."""
    given = proposal.given.get("id")
    if given:
        if not _is_key(session, proposal, [quote(given), proposal.day]):
            raise DriftmeterError(
                f"{given!r} has the same value in several rows of a day, or no value in some row",
                where="--id",
                fix="name a column that identifies each row",
            )
        proposal.add("id", given, "as given")
        return
    free = [column for column in proposal.free if column.data_type not in TIMES]
    named = [column for column in free if is_key_name(column.name)]
    unique = sorted((c for c in free if c.is_key), key=lambda c: not is_key_name(c.name))
    for column in unique:
        if _is_key(session, proposal, [quote(column.name)]):
            proposal.add("id", column.name, "each of its values occurs once")
            return
    for column in named:
        if _is_key(session, proposal, [quote(column.name), proposal.day]):
            proposal.add("id", column.name, "each of its values occurs once a day")
            return
    raise DriftmeterError(
        f"no column of {proposal.schema}.{proposal.table} identifies each row",
        where="--id",
        fix="name a column that identifies each row",
    )


def _is_key(session: sa.Connection, proposal: Proposal, expressions: Sequence[str]) -> bool:
    """Whether every row has a value, and no other row the same."""
    together = f"({', '.join(expressions)})" if len(expressions) > 1 else expressions[0]
    select = (
        f"select count(*) = count({expressions[0]}) and count(*) = count(distinct {together})"
        f" from {proposal.relation}"
    )
    return bool(run(session, select).scalar())
