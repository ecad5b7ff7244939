"""What Grafana and its PostgreSQL plugin make of a panel's SQL before Postgres sees it.

Variables are replaced in the browser, then macros. Written after the plugin's macro engine
(``pkg/tsdb/grafana-postgresql-datasource``), so that the same queries run here, in tests and in the
static preview. Of its macros the two are known that the dashboards use.
"""

import datetime as dt
import re
from collections.abc import Mapping, Sequence

Values = Mapping[str, str | Sequence[str]]

VARIABLE = re.compile(r"\$\{(\w+)(?::(\w+))?\}|\[\[(\w+)\]\]|\$(\w+)")
MACRO = re.compile(r"\$(__\w+)\([^)]*\)")


class UnknownMacro(ValueError):
    """A macro that no dashboard of ours uses."""


def expand(sql: str, first: dt.datetime, last: dt.datetime, values: Values) -> str:
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

    Raises
    ------
    UnknownMacro
        For any macro but the ends of the time range.
    """
    ends = {
        name: f"'{at.astimezone(dt.timezone.utc).replace(tzinfo=None).isoformat('T', 'seconds')}Z'"
        for name, at in (("__timeFrom", first), ("__timeTo", last))
    }

    def replaced(match: "re.Match[str]") -> str:
        if match[1] not in ends:
            raise UnknownMacro(f"${match[1]}() is a macro that is not known here")
        return ends[match[1]]

    return MACRO.sub(replaced, interpolate(sql, values))


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
