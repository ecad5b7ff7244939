"""What statements call the metrics schema and its relations, and what the warehouse does.

Statements and views say ``metrics``; ``DRIFTMETER_METRICS_SCHEMA`` is what the warehouse calls it.
dbt's package reads the same variable.

Statements know a batch by ``partition_date``. Of an hourly monitor it is the instant at which the
hour begins: a connection that `by_hours` made reads and writes the views ``hourly_...``, in which
it is so, in place of the relations. No statement is written twice.
"""

import datetime as dt
import functools
import re
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from psycopg.types.datetime import TimestamptzLoader

from driftmeter import settings
from driftmeter.monitors.hour import Hour

WRITTEN = "metrics"
# What may hold the word and does not mean the schema: comments, names and values of a team's own.
# A value that `to_regclass` is asked for does.
TOKENS = re.compile(
    r"--[^\n]*"
    r"|(?P<before>to_regclass\(')metrics(?=\.)"
    r"|'(?:[^']|'')*'"
    r'|"(?:[^"]|"")*"'
    r"|\bmetrics(?=\.[a-z_])"
    r"|(?P<word>\bschema )metrics\b"
)
# Relations with a batch in each row, which have a view for hourly monitors beside them.
HOURLY = frozenset(
    {
        "partitions", "measured_inputs", "column_changes", "column_summary", "test_results",
        "drift", "performance", "performance_history", "reference_errors", "version_comparisons",
        "breaches", "incidents", "incident_events", "custom_metrics", "custom_metric_verdicts",
        "column_profile", "column_histogram", "drift_scored", "model_version_starts",
        "partition_calendar", "alarms", "alarm_days", "failing_tests", "drift_ranking",
        "not_judged", "monitor_state", "freshness",
    }
)  # fmt: skip
# Functions that take batches, or return them.
FUNCTIONS = frozenset({"note_inputs", "publish_days", "day_contents", "custom_metric_values"})
BY_BATCH = re.compile(
    r"--[^\n]*"
    r"|'(?:[^']|'')*'"
    r'|"(?:[^"]|"")*"'
    rf"|\bmetrics\.(?P<function>{'|'.join(FUNCTIONS)})(?=\()"
    rf"|\bmetrics\.(?P<relation>{'|'.join(sorted(HOURLY, key=len, reverse=True))})\b"
    r"(?P<alias>\s+as\b)?"
    # Casts of batches.
    r"|(?P<days>(?<![.\w])date\[\])"
    r"|(?P<day>\bas date\))"
)
# Option of a connection: the time zone of the hourly monitor that it is of.
ZONE = "driftmeter_zone"


def by_hour(name: str) -> str:
    """The view, or function, that has hours in place of a relation or function of days."""
    return f"hourly_{name}"


def by_hours(engine: sa.Engine, zone: ZoneInfo) -> sa.Engine:
    """The engine for an hourly monitor: batches are known by their start in its time zone."""
    return engine.execution_options(**{ZONE: zone})


def zone_of(connection: sa.Connection) -> ZoneInfo | None:
    """The time zone of the hourly monitor that a connection is of; None of other monitors."""
    zone: ZoneInfo | None = connection.get_execution_options().get(ZONE)
    return zone


def on_batches(statement: str) -> str:
    """A statement that knows batches by their start."""

    def renamed(token: re.Match[str]) -> str:
        if token["function"]:
            return f"{WRITTEN}.{by_hour(token['function'])}"
        if token["days"] or token["day"]:
            return token[0].replace("date", "timestamptz")
        if not token["relation"]:
            return token[0]
        view = f"{WRITTEN}.{by_hour(token['relation'])}"
        return f"{view}{token['alias'] or ' as ' + token['relation']}"

    return BY_BATCH.sub(renamed, statement)


@functools.cache
def hour_loader(zone: ZoneInfo) -> type[TimestamptzLoader]:
    """Reads an instant as an hour of a time zone."""

    class HourLoader(TimestamptzLoader):
        def load(self, data: Any) -> dt.datetime:
            return Hour.of(super().load(data), zone)

    return HourLoader


def in_warehouse(statement: str) -> str:
    """A statement with the schema's name in this warehouse."""
    schema = settings.metrics_schema()
    if schema == WRITTEN:
        return statement

    def renamed(token: re.Match[str]) -> str:
        before = token["before"] or token["word"] or ""
        return f"{before}{schema}" if token[0] == f"{before}{WRITTEN}" else token[0]

    return TOKENS.sub(renamed, statement)


def rename_statements(engine: sa.Engine) -> None:
    """Have every statement of an engine read the schema and its relations as they are there."""

    @sa.event.listens_for(engine, "before_cursor_execute", retval=True)
    def rename(
        connection: sa.Connection, cursor: Any, statement: str, parameters: object, *more: object
    ) -> tuple[str, object]:
        if (zone := zone_of(connection)) is not None:
            cursor.adapters.register_loader("timestamptz", hour_loader(zone))
            statement = on_batches(statement)
        return in_warehouse(statement), parameters
