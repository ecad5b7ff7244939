"""Several classes: estimates beside NannyML's on its cards, and alarms on calm and changed days.

    python -m benchmarks.multiclass --nannyml-wheel WHEEL --nannyml PYTHON --keep HOME
    python -m benchmarks.multiclass --streams 20      # the simulated days alone

NannyML's wheel holds a synthetic set of credit cards, whose later labels are put into a table of a
user's, declared by `driftmeter init` and measured by `driftmeter run`. PYTHON is one that has
NannyML; without it there are no figures of its own. Simulated days are of a model of several
classes; a stream has reference days and then days to judge.
"""

import argparse
import datetime as dt
import json
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa

from benchmarks import league
from benchmarks.calm_days import alarm_days_a_month, markdown
from benchmarks.error_tests import ErrorTests
from benchmarks.league_tables import ERRORS, Event, Table, nannyml_file
from benchmarks.own_warehouse import own_warehouse
from driftmeter.alarms.decision import level_of
from driftmeter.monitors.cadence import DAYS_A_MONTH
from driftmeter.monitors.config import Monitor
from driftmeter.performance.class_probabilities import BEGINS
from driftmeter.performance.estimator import Estimator
from driftmeter.performance.performance_day import REFERENCE_ROWS
from driftmeter.warehouse import connection

SEED = 20261129
RESULTS = Path(__file__).parent / "results"
CLASSES = ("prepaid_card", "highstreet_card", "upmarket_card")
# The day on which accuracy falls.
FALL = dt.date(2020, 11, 2)
REFERENCE = (dt.date(2020, 5, 2), dt.date(2020, 8, 31))
FIRST, JUDGED = dt.date(2026, 1, 1), 60
FAMILIES = ("error", "estimate")
STORED = """
    select partition_date as day, kind, metric, value, lower, upper, row_count
    from metrics.performance
    where monitor = :monitor and segment is null and metric in ('accuracy', 'f1_macro', 'log_loss')
        and partition_date > :last
    order by 1
"""
SAID = """
    select incident_id, kind, opened_on, diagnosis from metrics.incidents where monitor = :monitor
    order by opened_on, incident_id
"""


def cards(path: Path) -> Table:
    """NannyML's credit cards, as a user's table has them."""

    def rows() -> pd.DataFrame:
        later = nannyml_file(path, "mc_analysis").merge(
            nannyml_file(path, "mc_analysis_gt"), on="id"
        )
        every = pd.concat([nannyml_file(path, "mc_reference"), later], ignore_index=True)
        return every.assign(timestamp=pd.to_datetime(every["timestamp"], utc=True))

    last = dt.date(2021, 1, 1)
    event = Event("accuracy is lost", FALL, last, ERRORS)
    return Table(
        "cards",
        "credit_cards",
        "NannyML 0.13.1, mc_reference and mc_analysis",
        REFERENCE,
        "timestamp",
        "UTC",
        rows,
        (event,),
    )


def nannymls(rows: pd.DataFrame, python: Path) -> pd.DataFrame:
    """NannyML's estimates of each day, with its defaults."""
    day = rows["timestamp"].dt.date
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        usual = (day >= REFERENCE[0]) & (day <= REFERENCE[1])
        for file, part in (("reference", rows[usual]), ("later", rows[day > REFERENCE[1]])):
            naive = part.assign(at=part["timestamp"].dt.tz_localize(None))
            naive.rename(columns={"y_pred": "said", "y_true": "target"}).to_parquet(
                directory / f"{file}.parquet"
            )
        columns = {one: f"y_pred_proba_{one}" for one in CLASSES}
        (directory / "probabilities.json").write_text(json.dumps(columns))
        script = Path(__file__).parent / "peers" / "nannyml_performance.py"
        asked = [str(python), str(script), name, "multiclass"]
        subprocess.run(asked, check=True, capture_output=True)
        estimates = pd.read_json(directory / "estimates.json", convert_dates=False)
    return estimates.assign(
        day=[dt.date.fromisoformat(day) for day in estimates["day"]],
        metric=estimates["metric"].replace({"f1": "f1_macro"}),
    )


def of_cards(home: Path, wheel: Path, python: Path | None) -> dict[str, Any]:
    """Estimates, NannyML's and the truth of each day, and what incidents say."""
    table = cards(wheel)
    league.measure(home, table)
    engine = connection.engine()
    asked = {"monitor": table.name, "last": REFERENCE[1]}
    with engine.connect() as session:
        stored = pd.read_sql(sa.text(STORED), session, params=asked)
        said = session.execute(sa.text(SAID), {"monitor": table.name}).mappings().all()
    assert table.rows is not None
    theirs = nannymls(table.rows(), python) if python else None
    metrics = {}
    for metric, of_metric in stored.groupby("metric"):
        truth = of_metric[of_metric["kind"] == "realised"].set_index("day")["value"]
        days = of_metric[of_metric["kind"] == "estimated"].set_index("day")
        beside = days[["value", "lower", "upper"]].assign(truth=truth)
        if theirs is not None and metric in set(theirs["metric"]):
            own = theirs[theirs["metric"] == metric].set_index("day")
            named = {name: f"nannyml_{name}" for name in ("value", "lower", "upper")}
            beside = beside.join(own[[*named]].rename(columns=named))
        metrics[str(metric)] = beside
    return {"metrics": metrics, "incidents": [dict(row) for row in said]}


def scored(beside: pd.DataFrame) -> list[dict[str, Any]]:
    """Before the fall and from it on: how far estimates are from the truth and each other."""
    parts = []
    calm = np.array([day < FALL for day in beside.index])
    for name, chosen in ((f"before {FALL}", calm), (f"from {FALL} on", ~calm)):
        part = beside[chosen]
        row = {
            "days": name,
            "truth": part["truth"].mean(),
            "estimate": part["value"].mean(),
            "distance": (part["value"] - part["truth"]).abs().mean(),
            "inside": part["truth"].between(part["lower"], part["upper"]).mean(),
        }
        if "nannyml_value" in part:
            theirs = part["nannyml_value"]
            row |= {
                "nannyml": theirs.mean(),
                "nannyml distance": (theirs - part["truth"]).abs().mean(),
                "nannyml inside": part["truth"]
                .between(part["nannyml_lower"], part["nannyml_upper"])
                .mean(),
                "apart": (part["value"] - theirs).abs().max(),
                "ours in nannyml's": part["value"]
                .between(part["nannyml_lower"], part["nannyml_upper"])
                .mean(),
            }
        parts.append(row)
    return parts


def by_week(beside: pd.DataFrame) -> list[dict[str, Any]]:
    """Means over weeks, for people; the calm ones and the fall can be seen."""
    monday = [day - dt.timedelta(days=day.weekday()) for day in beside.index]
    names = [name for name in ("truth", "value", "nannyml_value") if name in beside]
    means = beside.groupby(monday)[names].mean()
    titles = {"value": "estimate", "nannyml_value": "nannyml"}
    return [
        {"week of": str(week), **{titles.get(name, name): row[name] for name in names}}
        for week, row in means.iterrows()
    ]


@dataclass(frozen=True)
class Scenario:
    """Calm days of a model of several classes, or a change on the first judged day.

    Attributes
    ----------
    effect : float
        Standard deviation of what a day shifts of the inputs.
    sharp : float
        How far apart classes are: the error rate is smaller where they are further.
    confused : float
        Share of the rows of one class that get another from the first judged day on.
    """

    rows: int
    classes: int
    effect: float = 0.0
    sharp: float = 1.5
    has_probabilities: bool = True
    reference: int = 59
    confused: float = 0.0

    @property
    def name(self) -> str:
        """What a person reads."""
        said = f"{self.rows:,} rows, {self.classes} classes"
        said += f", a day's shift {self.effect:g}" if self.effect else ""
        said += f", sharpness {self.sharp:g}" if self.sharp != 1.5 else ""
        said += "" if self.has_probabilities else ", no probabilities"
        said += f", {self.reference} days" if self.reference != 59 else ""
        return said + (f", {self.confused:.0%} of one class confused" if self.confused else "")

    @property
    def names(self) -> list[str]:
        """Its classes."""
        return [f"class {number:02}" for number in range(self.classes)]

    @property
    def monitor(self) -> Monitor:
        """The monitor that is declared on its table."""
        named = {name: f"p_{number}" for number, name in enumerate(self.names)}
        last = FIRST + dt.timedelta(days=self.reference - 1)
        return Monitor.model_validate(
            {
                "name": "stream", "owner": "team", "task": "multiclass", "timestamp": "at",
                "id": "id", "prediction": "predicted", "target": "actual",
                "model_version": "version",
                "probabilities": named if self.has_probabilities else None,
                "features": {"one": {"kind": "numerical"}, "other": {"kind": "numerical"}},
                "reference": {"from": str(FIRST), "to": str(last)},
            }
        )  # fmt: skip

    def day(self, generator: np.random.Generator, *, is_changed: bool = False) -> pd.DataFrame:
        """Rows of a day."""
        inputs = generator.normal(generator.normal(0, self.effect, 2), 1, (self.rows, 2))
        # Classes lie on a circle, each with its own direction.
        angles = 2 * np.pi * np.arange(self.classes) / self.classes
        odds = np.exp(self.sharp * inputs @ np.array([np.cos(angles), np.sin(angles)]))
        chances = odds / odds.sum(axis=1, keepdims=True)
        drawn = (chances.cumsum(axis=1) < generator.random((self.rows, 1))).sum(axis=1)
        names = np.array(self.names, dtype=object)
        predicted = chances.argmax(axis=1)
        actual = np.minimum(drawn, self.classes - 1)
        if is_changed:
            # The model takes one class for its neighbour.
            of_one = (actual == 0) & (generator.random(self.rows) < self.confused)
            predicted = np.where(of_one, 1, predicted)
        columns = {"one": inputs[:, 0], "other": inputs[:, 1]}
        columns |= {"predicted": names[predicted], "actual": names[actual]}
        if self.has_probabilities:
            columns |= {BEGINS + name: chances[:, at] for at, name in enumerate(self.names)}
        return pd.DataFrame(columns)


CALM = (
    Scenario(300, 3),
    Scenario(2500, 3, effect=0.05),
    Scenario(300, 3, sharp=12.0),
    Scenario(600, 20, effect=0.05, sharp=12.0),
    Scenario(300, 3, effect=0.05, has_probabilities=False),
    Scenario(300, 3, effect=0.05, reference=28),
)
CHANGED = (
    Scenario(2500, 3, effect=0.05, confused=0.25),
    Scenario(2500, 20, sharp=60.0, confused=0.8),
)


def tests_of(
    scenario: Scenario, generator: np.random.Generator
) -> tuple[ErrorTests, list[dt.date]]:
    """A stream's reference with all that is fitted on it, and its days to judge."""
    monitor = scenario.monitor
    most = REFERENCE_ROWS // scenario.reference
    reference = {day: scenario.day(generator).iloc[:most] for day in monitor.reference_batches}
    errors = ErrorTests(monitor, reference, Estimator(monitor, reference))
    after = [monitor.reference.to_date + dt.timedelta(days=1 + at) for at in range(JUDGED)]
    return errors, after


def calm(scenario: Scenario, streams: int) -> dict[str, Any]:
    """Days with an alarm a month, with an exact interval (Garwood 1936) by streams' days."""
    generator = np.random.default_rng(SEED)
    spent = dict.fromkeys(FAMILIES, 0)
    for _ in range(streams):
        errors, days = tests_of(scenario, generator)
        decided = errors.decided(
            [test for day in days for test in errors.of_day(day, scenario.day(generator))]
        )
        alarms = decided[decided["is_alarm"]]
        for family in FAMILIES:
            spent[family] += alarms.loc[alarms["family"] == family, "day"].nunique()
    row: dict[str, Any] = {"scenario": scenario.name}
    for family, count in spent.items():
        found = alarm_days_a_month(count, streams * JUDGED)
        row[f"{family}: alarm days a month"] = found["alarm_days_a_month"]
        row[f"{family}: at most"] = found["upper"]
        row[f"{family}: part of the budget"] = level_of(scenario.monitor, family) * DAYS_A_MONTH
    return row


def power(scenario: Scenario, streams: int) -> dict[str, Any]:
    """How often the first changed day is an alarm, beside an oracle that knows calm error rates."""
    generator = np.random.default_rng(SEED)
    found, calm_rates, changed_rates = 0, [], []
    for _ in range(streams):
        errors, (day, *_) = tests_of(scenario, generator)
        rows = scenario.day(generator, is_changed=True)
        decided = errors.decided(errors.of_day(day, rows))
        found += bool((decided["is_alarm"] & (decided["family"] == "error")).any())
        changed_rates.append(float((rows["predicted"] != rows["actual"]).mean()))
        for _ in range(40):
            same = scenario.day(generator)
            calm_rates.append(float((same["predicted"] != same["actual"]).mean()))
    level = level_of(scenario.monitor, "error")
    limit = np.quantile(calm_rates, 1 - level)
    return {
        "scenario": scenario.name,
        "error rate, calm": float(np.mean(calm_rates)),
        "changed": float(np.mean(changed_rates)),
        "found on the first day": found / streams,
        "by the oracle": float(np.mean(np.array(changed_rates) > limit)),
    }


def told(of: Mapping[str, Any]) -> str:
    """Figures of the cards as Markdown."""
    parts = ["# Credit cards, beside NannyML's estimates of the same days"]
    for metric, beside in of["metrics"].items():
        parts += [f"Mean {metric.replace('_', ' ')} of days:", markdown(scored(beside), 3)]
    parts += ["Accuracy by week:", markdown(by_week(of["metrics"]["accuracy"]), 3)]
    said = [
        {"opened on": str(row["opened_on"]), "kind": row["kind"], "diagnosis": row["diagnosis"]}
        for row in of["incidents"]
    ]
    return "\n\n".join([*parts, "Incidents:", markdown(said)] if said else parts) + "\n"


def main() -> None:
    """Measure what was asked for, and write it; parts that were not keep their figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--nannyml-wheel", type=Path, help="NannyML's wheel: its cards")
    parser.add_argument("--nannyml", type=Path, help="a Python that has NannyML")
    parser.add_argument("--keep", type=Path, help="home that stays for a later call")
    parser.add_argument("--streams", type=int, help="simulated streams of each scenario")
    options = parser.parse_args()
    if not (options.nannyml_wheel or options.streams):
        parser.error("name NannyML's wheel, or how many streams")
    file = RESULTS / "multiclass.json"
    kept = json.loads(file.read_text()) if file.exists() else {}
    if options.nannyml_wheel:
        with own_warehouse(options.keep) as home:
            kept["cards"] = told(of_cards(home, options.nannyml_wheel, options.nannyml))
        print(kept["cards"])
    if options.streams:
        calm_days = [calm(scenario, options.streams) for scenario in CALM]
        changes = [power(scenario, options.streams) for scenario in CHANGED]
        kept["simulated"] = (
            f"# Simulated days\n\nCalm, {options.streams} streams of {JUDGED} days each:\n\n"
            f"{markdown(calm_days, 3)}\n\nA change, {options.streams} streams:\n\n"
            f"{markdown(changes, 3)}\n"
        )
        print(kept["simulated"])
    file.write_text(json.dumps(kept, indent=1) + "\n")
    text = "\n".join(kept[name] for name in ("cards", "simulated") if name in kept)
    (RESULTS / "multiclass.md").write_text(text)


if __name__ == "__main__":
    main()
