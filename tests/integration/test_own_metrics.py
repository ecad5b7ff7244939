"""Metrics of a team's own in SQL, and what rows are worth: from YAML to incident and panel."""

import datetime as dt
from collections.abc import Iterator

import pytest

from tests.conftest import database_copy
from tests.dashboards.answers import check_panel
from tests.dashboards.grafana_files import OF_OWN_SQL
from tests.integration.commands import driftmeter, run
from tests.integration.one_table import OneTable

# From 8 March on half as much is paid by customers of the web; 10 March has no row. Nothing but
# the metrics reads what is paid. From 14 March on the age moves predictions less than it did.
SALES = """
    create schema team;
    create table team.sales as
    select
        date '2026-01-01' + number % 75 as day,
        'S' || number as sale,
        'v1' as version,
        (array['web', 'shop'])[1 + number / 75 % 2] as channel,
        sqrt(number * 37 % 1000) as age,
        sin(number) ^ 2 as chance,
        sin(number) ^ 2 + sin(number * 17) / 2 > 0.5 as bought,
        round((50 + 20 * sin(number * 3) + 3 * sin(number % 75))::numeric
            * case when number % 75 >= 66 and number / 75 % 2 = 0 then 0.5 else 1 end, 2) as paid,
        (cos(number * 5) + 0.1 * sin(number % 75))
            * case when number % 75 >= 72 then 0.3 else 1 end as shap_age,
        sin(number * 11) / 2 as shap_channel
    from generate_series(1, 4499) as number
    where number % 75 <> 68
"""
METRICS = {
    "profit": {"sql": "sum(paid)", "unit": "EUR", "worse": "down", "segments": True},
    "wrong": {"sql": "sum(nothing)"},
    # Over no rows on one day.
    "divided": {"sql": "sum(paid) / count(*) filter (where partition_date <> '2026-03-05')"},
    "always": {"sql": "count(*) * 0 -- the same each day"},
}
MONITOR = {
    "owner": "team-sales",
    "task": "classification",
    "timestamp": "partition_date",
    "id": "sale",
    "prediction": "chance",
    "target": "bought",
    "model_version": "version",
    "features": {"age": {"kind": "numerical"}, "channel": {"kind": "categorical"}},
    "segments": ["channel"],
    "reference": {"from": "2026-01-01", "to": "2026-02-28"},
    "metrics": METRICS,
    "attributions": {"prefix": "shap_"},
    "value": {"true_positive": 40, "false_positive": -5, "false_negative": -30, "unit": "EUR"},
}
COLUMNS = (
    "partition_date", "sale", "version", "channel", "age", "chance", "bought", "paid",
    "shap_age", "shap_channel",
)  # fmt: skip
BY_HAND = """
    select day, null as channel, sum(paid)::double precision, count(*) from team.sales group by day
    union all
    select day, channel, sum(paid)::double precision, count(*) from team.sales group by day, channel
    order by 1, 2 nulls first
"""
STORED = """
    select partition_date, segment_value, value, row_count from metrics.custom_metrics
    where metric = 'profit' and value is not null
    order by 1, 2 nulls first
"""
WORTH = """
    select
        day,
        sum(case when chance >= 0.5 then case when bought then 40 else -5 end
            when bought then -30 else 0 end)::double precision as worth
    from team.sales where day > '2026-02-28' group by day order by day
"""
EVERYTHING = ("custom_metrics", "custom_metric_verdicts", "breaches", "performance")


class Sales(OneTable):
    """A project whose one monitor has metrics of its own."""

    name = "sales"
    columns = COLUMNS
    monitor = MONITOR


@pytest.fixture(scope="module")
def sales(
    postgres: str, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Sales]:
    """The project after its first run."""
    engine = database_copy(postgres, template, "sales")
    with engine.begin() as session:
        session.exec_driver_sql(SALES.replace("%", "%%"))
    made = Sales(tmp_path_factory.mktemp("sales"), engine)
    made.printed = run(made)
    # A gap in what is history is measured when it is asked for.
    run(made, "--from", "2026-03-09", "--to", "2026-03-11")
    yield made
    engine.dispose()


def test_dbt_computes_each_metric_by_day_and_segment(sales: Sales) -> None:
    expected = sales.rows(BY_HAND)
    stored = sales.rows(STORED)
    assert [row[:2] for row in stored] == [row[:2] for row in expected]
    assert [row[2] for row in stored] == pytest.approx([row[2] for row in expected])
    assert [row[3] for row in stored] == [row[3] for row in expected]


def test_a_day_without_rows_or_without_a_number_is_a_row_that_says_so(sales: Sales) -> None:
    reasons = (
        "select value, row_count, reason from metrics.custom_metrics where segment is null"
        " and metric = '{}' and partition_date = '{}'"
    )
    assert sales.rows(reasons.format("profit", "2026-03-10")) == [(None, 0, "no row came")]
    said = 'its expression fails: column "nothing" does not exist. Correct its `sql`'
    assert sales.rows(reasons.format("wrong", "2026-03-09")) == [(None, 60, said)]
    said = "its expression fails: division by zero. Correct its `sql`"
    assert sales.rows(reasons.format("divided", "2026-03-05")) == [(None, 60, said)]
    ((value, _, reason),) = sales.rows(reasons.format("divided", "2026-03-04"))
    assert reason is None
    assert value == pytest.approx(50, rel=0.2)


def test_a_metric_that_fell_is_one_incident_with_what_it_usually_is(sales: Sales) -> None:
    ((kind, severity, opened, diagnosis),) = sales.rows(
        "select kind, severity, opened_on, diagnosis from metrics.incidents"
        " where column_name = 'profit'"
    )
    assert (kind, severity, opened) == ("metric_change", "error", dt.date(2026, 3, 8))
    ((now,),) = sales.rows("select sum(paid) from team.sales where day = '2026-03-08'")
    ((usual,),) = sales.rows(
        "select avg(paid) from (select sum(paid) as paid from team.sales"
        " where day <= '2026-02-28' group by day) as days"
    )
    assert diagnosis.startswith(f"profit fell to {float(f'{now:.3g}'):,.0f} EUR, usually about ")
    told = float(diagnosis.split("usually about ")[1].split(" EUR")[0].replace(",", ""))
    assert told == pytest.approx(float(usual), rel=0.02)
    assert "also of channel = web" in diagnosis
    budgets = sales.rows(
        "select distinct partition_date, budget from metrics.alarms where budget = 'metrics'"
    )
    assert (dt.date(2026, 3, 8), "metrics") in budgets
    assert "profit fell to" in sales.printed
    others = "select column_name, severity, report_url is null from metrics.incidents where"
    # The mean of a row fell too; of it no direction is the worse one.
    assert sales.rows(f"{others} family = 'metric' order by 1") == [
        ("divided", "warn", False),
        ("profit", "error", False),
        ("shap_channel", "warn", False),
    ]


def test_what_the_model_leans_on_is_a_share_of_all_attributions(sales: Sales) -> None:
    by_hand = sales.rows(
        "select day, sum(abs(shap_age)) / (sum(abs(shap_age)) + sum(abs(shap_channel)))"
        " from team.sales group by day order by day"
    )
    stored = sales.rows(
        "select partition_date, value from metrics.custom_metrics where metric = 'shap_age'"
        " and value is not null order by 1"
    )
    assert [day for day, _ in stored] == [day for day, _ in by_hand]
    assert [share for _, share in stored] == pytest.approx([share for _, share in by_hand])
    ((opened, diagnosis, columns),) = sales.rows(
        "select opened_on, diagnosis, columns from metrics.incidents"
        " where diagnosis like 'The model leans%'"
    )
    assert opened == dt.date(2026, 3, 14)
    now = dict(by_hand)[opened]
    assert f"less on age ({now:.1%} of all attributions, usually" in diagnosis
    assert "more on channel (" in diagnosis
    assert {*columns} == {"shap_age", "shap_channel"}


def test_status_says_which_metrics_are_not_judged_and_why(sales: Sales) -> None:
    shown = " ".join(driftmeter(sales, "status", "--json").stdout.split())
    assert "sales did not judge wrong on 2026-03-16: its expression fails: column" in shown
    assert "always" in shown
    assert "the same" not in shown


def test_init_check_names_the_metric_and_has_postgres_words(sales: Sales) -> None:
    checked = driftmeter(sales, "init", "--check")
    assert checked.returncode == 1
    assert checked.stdout.splitlines() == [
        'sales, metrics.wrong: Postgres says: column "nothing" does not exist.'
        " correct its `sql` in the monitor's YAML."
    ]


def test_the_value_of_rows_is_their_sum_and_is_estimated_without_labels(sales: Sales) -> None:
    expected = sales.rows(WORTH)
    stored = sales.rows(
        "select partition_date, value, lower, upper, expected from metrics.performance"
        " where metric = 'value' and kind = 'realised' and segment is null order by 1"
    )
    assert [row[0] for row in stored] == [row[0] for row in expected]
    assert [row[1] for row in stored] == pytest.approx([row[1] for row in expected])
    assert all(lower < value < upper for _, value, lower, upper, _ in stored)
    usual = sum(row[4] for row in stored) / len(stored)
    assert usual == pytest.approx(sum(row[1] for row in stored) / len(stored), rel=0.25)
    ((close, days),) = sales.rows(
        "select avg(abs(guess.value - truth.value) / truth.deviation), count(*)"
        " from metrics.performance as truth join metrics.performance as guess"
        " using (partition_date, metric) where metric = 'value' and truth.kind = 'realised'"
        " and guess.kind = 'estimated' and truth.segment is null and guess.segment is null"
    )
    assert days == len(expected)
    assert close < 2
    ((unit,),) = sales.rows("select value_unit from metrics.monitors")
    assert unit == "EUR"


@pytest.mark.parametrize("where", OF_OWN_SQL)
def test_a_panel_shows_it_to_grafanas_role(sales: Sales, where: str) -> None:
    check_panel(
        sales.engine, where, dt.date(2026, 3, 16),
        monitor="sales", column="age", metric="value",
    )  # fmt: skip


def test_measuring_days_again_changes_nothing_and_a_late_value_its_own_day(sales: Sales) -> None:
    before = sales.lines(*EVERYTHING)
    run(sales, "--from", "2026-03-04", "--to", "2026-03-12")
    assert sales.lines(*EVERYTHING) == before
    of_others = (
        "select md5(string_agg(t::text, '' order by t::text)) from metrics.custom_metrics as t"
        " where partition_date <> '2026-03-12'"
    )
    others = sales.scalar(of_others)
    # Only the metrics read the column.
    sales.change(
        "update team.sales set paid = paid + 1000 where sale ="
        " (select min(sale) from team.sales where day = '2026-03-12')"
    )
    printed = run(sales)
    assert "2026-03-12 to 2026-03-12" in printed
    assert sales.rows(BY_HAND) == [
        (day, channel, pytest.approx(value), rows)
        for day, channel, value, rows in sales.rows(STORED)
    ]
    assert sales.scalar(of_others) == others


def test_another_worse_direction_is_judged_from_stored_values(sales: Sales) -> None:
    up = {**METRICS, "profit": {**METRICS["profit"], "worse": "up"}}
    sales.declare("sales", metrics=up)
    printed = run(sales)
    assert "days judged again, none measured again" in printed
    fallen = "select 1 from metrics.incidents where column_name = 'profit' and diagnosis like"
    fallen += " '%fell%'"
    assert sales.rows(fallen) == []
