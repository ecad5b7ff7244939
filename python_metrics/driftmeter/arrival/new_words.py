"""Words of a day's texts that the reference period never had."""

import datetime as dt

import sqlalchemy as sa
from psycopg import sql

from driftmeter.arrival.inference_rows import table_of
from driftmeter.monitors.config import Monitor

# So many are told as examples.
SHOWN = 3
QUERY = sql.SQL(
    "select word from {table} as scored cross join lateral metrics.words_of({text}::text) as word"
    " where scored.{batch} = {day} and not exists (select from metrics.reference_words as known"
    " where known.monitor = {monitor} and known.column_name = {column}"
    " and known.word_hash = hashtextextended(word, 0))"
    ' group by word order by count(*) desc, word collate "C" limit {shown}'
)


def new_words(connection: sa.Connection, monitor: Monitor, day: dt.date, column: str) -> list[str]:
    """The commonest of them in a column of texts, at most `SHOWN`."""
    query = QUERY.format(
        table=table_of(monitor),
        text=sql.Identifier("scored", column),
        batch=sql.Identifier(monitor.batch_column),
        day=sql.Literal(day),
        monitor=sql.Literal(monitor.name),
        column=sql.Literal(column),
        shown=sql.Literal(SHOWN),
    )
    driver = connection.connection.driver_connection
    return [word for (word,) in driver.execute(query).fetchall()]  # type: ignore[union-attr]
