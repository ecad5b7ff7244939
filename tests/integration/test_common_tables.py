"""`driftmeter init` on the commonest tables: what it proposes, and what the view then holds."""

from collections.abc import Mapping
from typing import Any

import pytest
import sqlalchemy as sa

from driftmeter.errors import DriftmeterError
from driftmeter.monitors.proposal import Proposal, propose, quote
from driftmeter.monitors.proposal.column_types import TableName
from driftmeter.warehouse.refusal import refusal_of
from tests.cases import over
from tests.integration.same_rows import USUAL, table_of, viewed

EPOCH = "extract(epoch from at)"


def days_of(engine: sa.Engine, proposal: Proposal) -> dict[str, int]:
    """Rows by day in that view."""
    days: dict[str, int] = {}
    for row in viewed(engine, proposal):
        day = row["partition_date"].isoformat()
        days[day] = days.get(day, 0) + 1
    return days


@over(
    ("times", "given", "cast", "first"),
    [
        (f"{EPOCH}::bigint as ts", {}, 'to_timestamp("ts")', "2026-01-02"),
        (f"{EPOCH}::integer as event_time", {}, 'to_timestamp("event_time")', "2026-01-02"),
        (f"{EPOCH}::bigint * 1000 as ts_ms", {}, 'to_timestamp("ts_ms" / 1000.0)', "2026-01-02"),
        (f"({EPOCH} * 1e9)::bigint as t", {"timestamp": "t"}, "/ 1000000000.0)", "2026-01-02"),
        (f'{EPOCH}::float8 + .25 as "eventTime"', {}, "to_timestamp(nullif(", "2026-01-02"),
        (f"({EPOCH}::bigint * 1000)::text as ts", {}, "'')::bigint / 1000.0)", "2026-01-02"),
        ("to_char(at, 'YYYYMMDD')::integer as date_key", {}, "to_date(", "2026-01-01"),
        ("to_char(at, 'YYYY-MM-DD') as day", {}, "nullif(\"day\", '')::date", "2026-01-01"),
        (
            "to_char(at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"') as created_at",
            {},
            "nullif(\"created_at\", '')::timestamptz",
            "2026-01-02",
        ),
        # Without a zone a time is one of the monitor's, unless somebody says that it is not.
        ("at at time zone 'UTC' as scored_at", {}, None, "2026-01-01"),
        ("(at at time zone 'UTC')::text as scored_at", {}, "::timestamp", "2026-01-01"),
        (
            "at at time zone 'UTC' as scored_at",
            {"timestamp_zone": "UTC"},
            "\"scored_at\" at time zone 'UTC'",
            "2026-01-02",
        ),
        (
            "(at at time zone 'UTC')::text as scored_at",
            {"timestamp_zone": "UTC"},
            "::timestamp at time zone 'UTC'",
            "2026-01-02",
        ),
    ],
)
def test_a_number_or_a_text_that_is_a_time_is_cast_in_the_view(
    rows: sa.Engine, times: str, given: dict[str, str], cast: str | None, first: str
) -> None:
    table = table_of(rows, f"'R' || n as row_id, {times}, age, kind, probability")
    proposal = propose(rows, table, {"timezone": "Europe/Berlin", **given})
    column = proposal.columns[proposal.fields["timestamp"]]
    assert column.is_cast == (cast is not None)
    assert (cast or "") in column.sql
    counted = days_of(rows, proposal)
    assert min(counted) == first
    assert set(counted.values()) == {10}
    is_open = column.data_type == "timestamp without time zone"
    assert ("--timestamp-zone" in proposal.reasons["timestamp"]) == is_open
    assert proposal.fields["reference"]["from"] == first


def test_a_second_time_that_is_a_number_is_no_input(rows: sa.Engine) -> None:
    table = table_of(rows, f"{USUAL}, {EPOCH}::bigint as last_seen_ts, n * 3 as hits_at_time")
    proposal = propose(rows, table, {})
    assert proposal.fields["timestamp"] == "scored_at"
    assert proposal.left_out["last_seen_ts"] == "it is a time"
    assert "hits_at_time" in proposal.fields["features"]


@over(
    ("times", "given", "told"),
    [
        (
            "to_char(at, 'DD/MM/YYYY') as day",
            {},
            "'day' is of type text, and its values are no times",
        ),
        ("to_char(at, 'DD/MM/YYYY') as day", {"timestamp": "day"}, "seconds, milliseconds"),
        ("n as scored_at", {"timestamp": "scored_at"}, "its values are not seconds"),
        (
            "case when n = 500 then '2026-02-30' else to_char(at, 'YYYY-MM-DD') end as day",
            {},
            "'day' of",
        ),
        (
            "at as scored_at",
            {"timestamp_zone": "UTC"},
            "--timestamp-zone: 'scored_at' is of type timestamp with",
        ),
        ("at as scored_at", {"timestamp_zone": "Berlin"}, "'Berlin' is not a time zone"),
    ],
)
def test_what_is_no_time_is_refused_with_what_would_be(
    rows: sa.Engine, times: str, given: dict[str, str], told: str
) -> None:
    table = table_of(rows, f"'R' || n as row_id, {times}, age, kind, probability")
    with pytest.raises(DriftmeterError) as refused:
        propose(rows, table, given)
    assert told in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_text_that_is_no_time_and_comes_later_is_one_line(rows: sa.Engine) -> None:
    table = table_of(rows, "'R' || n as row_id, at::text as scored_at, age, kind, probability")
    proposal = propose(rows, table, {})
    with rows.begin() as session:
        session.exec_driver_sql(f"update {table} set scored_at = '' where row_id = 'R7'")
    assert sum(row["partition_date"] is None for row in viewed(rows, proposal)) == 1
    with rows.begin() as session:
        session.exec_driver_sql(f"update {table} set scored_at = 'n/a' where row_id = 'R7'")
    with pytest.raises(sa.exc.DataError) as refused:
        viewed(rows, proposal)
    line = str(refusal_of(refused.value))
    assert '"n/a"' in line
    assert "correct this value in your table" in line


FLAGS = {
    "a boolean": "happened",
    "0 and 1": "happened::integer",
    "0 and 1, small": "happened::integer::smallint",
    "0 and 1, numeric": "happened::integer::numeric(3, 1)",
    "0 and 1, float": "happened::integer::float8",
    "yes and no": "case when happened then 'yes' else 'no' end",
    "Y and N": "case when happened then 'Y' else 'N' end::character(1)",
    "an enum": "(case when happened then 'yes' else 'no' end)::verdict",
}


@over("flag", FLAGS.values(), FLAGS)
def test_a_flag_is_a_category_and_may_be_the_target(rows: sa.Engine, flag: str) -> None:
    table = table_of(rows, f"{USUAL}, {flag} as has_card, {flag} as churned")
    proposal = propose(rows, table, {})
    fields = proposal.fields
    assert (fields["target"], fields["task"]) == ("churned", "classification")
    assert fields["features"]["has_card"] == {"kind": "categorical"}
    assert fields["features"]["age"] == {"kind": "numerical"}
    assert fields["segments"] == ["kind", "has_card"]
    assert propose(rows, table, {"target": "has_card"}).fields["target"] == "has_card"
    assert len({row["churned"] for row in viewed(rows, proposal)}) == 2


@over("flag", FLAGS.values(), FLAGS)
def test_a_label_that_is_the_only_prediction_is_0_or_1_in_the_view(
    rows: sa.Engine, flag: str
) -> None:
    columns = f"'R' || n as row_id, at as scored_at, age, kind, {flag} as prediction, happened as y"
    table = table_of(rows, columns)
    for given in ({}, {"prediction": "prediction"}):
        proposal = propose(rows, table, given)
        assert proposal.fields["prediction"] == "prediction"
        assert proposal.fields["target"] == "y"
        assert {float(row["prediction"]) for row in viewed(rows, proposal)} == {0, 1}


def test_columns_of_every_type_are_measured_as_numbers_or_categories(rows: sa.Engine) -> None:
    table = table_of(
        rows,
        "md5(n::text)::uuid as row_uuid, at as scored_at, probability,"
        " (array['red', 'green', 'blue'])[1 + n % 3]::colour as colour,"
        " (n % 50 + 0.5)::amount as amount, (n % 40)::price as price,"
        " (n % 30)::numeric::money as fee, 'abc'::letters as letters, kind::name as kind,"
        " happened as churned",
    )
    proposal = propose(rows, table, {})
    assert proposal.fields["id"] == "row_uuid"
    kinds = {name: about["kind"] for name, about in proposal.fields["features"].items()}
    assert kinds == {
        "colour": "categorical",
        "amount": "numerical",
        "price": "numerical",
        "fee": "numerical",
        "letters": "categorical",
        "kind": "categorical",
    }
    types = {name: column.data_type for name, column in proposal.columns.items()}
    assert types["row_uuid"] == types["colour"] == types["letters"] == "text"
    assert types["amount"] == types["price"] == types["fee"] == "numeric"
    (row,) = [r for r in viewed(rows, proposal) if r["amount"] == 7.5][:1]
    assert (float(row["fee"]) % 1, row["letters"], row["colour"] in "red green blue") == (
        0, "abc", True,
    )  # fmt: skip


def test_a_table_with_a_quoted_name_is_found(rows: sa.Engine) -> None:
    for schema, name in (("Team Risk", "Zoo"), ("team.risk", 'Zoo of "pets"')):
        written = ".".join(quote(part) for part in (schema, name))
        with rows.begin() as session:
            session.exec_driver_sql(f"create schema {quote(schema)}")
            session.exec_driver_sql(f"create table {written} as select {USUAL} from rows")
        assert propose(rows, written, {}).table == TableName(schema, name)
    # Without quotes, capitals and spaces are taken as they are written.
    assert propose(rows, "Team Risk.Zoo", {}).table == TableName("Team Risk", "Zoo")


@over(
    ("written", "told"),
    [
        ('"Team Risk".Zoo"', "cannot be read as the name of a table"),
        ('a."b".c', "cannot be read as the name of a table"),
        ("public.ROWS", "name public.rows, if you mean that"),
        ("risk.rows", "name public.rows, if you mean that"),
    ],
)
def test_a_table_that_is_not_there_is_one_line_with_what_is(
    rows: sa.Engine, written: str, told: str
) -> None:
    with pytest.raises(DriftmeterError) as refused:
        propose(rows, written, {})
    assert told in str(refused.value)


@over(
    ("columns", "found", "made"),
    [
        # Once a day only, under a name that says nothing of a key.
        ("'M' || of_day as meter", "meter", ""),
        ("of_day as station, n % 10 + 0.5 as level", "station", ""),
        # A series of one row a day: none of its columns is a key because of that.
        ("day_number % 7 as weekday", "row_id", "all columns but the target"),
        # Two together; the second has a name that says nothing of a key.
        ("n / 3 as order_id, n % 3 as line", "row_id", "'order_id' and 'line'"),
        ("of_day % 5 as shop_id, of_day / 5 as item_id", "row_id", "'shop_id' and 'item_id'"),
        # A customer at a time, which is not one of a session's zone.
        (
            "n / 3 as customer_id, at + n % 3 * interval '1 s' as seen_at",
            "row_id",
            "'customer_id' and 'seen_at'",
        ),
        # None: all that the row holds.
        ("n * n % 20 as size", "row_id", "all columns but the target"),
    ],
)
def test_a_row_is_known_by_its_day_by_two_columns_or_by_all_of_them(
    rows: sa.Engine, columns: str, found: str, made: str
) -> None:
    usual = "age, kind, probability, happened as churned"
    usual = usual if "seen_at" in columns else f"at as scored_at, {usual}"
    where = "of_day = 0" if "weekday" in columns else "true"
    table = table_of(rows, f"{columns}, {usual}", where)
    proposal = propose(rows, table, {})
    assert proposal.fields["id"] == found
    assert made in proposal.reasons["id"]
    assert found not in proposal.fields["features"]
    read = viewed(rows, proposal)
    assert len({(row[found], row["partition_date"]) for row in read}) == len(read) >= 60
    # The id of a row is the same whenever and by whomever it is read.
    assert [row[found] for row in read] == [row[found] for row in _plainly(rows, proposal)]


def test_a_declared_key_of_several_columns_is_the_id_and_its_counter_no_input(
    rows: sa.Engine,
) -> None:
    columns = "n % 4 as depot, n / 4 + 0 as ordr, at as scored_at, age, kind, probability"
    table = table_of(rows, f"{columns}, happened as churned")
    for given in ({}, {"id": "depot,ordr"}):
        with rows.begin() as session:
            session.exec_driver_sql(f"alter table {table} add primary key (depot, ordr)")
        proposal = propose(rows, table, given)
        assert proposal.fields["id"] == "row_id"
        why = "as given" if given else "a key that the table declares"
        assert proposal.reasons["id"] == f"made of 'depot' and 'ordr': {why}"
        # Which depot a row is of may well be an input.
        assert set(proposal.fields["features"]) == {"age", "kind", "depot"}
        with rows.begin() as session:
            session.exec_driver_sql(f"alter table {table} drop constraint {table}_pkey")


def _plainly(engine: sa.Engine, proposal: Proposal) -> list[Mapping[str, Any]]:
    with engine.connect() as session:
        asked = sa.text(f"select * from {proposal.relation}".replace(":", r"\:"))
        return [dict(row) for row in session.execute(asked).mappings()]


def test_an_id_of_the_whole_row_leaves_the_label_out_and_tells_of_rows_that_are_the_same(
    rows: sa.Engine,
) -> None:
    columns = "at as scored_at, of_day / 5 as size, kind, happened as churned, .5 as score"
    table = table_of(rows, columns)
    proposal = propose(rows, table, {})
    assert '"churned"' not in proposal.columns["row_id"].sql
    assert "rows are the same as another of their day" in proposal.reasons["id"]


def test_an_id_that_is_given_may_be_several_columns(rows: sa.Engine) -> None:
    usual = "at as scored_at, age, kind, probability, happened as churned"
    table = table_of(rows, f"n / 3 as order_id, n % 3 as line, {usual}")
    proposal = propose(rows, table, {"id": "order_id, line"})
    assert "made of 'order_id' and 'line'" in proposal.reasons["id"]
    for given, told in {
        "order_id": "'order_id' has the same value in several rows of a day",
        "kind,churned": "'kind' and 'churned' have the same values",
        "order_id,nosuch": "has no column 'nosuch'",
    }.items():
        with pytest.raises(DriftmeterError) as refused:
            propose(rows, table, {"id": given})
        assert told in str(refused.value)


@over(
    ("columns", "told", "never"),
    [
        # More than two classes under a name of the model's own: no key stands in for it.
        (
            "n as case_no, kind as model_output",
            "'model_output' may hold classes",
            "--prediction case_no",
        ),
        ("n % 90 as customer_id, kind as species", "may hold classes", "--prediction cust"),
        # So it is said of a class that is predicted and the one that came true.
        (
            "n as case_no, kind as seen, age,"
            " (array['web', 'branch', 'partner'])[1 + n % 3] as guess",
            "'seen' and 'guess' hold the same classes",
            "--prediction case_no",
        ),
        # An amount that may be the prediction is offered, and its key is not.
        ("n as case_no, n % 90 as customer_id, age", "--prediction age", "--prediction c"),
    ],
)
def test_a_refusal_offers_what_would_fit_and_never_the_key(
    rows: sa.Engine, columns: str, told: str, never: str
) -> None:
    table = table_of(rows, f"{columns}, at as scored_at")
    with pytest.raises(DriftmeterError) as refused:
        propose(rows, table, {})
    assert told in str(refused.value)
    assert never not in str(refused.value)


def test_a_target_that_cannot_be_one_is_answered_with_others_that_can(rows: sa.Engine) -> None:
    table = table_of(rows, f"{USUAL}, kind as target, n % 97 as customer_id, n % 7 > 2 as has_card")
    with pytest.raises(DriftmeterError) as refused:
        propose(rows, table, {})
    assert "'target' may be the target, but has 3 values" in str(refused.value)
    assert "'has_card' can be the target" in str(refused.value)
    assert getattr(refused.value, "choices", ()) == ("has_card", "none")
