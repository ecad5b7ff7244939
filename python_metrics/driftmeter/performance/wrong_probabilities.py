"""Tries the probabilities of several classes on a table's newest day, and says what is wrong."""

from collections.abc import Iterator, Sequence

import psycopg
import pyarrow as pa
import sqlalchemy as sa
from psycopg import sql

from driftmeter.arrival.inference_rows import table_of
from driftmeter.arrival.values import prediction_of
from driftmeter.errors import DriftmeterError
from driftmeter.monitors.config import Monitor
from driftmeter.performance.class_probabilities import classes_of, probabilities_in_sql
from driftmeter.performance.wrong_expressions import words_of
from driftmeter.warehouse.copy import copy_out

# Probabilities that are printed with two digits add up to 1 by about so much.
MOST_APART = 0.05
# In so many of the rows they may be missing or add up to something else.
MOST_WRONG = 0.01
MOST_NAMED = 3
ROWS = (
    "select count(*) as rows, count(*) filter (where lowest < 0 or highest > 1) as outside,"
    " count(total) as whole, count(*) filter (where known) as known,"
    " count(*) filter (where abs(total - 1) > {apart}) as apart,"
    " percentile_cont(0.5) within group (order by total)"
    " filter (where abs(total - 1) > {apart}) as usual,"
    " count(*) filter (where not predicted = any({classes}::text[])) as other,"
    " (array_agg(distinct predicted)"
    " filter (where not predicted = any({classes}::text[])))[1:{most}]::text as others"
    " from (select {total} as total, coalesce({values}) is not null as known, least({values}) as"
    " lowest, greatest({values}) as highest, {predicted} as predicted from {table} as scored"
    " where partition_date = (select max(partition_date) from {table})) as rows"
)
TYPES = {
    **dict.fromkeys(["rows", "outside", "whole", "known", "apart", "other"], pa.int64()),
    "usual": pa.float64(),
    "others": pa.string(),
}


def wrong_probabilities(connection: sa.Connection, monitor: Monitor) -> list[DriftmeterError]:
    """One error for each thing that is wrong with the probabilities of a monitor's classes."""
    if monitor.probabilities is None:
        return []
    try:
        with connection.begin_nested():
            classes = classes_of(connection, monitor)
            found = [*_found(connection, monitor, classes)] if classes else [NO_OBJECT]
    except psycopg.Error as error:
        found = [(words_of(error), "name columns of the table")]
    where = f"{monitor.name}, probabilities"
    return [DriftmeterError(what, where=where, fix=fix) for what, fix in found]


NO_OBJECT = (
    "no row of the reference period has an object of jsonb, by class, in that column",
    'name a column that holds such as {"one class": 0.7, "another": 0.3}',
)


def _found(
    connection: sa.Connection, monitor: Monitor, classes: Sequence[str]
) -> Iterator[tuple[str, str]]:
    """What is wrong and the way out, of the rows of the newest day."""
    values = [*probabilities_in_sql(monitor, classes).values()]
    query = sql.SQL(ROWS).format(
        apart=sql.Literal(MOST_APART),
        classes=sql.Literal(list(classes)),
        most=sql.Literal(MOST_NAMED),
        total=sql.SQL(" + ").join(values),
        values=sql.SQL(", ").join(values),
        predicted=prediction_of(monitor, sql.Identifier(monitor.prediction)),
        table=table_of(monitor),
    )
    (row,) = copy_out(connection, query, TYPES).to_pylist()
    if not row["rows"]:
        return
    most = MOST_WRONG * row["rows"]
    if row["outside"]:
        yield (
            f"{row['outside']:,} of {row['rows']:,} rows of the newest day have one below 0 or"
            " above 1",
            "name columns of probabilities, such as those that a softmax gives",
        )
    elif row["apart"] > most:
        yield (
            f"they add up to {row['usual']:.3g}, not to 1, in {row['apart']:,} of {row['rows']:,}"
            " rows of the newest day",
            "name the column of every class, and no other",
        )
    if row["known"] - row["whole"] > most:
        yield (
            f"{row['known'] - row['whole']:,} of {row['rows']:,} rows of the newest day have those"
            " of some classes and not of others",
            "write 0 where a class cannot be",
        )
    if row["other"]:
        yield (
            f"the model predicts {row['others'].strip('{}')} on the newest day, of which no"
            " probability is named",
            "name the column of that class",
        )
