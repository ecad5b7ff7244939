"""What Grafana and its PostgreSQL plugin make of a panel's SQL before Postgres sees it.

Variables are replaced in the browser, then intervals, then macros up to the first closing
parenthesis. Written after the plugin's macro engine (``pkg/tsdb/grafana-postgresql-datasource``),
so that the same queries run here, in tests and in the static preview.
"""

import datetime as dt
import re
from collections.abc import Mapping, Sequence

Values = Mapping[str, str | Sequence[str]]

UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800, "y": 31_557_600}
VARIABLE = re.compile(r"\$\{(\w+)(?::(\w+))?\}|\[\[(\w+)\]\]|\$(\w+)")
# A macro, and the comma that gives a group its alias.
MACRO = re.compile(r"\$(__\w+)\(([^)]*)\)(\s*,)?")


class UnknownMacro(ValueError):
    """A macro that the plugin does not know."""


def expand(
    sql: str,
    first: dt.datetime,
    last: dt.datetime,
    values: Values,
    interval: str = "1d",
) -> str:
    """The SQL that reaches Postgres.

    Parameters
    ----------
    sql : str
        A panel's, variable's or rule's query.
    first, last : datetime
        Ends of the dashboard's time range, aware; both included.
    values : mapping
        Value of each variable: a string of a variable with one value, a sequence of one with
        several, even where one is chosen.
    interval : str
        What the browser puts for ``$__interval``.

    Raises
    ------
    UnknownMacro
        For a macro that the plugin would refuse.
    """
    sql = interpolate(sql, values)
    sql = sql.replace("$__interval_ms", str(int(seconds_of(interval) * 1000)))
    sql = sql.replace("$__interval", interval)
    for name, instant in (("From", first), ("To", last)):
        sql = sql.replace(f"$__unixEpoch{name}()", str(int(instant.timestamp())))
    return MACRO.sub(lambda match: _macro(match, first, last), sql)


def interpolate(sql: str, values: Values) -> str:
    """Put variables' values in, as the SQL datasource does for Postgres."""

    def replaced(match: "re.Match[str]") -> str:
        name = match[1] or match[3] or match[4]
        if name not in values:
            return match[0]
        if match[2]:
            raise ValueError(f"${{{name}:{match[2]}}} in SQL: only the default format is quoted")
        value = values[name]
        if isinstance(value, str):
            return value.replace("'", "''")
        return ",".join("'" + one.replace("'", "''") + "'" for one in value)

    return VARIABLE.sub(replaced, sql)


def seconds_of(interval: str) -> float:
    """Seconds of an interval such as ``1d``; quotes are allowed around it."""
    match = re.fullmatch(r"'?(\d+)(ms|[smhdwy])'?", interval.strip())
    if match is None:
        raise ValueError(f"{interval!r} is no interval such as 1d")
    return int(match[1]) * UNITS[match[2]]


def _macro(match: "re.Match[str]", first: dt.datetime, last: dt.datetime) -> str:
    name, comma = match[1], match[3] or ""
    arguments = [argument.strip() for argument in match[2].split(",")]
    start, end = (
        f"'{at.astimezone(dt.timezone.utc).isoformat(timespec='seconds').replace('+00:00', 'Z')}'"
        for at in (first, last)
    )
    column = arguments[0]
    if name == "__time":
        return f'{column} AS "time"{comma}'
    if name == "__timeEpoch":
        return f'extract(epoch from {column}) as "time"{comma}'
    if name == "__timeFilter":
        return f"{column} BETWEEN {start} AND {end}{comma}"
    if name == "__timeFrom":
        return f"{start}{comma}"
    if name == "__timeTo":
        return f"{end}{comma}"
    if name == "__unixEpochFilter":
        low, high = int(first.timestamp()), int(last.timestamp())
        return f"{column} >= {low} AND {column} <= {high}{comma}"
    if name in ("__timeGroup", "__timeGroupAlias", "__unixEpochGroup", "__unixEpochGroupAlias"):
        width = f"{seconds_of(arguments[1]):g}"
        epoch = f"({column})" if "unix" in name else f"extract(epoch from {column})"
        is_named = name.endswith("Alias") or (name == "__timeGroup" and comma)
        return f"floor({epoch}/{width})*{width}" + (' AS "time"' if is_named else "") + comma
    raise UnknownMacro(f"${name}() is not a macro of Grafana's PostgreSQL plugin")
