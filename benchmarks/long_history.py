"""A long history out of a short one: measured days again and again, as other days."""

import datetime as dt

import sqlalchemy as sa

from dagster_driftmeter.runs.progress import track
from driftmeter.warehouse.months import make_months

# Tables of a day; whether a day is fresh is asked when its row in `partitions` comes, the last.
TABLES = ("column_summary", "drift", "test_results", "measured_inputs", "partitions")


def repeat_days(engine: sa.Engine, first: dt.date, days: int, copies: int) -> dt.date:
    """Repeat measured days until there are so many times as many; gives the last of them.

    The rows keep their number and spread.
    """
    every = [first + dt.timedelta(days=number) for number in range(days * copies)]
    columns = sa.text(
        "select column_name from information_schema.columns"
        " where table_schema = 'metrics' and table_name = :table"
    )
    with engine.begin() as session:
        for table in track("a long history", TABLES):
            names = list(session.scalars(columns, {"table": table}))
            make_months(session, f"metrics.{table}", every)
            moved = [
                f"partition_date + {days} * copy" if name == "partition_date" else name
                for name in names
            ]
            session.exec_driver_sql(
                f"insert into metrics.{table} ({', '.join(names)}) select {', '.join(moved)}"
                f" from metrics.{table} cross join generate_series(1, {copies - 1}) as copy"
                f" where partition_date between '{first}' and '{every[days - 1]}'"
            )
    return every[-1]
