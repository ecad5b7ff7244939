"""False alarms and power of a team's own metrics, on days whose truth is known.

    python -m benchmarks.own_metrics                  # half an hour on one core
    python -m benchmarks.own_metrics --streams 10     # minutes, wide intervals

A stream has reference days and then days to judge; four metrics are a sum of skew amounts, their
mean, a share of rows and a ratio of two sums. The budget is one false alarm a month for the whole
monitor, of which the metrics have their part. Power is how often a metric is an alarm on the first
day of a change, beside an oracle that knows the calm distribution of the day exactly and has the
same chance of a false alarm.
"""

import argparse
import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.calm_days import alarm_days_a_month, markdown
from driftmeter.alarms.decision import level_of
from driftmeter.monitors.cadence import DAYS_A_MONTH
from driftmeter.monitors.config import Monitor
from driftmeter.performance.custom_metrics import decide_metrics

SEED = 20261129
RESULTS = Path(__file__).parent / "results"
FIRST = dt.date(2026, 1, 1)
JUDGED = 60
METRICS = ("total", "mean", "share", "ratio")


@dataclass(frozen=True)
class Scenario:
    """Calm days, or a change of the amounts on the first judged day.

    Attributes
    ----------
    rows : int
        Of a working day; a weekend has fewer where `is_weekly`.
    effect : float
        Standard deviation of what a day shifts, of the logarithm of amounts and of log odds.
    segments : int
        Values of a segment that each metric is judged in too.
    factor : float
        By which amounts are multiplied from the first judged day on.
    """

    rows: int
    effect: float
    is_weekly: bool = False
    segments: int = 0
    reference: int = 59
    worse: str = "both"
    factor: float = 1.0

    @property
    def name(self) -> str:
        """For the table."""
        parts = [f"{self.rows:,} rows", f"day effect {self.effect}"]
        parts += ["weekends of 40% of the rows"] * self.is_weekly
        parts += [f"{self.segments} segments"] * bool(self.segments)
        parts += [f"{self.reference} reference days"] * (self.reference != 59)
        parts += [f"worse: {self.worse}"] * (self.worse != "both")
        return ", ".join([*parts, *([f"amounts x {self.factor}"] if self.factor != 1 else [])])

    @property
    def monitor(self) -> Monitor:
        """With the four metrics."""
        declared = {"sql": "count(*)", "worse": self.worse, "segments": bool(self.segments)}
        return Monitor.model_validate(
            {
                "name": "stream", "owner": "team", "task": "classification", "timestamp": "at",
                "id": "id", "prediction": "chance", "target": "outcome", "model_version": "version",
                "features": {"amount": {"kind": "numerical"}},
                "segments": ["part"] if self.segments else [],
                "reference": {"from": FIRST, "to": FIRST + dt.timedelta(days=self.reference - 1)},
                "metrics": dict.fromkeys(METRICS, declared),
            }
        )  # fmt: skip

    def days(self, generator: np.random.Generator, judged: int) -> pd.DataFrame:
        """Values of the reference's days and of days to judge, as dbt stores them."""
        rows = [
            row for number in range(self.reference + judged) for row in self._day(generator, number)
        ]
        names = ["partition_date", "metric", "segment", "segment_value", "value", "row_count"]
        days = pd.DataFrame(rows, columns=names)
        return days.assign(reason=None, rows=days["row_count"], labelled_count=days["row_count"])

    def _day(self, generator: np.random.Generator, number: int) -> Iterator[tuple[object, ...]]:
        day = FIRST + dt.timedelta(days=number)
        usual = self.rows * (0.4 if self.is_weekly and day.weekday() >= 5 else 1.0)
        count = generator.poisson(usual)
        shift = generator.normal(0, self.effect, 2)
        amount = np.exp(3 + 0.8 * generator.normal(size=count) + shift[0])
        if number >= self.reference:
            amount *= self.factor
        flag = generator.random(count) < 1 / (1 + np.exp(1 - shift[1]))
        part = generator.integers(0, max(self.segments, 1), count)
        parts: list[tuple[str | None, str | None, np.ndarray]] = [
            (None, None, np.ones(count, dtype=bool))
        ]
        parts += [("part", str(value), part == value) for value in range(self.segments)]
        for segment, value, chosen in parts:
            amounts, flags = amount[chosen], flag[chosen]
            total = amounts.sum()
            values = {"total": total, "mean": np.nan, "share": np.nan, "ratio": np.nan}
            if len(amounts):
                values |= {"mean": amounts.mean(), "share": flags.mean()}
                values["ratio"] = amounts[flags].sum() / total
            for metric in METRICS:
                yield day, metric, segment, value, values[metric], int(chosen.sum())


CALM = (
    Scenario(30, 0.0),
    Scenario(300, 0.0),
    Scenario(300, 0.05, is_weekly=True),
    Scenario(2500, 0.05, is_weekly=True),
    Scenario(2500, 0.05, worse="down"),
    Scenario(300, 0.05, is_weekly=True, reference=28),
    Scenario(600, 0.05, is_weekly=True, segments=5),
)
CHANGED = (Scenario(2500, 0.02, worse="down", factor=0.93),)


def calm(scenario: Scenario, streams: int) -> dict[str, object]:
    """Days with an alarm a month, with an exact interval (Garwood 1936) by streams' days."""
    generator = np.random.default_rng(SEED)
    monitor, spent = scenario.monitor, 0
    for _ in range(streams):
        decided = decide_metrics(monitor, scenario.days(generator, JUDGED))
        spent += decided.loc[decided["is_alarm"].astype(bool), "partition_date"].nunique()
    return {
        "scenario": scenario.name,
        **alarm_days_a_month(spent, streams * JUDGED),
        "part_of_the_budget": level_of(monitor, "metrics") * DAYS_A_MONTH,
    }


def power(scenario: Scenario, streams: int) -> dict[str, object]:
    """How often `total` and `mean` are alarms on the first changed day, beside an oracle."""
    generator = np.random.default_rng(SEED)
    monitor, found = scenario.monitor, dict.fromkeys(METRICS, 0)
    known: dict[str, list[float]] = {metric: [] for metric in METRICS}
    changed: dict[str, list[float]] = {metric: [] for metric in METRICS}
    for _ in range(streams):
        days = scenario.days(generator, 1)
        decided = decide_metrics(monitor, days)
        for metric in decided.loc[decided["is_alarm"].astype(bool), "metric"]:
            found[metric] += 1
        is_changed = days["partition_date"] > monitor.reference.to_date
        for metric in METRICS:
            of_metric = days["metric"] == metric
            known[metric] += days.loc[of_metric & ~is_changed, "value"].tolist()
            changed[metric] += days.loc[of_metric & is_changed, "value"].tolist()
    level = level_of(monitor, "metrics") / len(METRICS)
    return {
        "scenario": scenario.name,
        **{f"found_{metric}": found[metric] / streams for metric in ("total", "mean")},
        **{
            f"oracle_{metric}": float(
                np.mean(np.array(changed[metric]) < np.quantile(known[metric], level))
            )
            for metric in ("total", "mean")
        },
    }


def main() -> None:
    """Measure, and write the table and the figures."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--streams", type=int, default=60)
    streams = arguments.parse_args().streams
    calm_days = [calm(scenario, streams) for scenario in CALM]
    changes = [power(scenario, 4 * streams) for scenario in CHANGED]
    figures = {"streams": streams, "calm": calm_days, "power": changes}
    (RESULTS / "own_metrics.json").write_text(json.dumps(figures, indent=1) + "\n")
    text = f"Calm days, {streams} streams of {JUDGED} days each:\n\n{markdown(calm_days)}\n\n"
    text += f"Found on the first day, {4 * streams} streams:\n\n{markdown(changes)}\n"
    (RESULTS / "own_metrics.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
