"""Estimated performance against what came true, beside NannyML's DLE and CBPE on the same rows.

    python -m benchmarks.performance --monitor trip_duration --days FROM TO --name real

Reads the reference and the days from the warehouse of DRIFTMETER_HOME. Both are fitted on the
reference only. For a regression two faults are then planted, one day at a time: every error a
fifth larger (the relation changed: it must be called so), and rows drawn from the reference with
long trips more often (harder inputs, nothing else: it must not). Intervals are exact.
"""

import datetime as dt
import json
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks import command_line
from benchmarks.detection import MONTH, SEED, interval
from benchmarks.error_tests import ErrorTests
from dagster_driftmeter.dbt.project_manifest import monitors
from driftmeter.arrival.inference_rows import VERSION, read_rows
from driftmeter.monitors.config import Monitor
from driftmeter.monitors.days import every_day
from driftmeter.performance.decided import EXCESS
from driftmeter.performance.estimator import ALL_ROWS, Estimator
from driftmeter.performance.intervals import labelled_rows, point_metrics
from driftmeter.performance.outcomes import THRESHOLD
from driftmeter.warehouse import connection

RISE = 1.2
Frames = dict[dt.date, pd.DataFrame]


def rows_of(monitor: Monitor, days: list[dt.date]) -> Frames:
    """Monitored columns of each day that has rows."""
    with connection.engine().connect() as session:
        frames = {day: read_rows(session, monitor, [day]).drop(columns=VERSION) for day in days}
    return {day: rows for day, rows in frames.items() if len(rows) >= monitor.min_rows}


def labelled(monitor: Monitor, rows: pd.DataFrame) -> pd.DataFrame:
    """Rows with a label, numbers in ``prediction`` and ``target``."""
    return labelled_rows(rows, monitor.prediction, str(monitor.target), monitor.task)


def ours(monitor: Monitor, estimator: Estimator, later: Frames) -> pd.DataFrame:
    """Estimates over all rows, a row a day and metric."""
    return pd.DataFrame(
        {"day": day, "metric": each.metric, "value": each.value,
         "lower": each.lower, "upper": each.upper}
        for day, rows in later.items()
        for each in estimator.estimate(estimator.expect(rows), day)[ALL_ROWS]
    )  # fmt: skip


def nannymls(monitor: Monitor, reference: Frames, later: Frames, python: Path) -> pd.DataFrame:
    """NannyML's, with its defaults, a chunk a day."""
    with tempfile.TemporaryDirectory() as directory:
        for name, frames in (("reference", reference), ("later", later)):
            parts = []
            for day, rows in frames.items():
                known = labelled(monitor, rows)
                features = known[[*monitor.features]]
                parts.append(
                    features.assign(
                        prediction=known["prediction"],
                        target=known["target"],
                        said=(known["prediction"] >= THRESHOLD).astype(int),
                        at=pd.Timestamp(day),
                    )
                )
            pd.concat(parts, ignore_index=True).to_parquet(Path(directory) / f"{name}.parquet")
        script = Path(__file__).parent / "peers" / "nannyml_performance.py"
        command = [str(python), str(script), directory, monitor.task]
        subprocess.run(command, check=True, capture_output=True)
        estimates = pd.read_json(Path(directory) / "estimates.json", convert_dates=False)
    return estimates.assign(day=[dt.date.fromisoformat(day) for day in estimates["day"]])


def scored(monitor: Monitor, later: Frames, estimates: pd.DataFrame) -> dict[str, dict[str, float]]:
    """By metric: share of days whose truth is inside, and the mean distance from it."""
    truth = {}
    for day, rows in later.items():
        known = labelled(monitor, rows)
        prediction, target = (known[name].to_numpy() for name in ("prediction", "target"))
        truth[day] = point_metrics(monitor.task, prediction, target)
    rows = estimates.assign(
        truth=[
            truth[day][metric]
            for day, metric in zip(estimates["day"], estimates["metric"], strict=True)
        ]
    ).dropna(subset=["truth", "lower"])
    scores = {}
    for metric, part in rows.groupby("metric", sort=False):
        inside = int(part["truth"].between(part["lower"], part["upper"]).sum())
        distance = (part["value"] - part["truth"]).abs()
        scores[str(metric)] = {
            "days": len(part),
            "inside": inside / len(part),
            "distance": float(distance.mean()),
            "median_distance": float(distance.median()),
        }
    return scores


def planted(monitor: Monitor, estimator: Estimator, reference: Frames, later: Frames) -> dict:  # type: ignore[type-arg]
    """Days called concept drift: as they are, with errors a fifth larger, and with longer trips."""
    generator = np.random.default_rng(SEED)
    pool = pd.concat(reference.values(), ignore_index=True)
    miles = pool["trip_distance_miles"].clip(0.1, 20).fillna(0.1)
    errors = ErrorTests(monitor, reference, estimator)
    # A planted day comes after calm ones.
    calm = [errors.of_day(day, rows) for day, rows in later.items()]
    counts = {"calm": 0, "concept": 0, "covariate": 0}
    for place, (day, rows) in enumerate(later.items()):
        error = rows[str(monitor.target)] - rows[monitor.prediction]
        worse = rows.assign(**{str(monitor.target): rows[monitor.prediction] + RISE * error})
        harder = pool.sample(len(rows), weights=miles, random_state=int(generator.integers(2**31)))
        for name, asked in (("calm", rows), ("concept", worse), ("covariate", harder)):
            before = [test for of_day in calm[:place] for test in of_day]
            decided = errors.decided([*before, *errors.of_day(day, asked)])
            is_called = decided["is_alarm"] & (decided["day"] == day)
            counts[name] += bool((is_called & (decided["metric"] == EXCESS)).any())
    return {
        name: {"days": len(later), "called": count, "interval": interval(count, len(later))}
        for name, count in counts.items()
    }


def as_table(figures: dict) -> str:  # type: ignore[type-arg]
    """The figures as Markdown."""
    lines = [
        f"{figures['monitor']}, {figures['trips']} trips, {figures['from']} to {figures['to']}.\n",
        "| metric | days | inside, ours | inside, NannyML | mean distance, ours | NannyML |"
        " median distance, ours | NannyML |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for metric, mine in figures["ours"].items():
        peer = figures["nannyml"].get(metric)
        cells = [f"{peer['inside']:.0%}", f"{peer['distance']:.4g}",
                 f"{peer['median_distance']:.4g}"] if peer else ["", "", ""]  # fmt: skip
        lines.append(
            f"| {metric} | {mine['days']} | {mine['inside']:.0%} | {cells[0]} |"
            f" {mine['distance']:.4g} | {cells[1]} | {mine['median_distance']:.4g} | {cells[2]} |"
        )
    if figures["planted"]:
        lines += ["", "| planted | days | called concept drift |", "|---|---:|---:|"]
        for name, each in figures["planted"].items():
            low, high = each["interval"]
            lines.append(
                f"| {name} | {each['days']} | {each['called'] / each['days']:.2f}"
                f" ({low:.2f} to {high:.2f}) |"
            )
        calm = figures["planted"]["calm"]
        lines.append(f"\nCalm days called so: {MONTH * calm['called'] / calm['days']:.2f} a month.")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Fit, estimate, compare; print the tables, and write them."""
    parser = command_line.of_days(__doc__)
    parser.add_argument("--nannyml", type=Path, help="a Python that has NannyML")
    parser.add_argument("--out", type=Path, help="directory of the results")
    options = parser.parse_args()
    monitor = monitors()[options.monitor]
    span = monitor.reference
    reference = rows_of(monitor, every_day(span.from_date, span.to_date))
    later = rows_of(monitor, every_day(*options.days))
    estimator = Estimator(monitor, reference)
    peer = nannymls(monitor, reference, later, options.nannyml) if options.nannyml else None
    figures = {
        "seed": SEED,
        "monitor": monitor.name,
        "trips": options.name,
        "from": str(options.days[0]),
        "to": str(options.days[1]),
        "ours": scored(monitor, later, ours(monitor, estimator, later)),
        "nannyml": {} if peer is None else scored(monitor, later, peer),
        "planted": planted(monitor, estimator, reference, later)
        if monitor.task == "regression"
        else None,
    }
    print(f"seed {SEED}")
    print(as_table(figures))
    if options.out:
        stem = options.out / f"performance_{options.monitor}_{options.name}"
        stem.with_suffix(".json").write_text(json.dumps(figures, indent=1) + "\n")
        stem.with_suffix(".md").write_text(as_table(figures))


if __name__ == "__main__":
    main()
