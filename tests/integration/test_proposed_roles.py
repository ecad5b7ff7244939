"""Which columns `driftmeter init` takes for prediction and target, and which it leaves out."""

import io
import uuid
from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
from rich.console import Console
from sqlalchemy.dialects.postgresql import JSONB

from dagster_driftmeter.cli import init
from driftmeter.errors import DriftmeterError
from driftmeter.monitors.proposal import propose
from tests.conftest import TLC_SAMPLE, database_copy
from tests.integration.layouts import LAYOUTS, Layout

HOTEL = TLC_SAMPLE.parent / "hotel_bookings"


@pytest.fixture(scope="module")
def tables(postgres: str, template: str) -> Iterator[sa.Engine]:
    """A database of teams' tables, one a test."""
    engine = database_copy(postgres, template, "tables")
    yield engine
    engine.dispose()


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_prediction_and_target_are_told_or_asked_and_never_features(
    tables: sa.Engine, layout: Layout
) -> None:
    table = f"t{uuid.uuid4().hex[:8]}"
    layout.frame().to_sql(table, tables, index=False)
    if layout.refused:
        with pytest.raises(DriftmeterError) as refused:
            propose(tables, table, layout.given)
        assert "\n" not in str(refused.value)
        assert [part for part in layout.refused if part not in str(refused.value)] == []
        return
    proposal = propose(tables, table, layout.given)
    told = {role: proposal.fields.get(role) for role in layout.role}
    assert told == layout.role
    assert set(layout.out) <= set(proposal.left_out)
    apart = {*told.values(), *proposal.left_out, *proposal.of_probabilities}
    assert not set(proposal.fields["features"]) & apart
    assert ("target" in proposal.absent) == (told["target"] is None)
    # What is neither of a role nor named as left out is a feature.
    used = {value for value in proposal.fields.values() if isinstance(value, str)}
    used |= proposal.of_probabilities
    assert set(layout.frame()) <= {*proposal.fields["features"], *used, *proposal.left_out}


@pytest.mark.parametrize(
    ("form", "classes"),
    [
        ("y_pred_proba_{}", ("prepaid_card", "highstreet_card", "upmarket_card")),
        ("proba_{}", ("prepaid", "highstreet", "upmarket")),
        ("p_{}", ("0", "1", "2")),
        ("{}_probability", ("Prepaid", "Highstreet", "Upmarket")),
        ("scores", ("prepaid", "highstreet", "upmarket")),
        ("P({})", tuple(f"kind {number}" for number in range(40))),
    ],
)
def test_probabilities_are_found_by_the_names_of_the_classes(
    tables: sa.Engine, form: str, classes: tuple[str, ...]
) -> None:
    frame = LAYOUTS["a class and the one that came true"].frame()
    drawn = np.random.default_rng(3)
    for name in ("predicted_card", "card"):
        frame[name] = drawn.choice(classes, len(frame))
        if classes[0].isdigit():
            frame[name] = frame[name].astype(int)
    said = drawn.dirichlet([1] * len(classes), len(frame))
    if form == "scores":
        frame[form] = [dict(zip(classes, map(float, row), strict=True)) for row in said]
        types = {form: JSONB}
    else:
        columns = {form.format(name): said[:, at] for at, name in enumerate(classes)}
        frame, types = frame.assign(**columns), {}
    table = f"t{uuid.uuid4().hex[:8]}"
    frame.to_sql(table, tables, index=False, dtype=types)
    proposal = propose(tables, table, {})
    assert proposal.fields["task"] == "multiclass"
    assert f"{len(classes)} classes, as has 'card'" in proposal.reasons["task"]
    found = form if form == "scores" else {name: form.format(name) for name in classes}
    assert proposal.fields["probabilities"] == found
    assert not {*proposal.fields["features"]} & proposal.of_probabilities
    # One that is missing leaves them all out.
    if form != "scores":
        lost = form.format(classes[0])
        with tables.begin() as session:
            session.exec_driver_sql(f'alter table {table} drop column "{lost}"')
        proposal = propose(tables, table, {})
        assert "no columns are named after the classes" in proposal.absent["probabilities"]
        assert not {*proposal.fields["features"]} & {*columns}


def test_a_person_is_asked_which_of_two_outcomes_is_the_target(
    tables: sa.Engine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    LAYOUTS["two outcomes"].frame().to_sql("outcomes", tables, index=False)
    url = tables.url.set(drivername="postgresql").render_as_string(hide_password=False)
    monkeypatch.setenv("DRIFTMETER_DATABASE_URL", url)
    monkeypatch.setattr("sys.stdin", io.StringIO("loaned\nreturned\n"))
    proposal = init._proposed("public.outcomes", {}, is_asked=True)
    assert proposal.fields["target"] == "returned"
    assert "churned" not in proposal.fields["features"]
    shown = capsys.readouterr().out
    assert "Which column is the target?\n  1  churned\n  2  returned\n  3  none\n" in shown
    assert "'loaned' is neither one of these columns nor its number" in shown


def test_that_there_is_no_target_stands_in_the_table_that_a_person_reads(
    tables: sa.Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    LAYOUTS["no target"].frame().to_sql("unlabelled", tables, index=False)
    Console(width=200).print(init._reasons(propose(tables, "unlabelled", {})))
    (row,) = [line for line in capsys.readouterr().out.splitlines() if " target " in line]
    assert "none" in row
    assert "name one with --target COLUMN. Performance is not measured" in row


def test_hotel_bookings_have_a_probability_and_what_came_true(tables: sa.Engine) -> None:
    files = sorted(HOTEL.glob("*.parquet"))
    if not files:
        pytest.skip(f"no hotel bookings at {HOTEL}")
    bookings = pd.concat([pd.read_parquet(file) for file in files])
    bookings["timestamp"] = pd.to_datetime(bookings["timestamp"])
    bookings.to_sql("hotel", tables)
    fields = propose(tables, "hotel", {}).fields
    roles = ("timestamp", "prediction", "target", "task")
    assert [fields[role] for role in roles] == [
        "timestamp", "y_pred_proba", "is_canceled", "classification",
    ]  # fmt: skip
    assert not {"y_pred", "y_pred_proba", "is_canceled"} & {*fields["features"]}
    assert "is_repeated_guest" in fields["features"]
