"""Fresh statistics for Postgres' planner after a bulk load."""

import sqlalchemy as sa
from psycopg import sql


def analyze(engine: sa.Engine, table: str) -> None:
    """Analyze ``schema.table``.

    Autovacuum would, a minute later; until then Postgres takes a table just filled for an empty
    one, and joins 60,000 rows to their predictions in 80 s by nested loop, not in 0.2 s by hash.
    """
    with engine.begin() as connection:
        statement = sql.SQL("analyze {}").format(sql.Identifier(*table.split(".")))
        connection.exec_driver_sql(statement.as_string())
