"""A new normal: accepted by name, in force for days to come, and under the four laws."""

import datetime as dt
import hashlib
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import sqlalchemy as sa

from driftmeter.alarms.detect import detect
from driftmeter.errors import DriftmeterError
from driftmeter.incidents.accept import accept
from driftmeter.incidents.update import update_incidents
from driftmeter.monitors.config import Monitor
from driftmeter.monitors.registry import register
from driftmeter.warehouse.copy import copy_in
from driftmeter.warehouse.months import make_months

FIRST = dt.date(2026, 1, 1)
REFERENCE, LATER = 60, 60
# Of the later days: amounts rise for good, and are as they were again.
ROSE, BACK = 8, 50
CUTS = np.linspace(-2, 2, 21)
MONITOR = Monitor.model_validate(
    {
        "name": "loans",
        "owner": "team",
        "task": "regression",
        "timestamp": "at",
        "id": "id",
        "prediction": "predicted",
        "model_version": "version",
        "features": {"amount": {"kind": "numerical"}, "term": {"kind": "numerical"}},
        "reference": {"from": str(FIRST), "to": str(FIRST + dt.timedelta(days=REFERENCE - 1))},
    }
)
CALIBRATIONS = tempfile.TemporaryDirectory(prefix="driftmeter-tests-")
# Of each warehouse, its folder for calibrations.
KEPT: dict[str, Path] = {}
TABLES = """
create table inference.loans (id bigint, partition_date date, version text,
    amount double precision, term double precision, predicted double precision);
create table metrics.reference_bins (monitor text, column_name text, bin integer,
    bin_low double precision, bin_high double precision, category text)
"""


def later(number: int) -> dt.date:
    return FIRST + dt.timedelta(days=REFERENCE + number)


def rows(number: int, rise: float = 0.9, back: int = BACK) -> pd.DataFrame:
    """A day's rows, counted from the reference's first."""
    generator = np.random.default_rng([5, number])
    amount = generator.normal(generator.normal(0, 0.03), 1, 150)
    if ROSE <= number - REFERENCE < back:
        amount = amount + rise
    return pd.DataFrame(
        {
            "id": np.arange(150) + 1000 * number,
            "partition_date": FIRST + dt.timedelta(days=number),
            "version": "v1",
            "amount": amount,
            "term": generator.normal(0, 1, 150),
            "predicted": generator.normal(0, 1, 150),
        }
    )


@pytest.fixture
def loans(warehouse: sa.Engine) -> sa.Engine:
    """A filled inference table, and its counts as dbt keeps them."""
    return fill(warehouse, [rows(number) for number in range(REFERENCE + LATER)])


def fill(warehouse: sa.Engine, days: list[pd.DataFrame]) -> sa.Engine:
    """A warehouse with these days' rows and their counts."""
    every = pd.concat(days, ignore_index=True)
    # What runs keep of the same reference rows: the classifier's null takes seconds to fit.
    reference = every[every["partition_date"] < later(0)]
    rows_hash = hashlib.sha256(reference.to_csv().encode()).hexdigest()
    KEPT[str(warehouse.url.database)] = Path(CALIBRATIONS.name, rows_hash)
    long = every.melt(["id", "partition_date"], list(MONITOR.columns), "column_name")
    long["bin"] = np.searchsorted(CUTS, long["value"], side="right")
    keys = ["partition_date", "column_name", "bin"]
    counted = long.groupby(keys).size().rename("bin_counts").reset_index()
    counted = counted.rename(columns={"bin": "bins"}).groupby(keys[:-1]).agg(list)
    counted = counted.reset_index()
    counted = counted.assign(monitor="loans", model_version="v1", kind="numerical", row_count=150)
    with warehouse.begin() as session:
        session.exec_driver_sql("create schema if not exists inference")
        for statement in TABLES.split(";"):
            session.exec_driver_sql(statement)
        copy_in(session, "inference.loans", pa.Table.from_pandas(every, preserve_index=False))
        make_months(session, "metrics.column_summary", counted["partition_date"])
        names, values = ", ".join(counted), ", ".join(f":{name}" for name in counted)
        session.execute(
            sa.text(f"insert into metrics.column_summary ({names}) values ({values})"),
            counted.to_dict("records"),
        )
        for name in MONITOR.columns:
            for place, cut in enumerate(CUTS, start=1):
                session.exec_driver_sql(
                    "insert into metrics.reference_bins (monitor, column_name, bin, bin_low)"
                    f" values ('loans', '{name}', {place}, {cut})"
                )
        session.exec_driver_sql(
            "insert into metrics.column_summary (monitor, model_version, partition_date, row_count)"
            " select 'loans', 'v1', partition_date, count(*)"
            " from inference.loans group by partition_date"
        )
    register(warehouse, MONITOR)
    return warehouse


def compute(engine: sa.Engine, *numbers: int, monitor: Monitor = MONITOR) -> None:
    """Measure later days: judge them, and fold incidents."""
    days = [later(number) for number in numbers]
    insert = sa.text(
        "insert into metrics.partitions (monitor, partition_date, state, row_count, config_hash,"
        " duration_seconds) values ('loans', :day, 'fresh', 150, 'x', 1) on conflict do nothing"
    )
    with engine.begin() as session:
        session.execute(insert, [{"day": day} for day in days])
    detect(engine, monitor, "x", days, KEPT[str(engine.url.database)])
    update_incidents(engine, monitor, days)


def amounts(engine: sa.Engine) -> dict[int, sa.RowMapping]:
    query = sa.text(
        "select * from metrics.drift_scored where column_name = 'amount' order by partition_date"
    )
    with engine.connect() as session:
        found = session.execute(query).mappings().all()
    return {(row["partition_date"] - later(0)).days: row for row in found}


def incidents(engine: sa.Engine) -> list[sa.RowMapping]:
    query = sa.text("select * from metrics.incidents order by opened_on, incident_id")
    with engine.connect() as session:
        return list(session.execute(query).mappings())


def everything(engine: sa.Engine, until: int = LATER) -> list[object]:
    """Verdicts and incidents but for their clocks."""
    queries = (
        "select to_jsonb(drift) - 'computed_at' as row from metrics.drift where partition_date"
        f" < '{later(until)}' order by 1",
        "select to_jsonb(incidents) - 'computed_at' as row from metrics.incidents order by 1",
    )
    with engine.connect() as session:
        return [session.exec_driver_sql(query).scalars().all() for query in queries]


def test_a_lasting_drift_is_one_open_incident_until_it_is_accepted_as_normal(
    loans: sa.Engine,
) -> None:
    newest = 34
    compute(loans, *range(newest + 1))
    (incident,) = incidents(loans)
    # No alarm for weeks, and not over: the column never came back.
    row = amounts(loans)[newest]
    assert (row["is_drifted"], row["is_away"]) == (False, True)
    assert incident["closed_on"] is None
    assert incident["last_seen_on"] == later(newest)
    assert incident["opened_on"] == later(ROSE)
    before = everything(loans)[0]

    number = incident["incident_id"]
    with pytest.raises(DriftmeterError, match="is not a day of incident"):
        accept(loans, number, "ada", None, later(0))
    for _ in range(2):
        accepted = accept(loans, number, "ada", "new product", None)
    assert (accepted.columns, accepted.in_force_on) == (["amount"], later(newest + 1))
    update_incidents(loans, MONITOR, [])
    (closed,) = incidents(loans)
    assert (closed["closed_on"], closed["closed_by"]) == (later(newest), "ada")
    with loans.connect() as session:
        events = session.exec_driver_sql(
            "select event, author, note from metrics.incident_events order by event_id"
        ).all()
        state = session.exec_driver_sql("select state, away_columns from metrics.monitor_state")
        assert tuple(state.one()) == ("calm", 0)
    assert [tuple(event) for event in events] == [
        ("opened", "driftmeter", None),
        ("accepted", "ada", "new product"),
    ]
    # What was judged stays as it was judged.
    kept = KEPT[str(loans.url.database)]
    detect(loans, MONITOR, "x", [later(number) for number in range(newest + 1)], kept)
    assert everything(loans)[0] == before

    # Days to come are calm as they are, and the way back to the reference is the news.
    compute(loans, *range(newest + 1, LATER))
    found = amounts(loans)
    calm = [found[number] for number in range(newest + 1, BACK)]
    assert {(row["baseline"], row["status"]) for row in calm} == {("accepted", "ok")}
    assert not any(row["is_away"] for row in calm)
    assert found[BACK]["is_drifted"]
    first, second = incidents(loans)
    assert first["closed_on"] == later(newest)
    assert (second["opened_on"], second["column_name"]) == (later(BACK), "amount")

    # The four laws: in any order, again, one by one.
    after = everything(loans)
    for number in (ROSE + 3, newest, *reversed(range(newest, LATER)), 2):
        compute(loans, number)
    assert everything(loans) == after


def test_what_is_accepted_at_once_is_judged_by_the_three_days_that_there_are(
    loans: sa.Engine,
) -> None:
    compute(loans, *range(ROSE + 3))
    (incident,) = incidents(loans)
    accept(loans, incident["incident_id"], "ada")
    compute(loans, *range(ROSE + 3, ROSE + 16))
    found = amounts(loans)
    # Three days are known when it is accepted, and they are few: the thresholds are wide.
    assert {found[number]["status"] for number in range(ROSE + 3, ROSE + 16)} == {"ok"}
    assert not any(found[number]["is_drifted"] for number in range(ROSE + 3, ROSE + 16))
    assert found[ROSE + 3]["n_reference"] == 3 * 150
    assert not found[ROSE + 15]["is_away"]
    # The other columns are held against the reference, as before.
    with loans.connect() as session:
        others = session.exec_driver_sql(
            "select distinct baseline, status from metrics.drift_scored where column_name = 'term'"
        ).all()
    assert [tuple(row) for row in others] == [("reference", "ok")]
    (closed,) = incidents(loans)
    assert closed["closed_by"] == "ada"


def test_an_error_has_no_normal_to_accept(loans: sa.Engine) -> None:
    compute(loans, 0)
    with loans.begin() as session:
        number = session.exec_driver_sql(
            "insert into metrics.incidents (monitor, kind, family, cause, severity, opened_on,"
            " last_seen_on, diagnosis, columns) values ('loans', 'concept_drift', 'performance',"
            f" 'x', 'error', '{later(0)}', '{later(0)}', 'worse', '{{amount}}')"
            " returning incident_id"
        ).scalar_one()
    with pytest.raises(DriftmeterError, match="is of the model's error, which cannot be accepted"):
        accept(loans, number, "ada")
