"""A table that is filled once a week: what is not judged is said, and the days between are calm."""

import json
import re
from pathlib import Path

import pytest
import sqlalchemy as sa

from driftmeter.monitors.proposal import propose
from tests.integration.commands import driftmeter, run
from tests.integration.test_any_columns import LONG, Project
from tests.integration.test_changed_policy import fill

# 40 Mondays from 5 January 2026 on; on the last the weight is another.
WEEKLY = """
    insert into team.scores
    select
        date '2026-01-05' + 7 * (number % 40),
        'row ' || number,
        'v1',
        power((hashtextextended(number::text, 1) & 1023) / 1023.0,
            case when number % 40 = 39 then 0.3 else 1 end),
        (5 * (hashtextextended(number::text, 2) & 1023) / 1023.0)::integer,
        (hashtextextended(number::text, 3) & 1023) / 1023.0,
        (hashtextextended(number::text, 4) & 1023) / 1023.0,
        number % 2,
        (hashtextextended(number::text, 5) & 1023) / 1023.0,
        (hashtextextended(number::text, 6) & 1023) / 1023.0
    from generate_series(1, 4800) as number
"""
SHORT = {"from": "2026-01-05", "to": "2026-01-18"}
FEW = {"from": "2026-01-05", "to": "2026-04-05"}
LONG_ENOUGH = {"from": "2026-01-05", "to": "2026-08-30"}
IN_WORDS = (
    "select distinct on (change) change, size_in_words from metrics.findable_sizes"
    " where batches = fewest_batches order by change, column_name"
)
FINDABLE = "select column_name, change, batches, size from metrics.findable_changes"
DRIFTED = (
    "select distinct partition_date::text from metrics.drift_scored"
    " where column_name = 'Gross Weight' and segment is null and is_drifted"
)
WHY = "its reference period has 2 days with rows and a threshold needs 3"


def in_one_line(text: str) -> str:
    return " ".join(text.replace("│", " ").split())


def test_a_monitor_that_judges_nothing_says_so_wherever_a_person_looks(
    warehouse: sa.Engine, tmp_path: Path
) -> None:
    fill(warehouse, WEEKLY)
    project = Project(tmp_path, warehouse)
    project.declare("odd_names", materialized="view", reference=SHORT)
    sentence = f"odd_names judges no day: {WHY}. Widen `reference` in its YAML."
    summary = in_one_line(run(project, "--from", "2026-09-21", "--to", "2026-09-28"))
    assert sentence in summary
    assert "no day was judged" in summary
    assert "0/0" not in summary
    status = in_one_line(driftmeter(project, "status").stdout)
    assert sentence in status
    assert "not judged: no column could be judged" in status
    assert "nothing (that day is fresh)" not in status
    findings = json.loads(driftmeter(project, "doctor", "--json").stdout)
    (warned,) = [one for one in findings if one["state"] == "warning"]
    assert warned["shows"] == f"odd_names judges no day: {WHY}"
    assert warned["fix"] == "Widen `reference` in its YAML"
    page = (tmp_path / "home" / "reports" / "overview.html").read_text()
    assert f"every column: {WHY}" in page
    assert ">not judged<" in page
    assert ">calm<" not in page

    # Mondays enough: they are judged, and of the days between nobody expected rows.
    project.declare("odd_names", materialized="view", reference=LONG_ENOUGH)
    summary = in_one_line(run(project))
    assert "judges no day" not in summary
    # Batches in a row are one run with the days between them; two were measured before.
    assert summary.count(" days (") == 1
    assert "24 days (4 fresh, 18 empty, 2 stale)" in summary
    run(project, "--stale")
    with warehouse.connect() as session:
        shown = session.exec_driver_sql("select kind, column_name from metrics.incidents").all()
        drifted = session.scalars(sa.text(DRIFTED)).all()
    assert drifted == ["2026-10-05"]
    assert [tuple(row) for row in shown] == [("shape_shift", "Gross Weight")]

    # Few Mondays: a plain change is found, and that others are not is said.
    project.declare("odd_names", materialized="view", reference=FEW)
    run(project)
    summary = in_one_line(run(project, "--stale"))
    wide = "odd_names finds only larger changes: its reference period has 13 days with rows"
    assert "judges no day" not in summary
    assert wide in summary
    assert wide in in_one_line(driftmeter(project, "status").stdout)
    with warehouse.connect() as session:
        assert session.scalars(sa.text(DRIFTED)).all() == ["2026-10-05"]
    asked = ("power", "--monitor", "odd_names")
    table = in_one_line(driftmeter(project, *asked, "--column", "Gross Weight").stdout)
    assert "missing values" in table
    found = json.loads(driftmeter(project, *asked, "--json").stdout)
    more = json.loads(driftmeter(project, *asked, "--json", "--rows", "5000").stdout)
    with warehouse.connect() as session:
        kept = session.execute(sa.text(FINDABLE)).all()
    assert sorted(kept) == sorted(
        (row["column"], row["change"], int(batches), size)
        for row in found
        for batches, size in row["within"].items()
    ), "kept of the monitor's own rows a day, and not of other ones"
    with warehouse.connect() as session:
        words = dict(session.execute(sa.text(IN_WORDS)).all())
    assert {"mean", "missing values"} <= {*words}
    assert re.fullmatch(r"\+[\d.]+ points|not found", words["missing values"])
    assert re.fullmatch(r"[\d.]+ \([\d.]+ sd\)|not found", words["mean"])
    sizes = [
        {(row["column"], row["change"]): row["within"]["1"] for row in rows}
        for rows in (found, more)
    ]
    weight = ("Gross Weight", "mean")
    assert sizes[1][weight] < sizes[0][weight]
    refused = driftmeter(project, *asked, "--column", "nothing")
    assert refused.returncode == 1
    assert "odd_names has no column nothing" in refused.stderr
    # The weight that is another on the last Monday is a slice of it, and of no other day.
    asked = ("slices", "--monitor", "odd_names", "--date")
    (slice_of_rows,) = json.loads(driftmeter(project, *asked, "2026-10-05", "--json").stdout)
    assert slice_of_rows["question"] == "rows"
    assert "Gross Weight" in slice_of_rows["where"]
    assert slice_of_rows["share"] > 1.5 * slice_of_rows["reference_share"]
    assert slice_of_rows["where"] in driftmeter(project, *asked, "2026-10-05").stdout
    assert "stands out" in driftmeter(project, *asked, "2026-09-28").stdout
    refused = driftmeter(project, *asked, "2026-09-29")
    assert refused.returncode == 1
    assert "2026-09-29 has no rows" in refused.stderr


@pytest.mark.parametrize(
    ("days", "step", "reference", "says"),
    [
        # Of weeks and months the period ends with the last day of one.
        (60, 7, {"to": "2026-08-02"}, []),
        (
            3,
            30,
            {"from": "2026-01-01", "to": "2026-02-28", "first": 30},
            [((), "its reference period has 2 months with rows and a threshold")],
        ),
        # A column of 20 values a day is judged, one without a value in the period is not.
        (60, 1, {"to": "2026-02-03"}, []),
        (60, 0, {"to": "2026-02-03"}, [((LONG,), "the reference period has no value of it")]),
    ],
)
def test_init_counts_days_with_rows_and_says_what_will_not_be_judged(
    warehouse: sa.Engine,
    days: int,
    step: int,
    reference: dict[str, object],
    says: list[tuple[tuple[str, ...], str]],
) -> None:
    known = {
        0: f"case when mod(number, {days}) > 30 then 1 end",
        1: "case when mod(number, 5) = 0 then 1 end",
    }
    known, step = known.get(step, "1"), max(step, 1)
    with warehouse.begin() as session:
        session.exec_driver_sql(
            "create table public.batches as select number as id, timestamp '2026-01-05'"
            f" + number %% {days} * {step} * interval '1 day' as scored_at, sin(number) ^ 2 as"
            f' score, cos(number) as speed, {known}::double precision * number as "{LONG}"'
            f" from generate_series(1, {days * 100}) as number"
        )
    proposal = propose(warehouse, "public.batches", {})
    assert proposal.fields["reference"] == {"from": "2026-01-05", **reference}
    assert [columns for columns, _ in proposal.not_judged] == [columns for columns, _ in says]
    for (_, reason), (_, begins) in zip(proposal.not_judged, says, strict=True):
        assert reason.startswith(begins)
