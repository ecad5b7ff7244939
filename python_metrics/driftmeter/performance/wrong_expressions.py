"""Tries SQL of a team's own on the newest day of its table, and says what Postgres says of it."""

import psycopg
import sqlalchemy as sa
from psycopg import sql

from driftmeter.arrival.inference_rows import table_of
from driftmeter.errors import DriftmeterError
from driftmeter.monitors.config import Monitor
from driftmeter.performance.row_value import worth_in_sql

# The expression has a line of its own, for it may end with a comment.
TRIED = (
    "select (\n{expression}\n)::double precision from {table} as scored"
    " where {batch} = (select max({batch}) from {table})"
)


def wrong_expressions(connection: sa.Connection, monitor: Monitor) -> list[DriftmeterError]:
    """One error for each metric of a monitor, or value of its rows, whose SQL fails."""
    tried: dict[str, sql.Composable] = {
        f"metrics.{name}": sql.SQL(metric.sql) for name, metric in monitor.metrics.items()
    }
    if monitor.value is not None:
        tried["value"] = sql.SQL("sum({})").format(worth_in_sql(monitor))
    wrong = []
    for field, expression in tried.items():
        query = sql.SQL(TRIED).format(
            expression=expression,
            table=table_of(monitor),
            batch=sql.Identifier(monitor.batch_column),
        )
        try:
            with connection.begin_nested():
                connection.connection.driver_connection.execute(query)  # type: ignore[union-attr]
        except psycopg.Error as error:
            wrong.append(
                DriftmeterError(
                    words_of(error),
                    where=f"{monitor.name}, {field}",
                    fix="correct its `sql` in the monitor's YAML",
                )
            )
    return wrong


def words_of(error: psycopg.Error) -> str:
    """What Postgres says of a statement that failed, in a line."""
    return f"Postgres says: {str(error.diag.message_primary or error).splitlines()[0]}"
