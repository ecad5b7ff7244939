"""Labels in a table of their own: how `driftmeter init` joins them, and how they are noticed."""

import os
from pathlib import Path

import pytest
import sqlalchemy as sa

from driftmeter.errors import DriftmeterError
from driftmeter.monitors.proposal import propose
from tests.cases import over
from tests.integration.same_rows import table_of, viewed
from tests.programs import DRIFTMETER, run_program

# 40 rows a day for 40 days; of the last six days no label has come.
TABLES = """
    create schema "Team Risk";
    create table "Team Risk"."Scores" as
    select
        number as payment_id,
        1767225600000 + number / 40 * bigint '86400000' + number % 40 * 60000 as scored_at_ms,
        (50 + 9 * sin(number))::numeric::money as amount,
        (array['web', 'branch'])[1 + number % 2] as channel,
        number % 3 = 0 as is_new,
        sin(number) ^ 2 as fraud_probability
    from generate_series(0, 1599) as number;
    create table "Team Risk"."Outcomes" as
    select
        payment_id::text as "{{ 1/0 }} ref",
        case when payment_id * 37 % 97 / 97.0 < fraud_probability then 'yes' else 'no' end
            as is_fraud
    from "Team Risk"."Scores" where payment_id < 34 * 40
"""
LANDED = """
    insert into "Team Risk"."Outcomes"
    select payment_id::text, 'no' from "Team Risk"."Scores" where payment_id / 40 in (34, 35)
"""
MEASURED = sa.text(
    "select partition_date::text, computed_at from metrics.partitions where monitor = 'scores'"
    " and state = 'fresh'"
)
REALISED = sa.text(
    "select distinct partition_date::text from metrics.performance where monitor = 'scores'"
    " and kind = 'realised' and label_coverage > 0 and partition_date > '2026-02-01'"
)
SEEN = sa.text(
    "select column_name, count(*) filter (where status = 'ok') > 0 from metrics.drift"
    " where monitor = 'scores' and partition_date = '2026-02-05' and segment is null group by 1"
)
PREDICTIONS = "n as payment_id, at as scored_at, age, kind, probability, n * 2 as labelled_amount"
LABELS = "n as payment_id, happened as is_fraud, at + interval '9 days' as labelled_at"


def labels_of(engine: sa.Engine, columns: str = LABELS) -> str:
    """A table of labels in which those of the newest ten days have not come yet."""
    return table_of(engine, columns, where="day_number < 50")


@over(
    ("predictions", "labels", "given", "on"),
    [
        (PREDICTIONS, LABELS, {}, '"labels.payment_id" = "payment_id"'),
        (
            'n as "paymentId", at as scored_at, age, kind, probability',
            LABELS,
            {},
            '"labels.payment_id" = "paymentId"',
        ),
        # Another name, another type, and a column that both have.
        (
            PREDICTIONS,
            "n::text as ref, kind as kind, happened as is_fraud",
            {"labels_id": "ref", "id": "payment_id"},
            '"labels.ref"::text = "payment_id"::text',
        ),
        (
            f"{PREDICTIONS}, null::boolean as is_fraud",
            LABELS,
            {"target": "is_fraud"},
            '"labels.payment_id" = "payment_id"',
        ),
        (
            "n / 3 as order_id, n % 3 as line, at as scored_at, age, kind, probability",
            "n / 3 as order_id, n % 3 as line, happened as is_fraud",
            {"labels_id": "order_id,line"},
            '"labels.line" = "line"',
        ),
        (
            "md5(n::text)::uuid as payment_id, at as scored_at, age, kind, probability",
            "md5(n::text)::uuid::text as payment_id, happened as is_fraud, 'Ann' as reviewed_by",
            {},
            '"labels.payment_id" = "payment_id"::text',
        ),
    ],
)
def test_labels_of_a_table_of_their_own_are_joined_in_the_view(
    rows: sa.Engine, predictions: str, labels: str, given: dict[str, str], on: str
) -> None:
    table, labels = table_of(rows, predictions), labels_of(rows, labels)
    proposal = propose(rows, table, {"labels": labels, **given})
    assert proposal.fields["target"] == "is_fraud"
    assert proposal.labels is not None
    assert on in proposal.labels.conditions
    assert proposal.fields["label_delay_days"] == 10
    assert "kind" in proposal.fields["features"]
    assert not {"is_fraud", "labelled_at", "reviewed_by"} & {*proposal.fields["features"]}
    read = viewed(rows, proposal)
    assert len(read) == 600
    assert sum(row["is_fraud"] is not None for row in read) == 500


@over(
    ("labels", "given", "told"),
    [
        ("n % 9 as payment_id, happened as is_fraud, at as seen_at", {},
         'select distinct on ("payment_id") * from'),
        ("n + 9000 as payment_id, happened as is_fraud", {}, "no row has the same value"),
        ("n as ref, happened as is_fraud", {}, "choose one with --labels-id ref."),
        ("n as ref, happened as is_fraud", {"labels_id": "ref"}, "add --id COLUMN"),
        ("n as ref, happened as is_fraud", {"labels_id": "nosuch"}, "has no column 'nosuch'"),
        (LABELS, {"target": "age"}, "has no column 'age' beside 'payment_id'"),
        (LABELS, {"target": "none"}, "is of no use without a target"),
        ("n as payment_id", {}, "has no column beside 'payment_id'"),
        ("n as payment_id, kind || 'x' as verdict", {}, "'verdict' may be the target, but has 3"),
        ("n as payment_id, happened as returned, happened as refunded", {},
         "--target returned or --target refunded"),
    ],
)  # fmt: skip
def test_labels_that_cannot_be_joined_are_refused_with_the_way_out(
    rows: sa.Engine, labels: str, given: dict[str, str], told: str
) -> None:
    table = table_of(rows, PREDICTIONS)
    with pytest.raises(DriftmeterError) as refused:
        propose(rows, table, {"labels": labels_of(rows, labels), **given})
    assert told in str(refused.value)
    assert "\n" not in str(refused.value)


def command(directory: Path, url: str, *arguments: str) -> str:
    environment = {**os.environ, "DRIFTMETER_DATABASE_URL": url}
    environment.pop("DRIFTMETER_HOME", None)
    ended = run_program(DRIFTMETER, *arguments, directory=directory, environment=environment)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def measured(engine: sa.Engine) -> dict[str, object]:
    with engine.connect() as session:
        return dict(session.execute(MEASURED).tuples().all())


def test_labels_that_land_in_their_own_table_are_noticed_there(
    tmp_path: Path, warehouse: sa.Engine, warehouse_url: str
) -> None:
    with warehouse.begin() as session:
        session.exec_driver_sql(TABLES.replace("%", "%%"))
    shown = command(
        tmp_path, warehouse_url, "init", "--yes", "--name", "scores",
        "--table", '"Team Risk"."Scores"', "--id", "payment_id",
        "--labels", '"Team Risk"."Outcomes"', "--labels-id", "{{ 1/0 }} ref",
    )  # fmt: skip
    assert 'to_timestamp("scored_at_ms" / 1000.0)' in shown
    assert '"labels.{{ 1/0 }} ref"::text = "payment_id"::text' in shown
    run = ("run", "--workers", "1", "--monitor", "scores")
    command(tmp_path, warehouse_url, *run)
    first = measured(warehouse)
    assert {"2026-01-29", "2026-02-09"} <= {*first}
    with warehouse.begin() as session:
        before = set(session.scalars(REALISED))
        session.exec_driver_sql(LANDED)
    assert "2026-02-04" not in before

    # Labels of two days land; those days are measured again, and no others.
    command(tmp_path, warehouse_url, *run)
    again = measured(warehouse)
    assert {day for day in again if again[day] != first[day]} == {"2026-02-04", "2026-02-05"}
    with warehouse.begin() as session:
        assert set(session.scalars(REALISED)) - before == {"2026-02-04", "2026-02-05"}
        # A label's column that is gone takes nothing else with it.
        session.exec_driver_sql('alter table "Team Risk"."Outcomes" drop column is_fraud')
    command(
        tmp_path,
        warehouse_url,
        "run",
        "--workers",
        "1",
        "--from",
        "2026-02-05",
        "--to",
        "2026-02-05",
    )
    with warehouse.connect() as session:
        seen = dict(session.execute(SEEN).tuples().all())
    assert seen["amount"]
    assert not seen.get("is_fraud")
