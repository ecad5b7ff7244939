"""What people did about incidents outlives the policy that the incidents were folded under."""

from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa

from driftmeter.incidents.accept import accept
from driftmeter.incidents.actions import act
from driftmeter.incidents.judging import judge_again
from driftmeter.incidents.update import update_incidents
from driftmeter.monitors.config import AlarmBudget, Monitor
from tests.integration import test_accepted_normal
from tests.integration.test_accepted_normal import (
    MONITOR,
    REFERENCE,
    ROSE,
    compute,
    everything,
    incidents,
    later,
    loans,
    rows,
)

__all__ = ["loans"]
NEWEST = 20
# So little more of `amount` before it rises, and of `term`, that only a loose budget alarms.
EARLIER, FAINT = ROSE - 3, 2
STRICT, LOOSE = (
    MONITOR.model_copy(update={"alarm_budget": AlarmBudget(false_alarms_per_month=budget)})
    for budget in (1e-4, 0.5)
)


def with_faint_days(number: int) -> pd.DataFrame:
    frame = rows(number)
    if number - REFERENCE == EARLIER:
        frame["amount"] += 0.42
    if number - REFERENCE == FAINT:
        frame["term"] += 0.42
    return frame


@pytest.fixture
def faint(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> sa.Engine:
    """The loans, with days on which little is off."""
    monkeypatch.setattr(test_accepted_normal, "rows", with_faint_days)
    engine: sa.Engine = request.getfixturevalue("loans")
    compute(engine, *range(NEWEST + 1))
    return engine


def by(engine: sa.Engine, monitor: Monitor, cache: Path) -> list[sa.RowMapping]:
    """Incidents, once all is judged by a monitor's policy."""
    assert judge_again(engine, monitor, cache) == NEWEST + 1
    found = incidents(engine)
    # What stays, stays: folding again changes nothing.
    before = everything(engine)
    update_incidents(engine, monitor, [])
    assert everything(engine) == before
    return found


def history(engine: sa.Engine, number: int) -> list[str]:
    query = sa.text(
        "select event from metrics.incident_events where incident_id = :number order by event_id"
    )
    with engine.connect() as session:
        return list(session.scalars(query, {"number": number}))


def test_an_acknowledged_incident_keeps_its_number_though_it_opens_earlier(
    faint: sa.Engine, tmp_path: Path
) -> None:
    (opened,) = by(faint, STRICT, tmp_path)
    assert opened["opened_on"] == later(ROSE)
    number = opened["incident_id"]
    act(faint, number, "ack", "ada", "looking")
    (of_amount,) = [row for row in by(faint, LOOSE, tmp_path) if "amount" in row["columns"]]
    assert of_amount["opened_on"] == later(EARLIER)
    assert (of_amount["incident_id"], of_amount["acknowledged_by"]) == (number, "ada")
    assert "withdrawn" not in history(faint, number)
    (again,) = by(faint, STRICT, tmp_path)
    assert (again["incident_id"], again["opened_on"]) == (number, later(ROSE))


def test_an_accepted_incident_is_not_opened_again_by_a_looser_policy(
    faint: sa.Engine, tmp_path: Path
) -> None:
    (opened,) = by(faint, STRICT, tmp_path)
    number = opened["incident_id"]
    accept(faint, number, "ada", "a new product", later(ROSE))
    (of_amount,) = [row for row in by(faint, LOOSE, tmp_path) if "amount" in row["columns"]]
    assert (of_amount["incident_id"], of_amount["closed_by"]) == (number, "ada")
    assert of_amount["opened_on"] == later(EARLIER)
    assert of_amount["closed_on"] == later(NEWEST)
    with faint.connect() as session:
        normals = session.exec_driver_sql("select incident_id from metrics.accepted_normals")
        assert list(normals.scalars()) == [number]


def test_what_people_acted_on_stays_where_a_stricter_policy_has_no_breach(
    faint: sa.Engine, tmp_path: Path
) -> None:
    before = by(faint, LOOSE, tmp_path)
    (of_term,) = [row for row in before if row["columns"] == ["term"]]
    number = of_term["incident_id"]
    act(faint, number, "ack", "ada", None)
    kept = {row["incident_id"]: row for row in by(faint, STRICT, tmp_path)}
    assert len(kept) == 2
    assert kept[number]["acknowledged_by"] == "ada"
    assert kept[number]["closed_on"] is not None
    # Nobody acted on the earlier one of `amount`: by this policy it is another incident.
    assert {row["opened_on"] for row in kept.values()} == {later(FAINT), later(ROSE)}
    (again,) = [row for row in by(faint, LOOSE, tmp_path) if row["columns"] == ["term"]]
    assert (again["incident_id"], again["acknowledged_by"]) == (number, "ada")


def test_acknowledging_both_parts_of_what_a_looser_policy_joins_keeps_either_name(
    faint: sa.Engine, tmp_path: Path
) -> None:
    loose = by(faint, LOOSE, tmp_path)
    first = next(row["incident_id"] for row in loose if "amount" in row["columns"])
    act(faint, first, "ack", "ada", None)
    with faint.begin() as session:
        # Of a policy that saw the rise only, as another incident than the days before.
        second = session.execute(
            sa.text(
                "insert into metrics.incidents (monitor, kind, family, cause, severity, opened_on,"
                " last_seen_on, diagnosis, columns, excluded_from_baseline, policy_hash)"
                " select monitor, kind, family, 'later', severity, :day, last_seen_on, diagnosis,"
                " columns, true, 'another' from metrics.incidents where incident_id = :first"
                " returning incident_id"
            ),
            {"day": later(ROSE), "first": first},
        ).scalar_one()
    (joined,) = [row for row in by(faint, LOOSE, tmp_path) if "amount" in row["columns"]]
    assert joined["incident_id"] == first
    assert (joined["acknowledged_by"], joined["excluded_from_baseline"]) == ("ada", True)
    assert history(faint, second) == ["withdrawn"]
