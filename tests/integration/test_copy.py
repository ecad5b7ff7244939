"""Rows through COPY and back, with the values that text formats lose."""

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest
import sqlalchemy as sa
from psycopg import sql

from driftmeter.errors import DriftmeterError
from driftmeter.warehouse.binary_rows import BLOCK_ROWS
from driftmeter.warehouse.copy import column_list, copy_in, copy_out

ROWS = pa.table(
    {
        "id": pa.array([1, 2, 3, 4], pa.int64()),
        "text": ["", None, 'a "quoted", comma\nand line', "é€ \\N \\. NULL"],
        "number": [0.1, None, float("inf"), -1e300],
        "flag": [True, False, None, True],
        "day": [dt.date(2019, 3, 10), None, dt.date(1, 1, 1), dt.date(9999, 12, 31)],
        "at": pa.array(
            [dt.datetime(2019, 3, 10, 2, 30, 0, 1), None, None, dt.datetime(1, 1, 1)],
            pa.timestamp("us"),
        ),
        "small": pa.array([-(2**15), 2**15 - 1, None, 0], pa.int16()),
        "whole": pa.array([None, -(2**31), 2**31 - 1, 0], pa.int32()),
        "real": pa.array([0.5, None, float("-inf"), 1.5], pa.float32()),
        "zoned": pa.array(
            [dt.datetime(2019, 3, 10, 2, 30, tzinfo=dt.timezone.utc), None, None, None],
            pa.timestamp("us", "UTC"),
        ),
    }
)
TABLE = """
    create table raw.copied (
        id bigint, text text, number double precision, flag boolean, day date, at timestamp,
        small smallint, whole integer, real real, zoned timestamptz, document jsonb, money numeric
    )
"""


def test_what_goes_in_comes_out(warehouse: sa.Engine) -> None:
    with warehouse.begin() as session:
        session.exec_driver_sql(TABLE)
        assert copy_in(session, "raw.copied", ROWS) == 4
        query = sql.SQL("select {} from raw.copied order by id").format(
            column_list(ROWS.column_names)
        )
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


def test_values_of_other_types_are_cast_to_those_of_the_table(warehouse: sa.Engine) -> None:
    rows = pa.table(
        {
            "id": pa.array([1, 2], pa.int8()),
            "text": pa.array(["a", "b"]).dictionary_encode(),
            "number": pa.array([3, None], pa.int32()),
            "small": pa.array([7.0, None]),
            "whole": pa.nulls(2),
            "zoned": [dt.datetime(2019, 3, 10, 2, 30), None],
            "document": ['{"a": [1, "é"]}', None],
        }
    )
    with warehouse.begin() as session:
        session.exec_driver_sql("set time zone 'Asia/Tokyo'")
        session.exec_driver_sql(TABLE)
        copy_in(session, "raw.copied", rows)
        query = "select id, text, number, small, whole, zoned, document from raw.copied order by id"
        found = [tuple(row) for row in session.execute(sa.text(query))]
    at = dt.datetime(2019, 3, 10, 2, 30, tzinfo=dt.timezone.utc)
    assert found == [
        (1, "a", 3.0, 7, None, at, {"a": [1, "é"]}),
        (2, "b", None, None, None, None, None),
    ]


def test_more_rows_than_a_block_all_arrive_whatever_their_lengths(warehouse: sa.Engine) -> None:
    generator = np.random.default_rng(7)
    count = 2 * BLOCK_ROWS + 1
    texts = ["x" * length + "é" for length in generator.integers(0, 300, count)]
    many = pa.table(
        {
            "id": range(count),
            "text": pa.array(texts, mask=generator.random(count) < 0.1),
            "number": pa.array(generator.normal(size=count), mask=generator.random(count) < 0.5),
        }
    )
    with warehouse.begin() as session:
        session.exec_driver_sql(TABLE)
        # A slice, whose arrays begin in the middle of their buffers.
        assert copy_in(session, "raw.copied", many.slice(5)) == count - 5
        query = sql.SQL("select id, text, number from raw.copied order by id")
        types = {field.name: field.type for field in many.schema}
        assert copy_out(session, query, types).equals(many.slice(5))


def test_all_that_postgres_is_given_is_seen(warehouse: sa.Engine) -> None:
    seen: list[bytes] = []
    with warehouse.begin() as session:
        session.exec_driver_sql(TABLE)
        copy_in(session, "raw.copied", ROWS, lambda block: seen.append(bytes(block)))
        out = session.connection.driver_connection.cursor()  # type: ignore[union-attr]
        names = ", ".join(ROWS.column_names)
        with out.copy(f"copy raw.copied ({names}) to stdout (format binary)") as copy:
            theirs = b"".join(copy)
    # Between a head of 19 bytes and an end of 2.
    assert b"".join(seen) == theirs[19:-2]


@pytest.mark.parametrize(
    ("column", "value", "line"),
    [
        ("whole", 2**31, "column whole: a value is not of type int4"),
        ("number", "many", "column number: a value is not of type float8"),
        ("money", 1.5, "raw.copied: column money has type numeric"),
    ],
)
def test_what_does_not_fit_its_column_is_refused(
    warehouse: sa.Engine, column: str, value: object, line: str
) -> None:
    with warehouse.begin() as session:
        session.exec_driver_sql(TABLE)
    with pytest.raises(DriftmeterError, match=line), warehouse.begin() as session:
        copy_in(session, "raw.copied", pa.table({column: [value]}))


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
