"""A monitor's fields as a table of predictions suggests them, by types, names and data."""

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import available_timezones

import sqlalchemy as sa

from python_metrics.errors import DriftmeterError
from python_metrics.monitors.table_days import proposed_reference, read_days, will_not_judge

# Rows that kinds and counts are read off: enough to tell a code from a measurement.
SAMPLE_ROWS = 100_000
# A whole number or a text with more values than this is no category that people could list.
MOST_CATEGORIES = 1000
# A code is a whole number with few values; more, and it is likelier a count or a measurement.
MOST_CODES = 25
# Values of a segment: each has its own alarms, and the budget is shared among them.
MOST_SEGMENT_VALUES = 8

NUMBERS = {"smallint", "integer", "bigint", "numeric", "real", "double precision"}
WHOLE_NUMBERS = {"smallint", "integer", "bigint"}
TIMES = {"timestamp with time zone", "timestamp without time zone", "date"}
# Types that a column of a role has, where not every type will do.
FITTING = {"timestamp": TIMES, "prediction": NUMBERS, "target": {*NUMBERS, "boolean"}}
# Names of columns by their role, the most telling first.
NAMES = {
    "timestamp": (
        r"(predicted|scored|inferred)_?(at|on|time)",
        r"(event|occurred|requested|created)_?(at|on|time)",
        r"ts|time|timestamp|datetime",
        r".*(_at|_time|_ts)",
        r"date|day|partition_date|.*_date",
    ),
    "prediction": (
        r"prediction|predicted|y_?hat|y_?pred",
        r"pred(ict(ed|ion))?_.*|.*_(prediction|predicted|pred)",
        r"proba(bility)?|score",
        r".*_score",
    ),
    "target": (
        r"target|label|y|y_?true|truth|ground_truth|outcome|actual",
        r"(actual|target)_.*|.*_(actual|label|target|outcome)",
    ),
    "model_version": (r"model_version|version", r".*_model_version|model|model_(id|name)"),
    "code": (
        r".*(_id|_code|_type|_flag|_class|_category|_status)",
        r".*(code|type|flag|status)",
    ),
}


@dataclass(frozen=True)
class TableColumn:
    """A column of the table, with what its first rows hold.

    Attributes
    ----------
    data_type : str
        As Postgres names it.
    known, distinct : int
        Rows that are not null, and different values among them, of at most `SAMPLE_ROWS`.
    lowest, highest : float or None
        Of a number.
    """

    name: str
    data_type: str
    known: int
    distinct: int
    lowest: float | None = None
    highest: float | None = None


@dataclass
class Proposal:
    """A monitor's fields as YAML has them, and why each was chosen.

    Attributes
    ----------
    not_judged : list of (tuple of str, str)
        Columns that would not be judged, none of them for all, and why.
    """

    schema: str
    table: str
    columns: dict[str, TableColumn]
    fields: dict[str, Any] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    not_judged: list[tuple[tuple[str, ...], str]] = field(default_factory=list)

    def add(self, name: str, value: object, reason: str) -> None:
        """Set a field and say why."""
        self.fields[name] = value
        self.reasons[name] = reason

    @property
    def day(self) -> str:
        """SQL for the day of a row, in the monitor's time zone."""
        name = self.fields["timestamp"]
        quoted = quote(name)
        if self.columns[name].data_type == "timestamp with time zone":
            zone = str(self.fields["timezone"]).replace("'", "''")
            return f"({quoted} at time zone '{zone}')::date"
        # Without a zone a time is taken for local already, and a date is a day.
        return f"{quoted}::date"


def propose(engine: sa.Engine, table: str, given: Mapping[str, Any]) -> Proposal:
    """Read a table and propose its monitor.

    Parameters
    ----------
    table : str
        ``schema.table``; schema public without one.
    given : mapping of str to value
        Fields that the user chose: timestamp, timezone, id, task, prediction, target,
        model_version, segments (list of str), reference (``{from, to}``).

    Raises
    ------
    DriftmeterError
        If there is no such table, it is empty, a chosen column is not there, or a field cannot be
        told from the data: names the option that says it.
    """
    schema, _, name = table.rpartition(".")
    schema = schema or "public"
    with engine.connect() as session:
        proposal = Proposal(schema, name, _read_columns(session, schema, name))
        _check_given(proposal, given)
        _roles(session, proposal, given)
        _task(proposal, given)
        _features(proposal, given)
        _reference(session, proposal, given)
    proposal.add("alarm_budget", {"false_alarms_per_month": 1}, "one false alarm a month")
    return proposal


def quote(name: str) -> str:
    """An identifier as Postgres takes it."""
    return '"' + name.replace('"', '""') + '"'


def _read_columns(session: sa.Connection, schema: str, table: str) -> dict[str, TableColumn]:
    query = sa.text(
        "select attname, format_type(atttypid, null) from pg_attribute"
        " where attrelid = to_regclass(:relation) and attnum > 0 and not attisdropped"
        " order by attnum"
    )
    relation = f"{quote(schema)}.{quote(table)}"
    types = dict(session.execute(query, {"relation": relation}).tuples().all())
    if not types:
        raise DriftmeterError(
            f"there is no table {schema}.{table}",
            where="--table",
            fix="name one of this warehouse as SCHEMA.TABLE; DRIFTMETER_DATABASE_URL names another",
        )
    counted = []
    for name, data_type in types.items():
        column = quote(name)
        counted += [f"count({column})", f"count(distinct {column}::text)"]
        is_number = data_type in NUMBERS
        counted += [
            f"{end}({column})::double precision" if is_number else "null" for end in ("min", "max")
        ]
    select = (
        f"select {', '.join(counted)} from (select * from {relation} limit {SAMPLE_ROWS}) as rows"
    )
    # No parameters: a percent sign in a column's name is itself.
    values = list(session.exec_driver_sql(select.replace("%", "%%")).one())
    if not any(values[0::4]):
        raise DriftmeterError(
            f"{schema}.{table} is empty", where="--table", fix="fill it with predictions first"
        )
    return {
        name: TableColumn(name, data_type, *values[4 * at : 4 * at + 4])
        for at, (name, data_type) in enumerate(types.items())
    }


def _check_given(proposal: Proposal, given: Mapping[str, Any]) -> None:
    roles = ("timestamp", "id", "prediction", "target", "model_version")
    chosen = {role: [given[role]] for role in roles if given.get(role)}
    for role, names in {**chosen, "segments": given.get("segments") or []}.items():
        for name in names:
            if name not in proposal.columns:
                raise DriftmeterError(
                    f"{proposal.schema}.{proposal.table} has no column {name!r}",
                    where=f"--{role.replace('_', '-')}",
                    fix=f"use one of {', '.join(proposal.columns)}",
                )
            fitting = FITTING.get(role)
            data_type = proposal.columns[name].data_type
            if fitting and data_type not in fitting:
                raise DriftmeterError(
                    f"{name!r} of {proposal.schema}.{proposal.table} is of type {data_type}",
                    where=f"--{role.replace('_', '-')}",
                    fix=f"name a column of type {' or '.join(sorted(fitting))}",
                )
    zone = given.get("timezone")
    if zone is not None and zone not in available_timezones():
        raise DriftmeterError(
            f"{zone!r} is no time zone", where="--timezone", fix="write one as Europe/Paris"
        )


def _roles(session: sa.Connection, proposal: Proposal, given: Mapping[str, Any]) -> None:
    columns = list(proposal.columns.values())
    times = [column.name for column in columns if column.data_type in TIMES]
    numbers = [column.name for column in columns if column.data_type in NUMBERS]
    _choose(proposal, given, "timestamp", times, "the only time" if len(times) == 1 else "")
    zone = given.get("timezone")
    proposal.add("timezone", zone or "UTC", "as given" if zone else "none was given")
    _choose(proposal, given, "prediction", numbers)
    free = [column.name for column in columns if column.name not in proposal.fields.values()]
    outcomes = [name for name in free if proposal.columns[name].data_type in FITTING["target"]]
    _choose(proposal, given, "target", outcomes, required=False)
    free = [name for name in free if name != proposal.fields.get("target")]
    _choose(proposal, given, "model_version", free, required=False)
    free = [name for name in free if name != proposal.fields.get("model_version")]
    _choose_id(session, proposal, given, [name for name in free if name not in times])


def _choose(
    proposal: Proposal,
    given: Mapping[str, Any],
    role: str,
    names: Sequence[str],
    reason: str = "",
    required: bool = True,
) -> None:
    """The column that was given, whose name says it, or which is the only one that can be."""
    if given.get(role):
        proposal.add(role, given[role], "as given")
        return
    for pattern in NAMES[role]:
        for name in names:
            if re.fullmatch(pattern, name.lower()):
                proposal.add(role, name, "by its name and type")
                return
    if reason and names:
        proposal.add(role, names[0], reason)
    elif required:
        raise DriftmeterError(
            f"no column of {proposal.schema}.{proposal.table} is surely the {role}",
            where=f"--{role.replace('_', '-')}",
            fix=f"name one of {', '.join(names)}" if names else "there is none of a fitting type",
        )


def _choose_id(
    session: sa.Connection, proposal: Proposal, given: Mapping[str, Any], names: Sequence[str]
) -> None:
    relation = f"{quote(proposal.schema)}.{quote(proposal.table)}"
    if given.get("id"):
        candidates, reason = [str(given["id"])], "as given"
    else:
        unique = [
            name
            for name in names
            if proposal.columns[name].known == proposal.columns[name].distinct
            and proposal.columns[name].data_type not in NUMBERS - WHOLE_NUMBERS
        ]
        candidates = sorted(
            unique, key=lambda name: not re.fullmatch(r"id|.*_id|key", name.lower())
        )
        reason = "no value of it comes twice"
    for name in candidates:
        select = f"select count(*) = count(distinct {quote(name)}) from {relation}"
        if session.exec_driver_sql(select.replace("%", "%%")).scalar():
            proposal.add("id", name, reason)
            return
    raise DriftmeterError(
        f"{candidates[0]!r} has rows with the same value, or with none"
        if given.get("id")
        else f"no column of {proposal.schema}.{proposal.table} is different in each row",
        where="--id",
        fix="name a column that is the key of a row",
    )


def _task(proposal: Proposal, given: Mapping[str, Any]) -> None:
    prediction = proposal.columns[proposal.fields["prediction"]]
    target = proposal.columns.get(proposal.fields.get("target", ""))
    is_share = (
        prediction.lowest is not None
        and prediction.highest is not None
        and prediction.lowest >= 0
        and prediction.highest <= 1
    )
    if given.get("task"):
        proposal.add("task", given["task"], "as given")
    elif is_share and (target is None or target.distinct <= 2):
        proposal.add("task", "classification", "the prediction lies between 0 and 1")
    else:
        proposal.add("task", "regression", "the prediction is a number, not a probability")


def _features(proposal: Proposal, given: Mapping[str, Any]) -> None:
    used = {
        proposal.fields.get(role)
        for role in ("timestamp", "id", "prediction", "target", "model_version")
    }
    features: dict[str, dict[str, str]] = {}
    for column in proposal.columns.values():
        if column.name in used:
            continue
        kind = _kind(column)
        if kind is None:
            proposal.left_out[column.name] = _why_not(column)
        else:
            features[column.name] = {"kind": kind}
    if not features:
        raise DriftmeterError(
            f"{proposal.schema}.{proposal.table} has no column to compare",
            where="--table",
            fix="name a table that holds the model's features beside its prediction",
        )
    proposal.add("features", features, "every other column that is a number or a category")
    segments = [
        name
        for name, about in sorted(features.items(), key=lambda n: proposal.columns[n[0]].distinct)
        if about["kind"] == "categorical"
        and 2 <= proposal.columns[name].distinct <= MOST_SEGMENT_VALUES
    ][:2]
    if given.get("segments") is not None:
        proposal.add("segments", list(given["segments"]), "as given")
    else:
        proposal.add("segments", segments, f"categories of 2 to {MOST_SEGMENT_VALUES} values")


def _kind(column: TableColumn) -> str | None:
    if column.known == 0 or column.data_type in TIMES:
        return None
    if column.data_type in NUMBERS:
        is_code = (
            column.data_type in WHOLE_NUMBERS
            and column.distinct <= MOST_CODES
            and any(re.fullmatch(pattern, column.name.lower()) for pattern in NAMES["code"])
        )
        return "categorical" if is_code else "numerical"
    is_text = column.data_type in {"text", "character varying", "character", "boolean"}
    return "categorical" if is_text and column.distinct <= MOST_CATEGORIES else None


def _why_not(column: TableColumn) -> str:
    if column.known == 0:
        return "holds nothing yet"
    if column.data_type in TIMES:
        return "is a time"
    if column.distinct > MOST_CATEGORIES:
        return f"has over {MOST_CATEGORIES} values, which are no categories"
    return f"is of type {column.data_type}"


def _reference(session: sa.Connection, proposal: Proposal, given: Mapping[str, Any]) -> None:
    roles = (proposal.fields["prediction"], proposal.fields.get("target"))
    columns = [name for name in (*proposal.fields["features"], *roles) if name is not None]
    days = read_days(
        session,
        f"{quote(proposal.schema)}.{quote(proposal.table)}",
        proposal.day,
        [(name, proposal.columns[name].data_type) for name in columns],
    )
    if not days.days:
        name = proposal.fields["timestamp"]
        raise DriftmeterError(
            f"{name!r} of {proposal.schema}.{proposal.table} has no day in any row",
            where="--timestamp",
            fix="name a column that says when a row happened",
        )
    if given.get("reference"):
        proposal.add("reference", given["reference"], "as given")
    else:
        proposal.add("reference", *proposed_reference(days))
    span = proposal.fields["reference"]
    chosen = days.between(*(dt.date.fromisoformat(span[end]) for end in ("from", "to")))
    proposal.not_judged = will_not_judge(chosen, columns)
