"""Rows through COPY and back, with the values that text formats lose."""

import datetime as dt

import pyarrow as pa
import sqlalchemy as sa
from psycopg import sql

from python_metrics.warehouse.copy import CHUNK_ROWS, copy_in, copy_out

ROWS = pa.table(
    {
        "id": pa.array([1, 2, 3, 4], pa.int64()),
        "text": ["", None, 'a "quoted", comma\nand line', "é€ \\N \\. NULL"],
        "number": [0.1, None, float("inf"), -1e300],
        "flag": [True, False, None, True],
        "day": [dt.date(2019, 3, 10), None, dt.date(1, 1, 1), dt.date(9999, 12, 31)],
        "at": pa.array(
            [dt.datetime(2019, 3, 10, 2, 30, 0, 1), None, None, None], pa.timestamp("us")
        ),
    }
)
TABLE = """
    create table raw.copied (
        id bigint, text text, number double precision, flag boolean, day date, at timestamp
    )
"""


def test_what_goes_in_comes_out(warehouse: sa.Engine) -> None:
    with warehouse.begin() as session:
        session.exec_driver_sql(TABLE)
        assert copy_in(session, "raw.copied", ROWS) == 4
        query = sql.SQL("select * from raw.copied order by id")
        types = {field.name: field.type for field in ROWS.schema}
        assert copy_out(session, query, types).equals(ROWS)
        assert session.scalar(sa.text("select count(*) from raw.copied where text is null")) == 1
        assert session.scalar(sa.text("select count(*) from raw.copied where text = ''")) == 1


def test_columns_are_matched_by_name_and_the_others_stay_null(warehouse: sa.Engine) -> None:
    with warehouse.begin() as session:
        session.exec_driver_sql(TABLE)
        copy_in(session, "raw.copied", ROWS.select(["number", "id"]))
        row = session.execute(sa.text("select id, number, text from raw.copied where id = 1")).one()
        assert tuple(row) == (1, 0.1, None)


def test_more_rows_than_a_block_all_arrive(warehouse: sa.Engine) -> None:
    many = pa.table({"id": pa.array(range(2 * CHUNK_ROWS + 1), pa.int64())})
    with warehouse.begin() as session:
        session.exec_driver_sql(TABLE)
        copy_in(session, "raw.copied", many)
        distinct = session.scalar(sa.text("select count(distinct id) from raw.copied"))
        assert distinct == 2 * CHUNK_ROWS + 1


def test_no_rows_are_a_table_with_columns(warehouse: sa.Engine) -> None:
    with warehouse.begin() as session:
        session.exec_driver_sql(TABLE)
        assert copy_in(session, "raw.copied", ROWS.slice(0, 0)) == 0
        found = copy_out(session, sql.SQL("select id, text from raw.copied"), {"id": pa.int64()})
        assert (found.num_rows, found.column_names) == (0, ["id", "text"])


def test_a_copy_is_part_of_its_transaction(warehouse: sa.Engine) -> None:
    with warehouse.begin() as session:
        session.exec_driver_sql(TABLE)
    with warehouse.connect() as session:
        copy_in(session, "raw.copied", ROWS)
        session.rollback()
    with warehouse.connect() as session:
        assert session.scalar(sa.text("select count(*) from raw.copied")) == 0
