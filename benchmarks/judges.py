"""Who judges the days: this project, Evidently's and NannyML's defaults, and a z-score.

Each gets the same reference frames and the same later days, in order, and answers with the names
of the columns that alarm on each day.
"""

import datetime as dt
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.error_tests import ErrorTests
from benchmarks.evidently_engine import EvidentlyEngine
from benchmarks.streams import FIRST
from driftmeter.alarms.area import Area, beside_days_before
from driftmeter.alarms.calibrate import Calibration
from driftmeter.alarms.column import calibrate_columns, judge_columns
from driftmeter.alarms.day_null import fit_day_null
from driftmeter.alarms.verdicts import Verdict, verdicts_of_day
from driftmeter.drift.domain_classifier import MOST_ROWS, ROW_VARIANCE, DomainClassifier
from driftmeter.incidents.arrival import Partition, of_volume
from driftmeter.monitors.cadence import Cadence, Every
from driftmeter.monitors.config import Monitor
from driftmeter.performance.estimator import Estimator
from driftmeter.quality.bins import cuts_of
from driftmeter.quality.counts import Counts, as_array
from driftmeter.quality.histograms import ColumnPart

Frames = list[pd.DataFrame]
VERSION = "version"
# By the kind of a metric of the error.
PARTS = {"realised": "error", "estimated": "estimate"}


def batches_of(every: Every, count: int, first: np.datetime64 = FIRST) -> list[dt.date]:
    """The first so many hours, days, weeks or months from a day on."""
    cadence = Cadence(every)
    start = cadence.start(first.astype(dt.date))
    return [cadence.after(start, number) for number in range(count)]


def monitor_of(
    frame: pd.DataFrame,
    budget: float,
    segments: tuple[str, ...] = (),
    every: Every = "day",
) -> Monitor:
    """A monitor of a frame's columns, the last number as its prediction; `target` is the target."""
    numbers = [name for name in frame if pd.api.types.is_numeric_dtype(frame[name])]
    kinds = {
        name: {"kind": "numerical" if name in numbers else "categorical"}
        for name in frame
        if name not in (numbers[-1], "target", VERSION)
    }
    return Monitor.model_validate(
        {
            "name": "stream",
            "owner": "benchmark",
            "task": "regression",
            "timestamp": "at",
            "id": "id",
            "prediction": numbers[-1],
            "model_version": VERSION,
            **({"target": "target"} if "target" in frame else {}),
            "features": kinds,
            "segments": segments,
            "every": every,
            "reference": {"from": str(FIRST), "to": str(FIRST + 58)},
            "alarm_budget": {"false_alarms_per_month": budget},
        }
    )


# As dbt's reference_bins: 5% quantiles, and finer in the tails.
LEVELS = np.sort([*(np.arange(21) / 20), 0.001, 0.01, 0.99, 0.999])


class Binning:
    """Counts rows in the bins of a reference, as dbt's reference_bins and column_histogram do.

    tests/integration/test_calibrated_alarms.py holds them against the SQL.
    """

    def __init__(self, monitor: Monitor, reference: pd.DataFrame) -> None:
        self.monitor = monitor
        self._low: dict[str, np.ndarray] = {}
        self._ranks: dict[str, pd.Index] = {}
        self._never: set[str] = set()
        for name, column in monitor.columns.items():
            if reference[name].notna().sum() == 0:
                self._never.add(name)
                self._low[name] = np.array([np.nan])
            elif column.kind == "numerical":
                cuts = cuts_of(reference[name].to_numpy(dtype=float), LEVELS)
                self._low[name] = np.concatenate([[np.nan], cuts])
            else:
                self._ranks[name] = reference[name].value_counts().index
                self._low[name] = np.full(len(self._ranks[name]) + 1, np.nan)
        self._groups = [(None, None)] + [
            (segment, str(value))
            for segment in monitor.segments
            for value in reference[segment].dropna().unique()
        ]

    def counts(self, frames: Frames, first: np.datetime64) -> dict[ColumnPart, Counts]:
        """Counts of every column over all rows and in each segment; a frame a day."""
        every = pd.concat(frames, ignore_index=True)
        day = np.repeat(np.arange(len(frames)), [len(frame) for frame in frames])
        cadence = self.monitor.cadence
        days = as_array(batches_of(cadence.every, len(frames), first))
        chosen_by = {
            group: np.ones(len(every), dtype=bool)
            if group[0] is None
            else (every[group[0]] == group[1]).to_numpy()
            for group in self._groups
        }
        counts: dict[ColumnPart, Counts] = {}
        for name, low in self._low.items():
            position = self._position(name, every[name])
            for (segment, value), chosen in chosen_by.items():
                if segment == name:
                    continue
                known = np.zeros((len(frames), len(low)))
                missing = np.zeros(len(frames))
                is_known = chosen & (position >= 0)
                np.add.at(known, (day[is_known], position[is_known]), 1)
                np.add.at(missing, day[chosen & (position < 0)], 1)
                kind = "categorical" if name in self._never else self.monitor.columns[name].kind
                part = ColumnPart(segment, value, name)
                counts[part] = Counts(kind, days, known, missing, low, cadence)
        return counts

    def _position(self, name: str, values: pd.Series) -> np.ndarray:
        if name in self._ranks:
            codes = pd.Categorical(values, categories=self._ranks[name]).codes
            position: np.ndarray = codes.astype(int) + 1
            position[values.isna().to_numpy()] = -1
            return position
        if name in self._never:
            return np.where(values.isna(), -1, 0)
        numbers = values.to_numpy(dtype=float)
        place = np.searchsorted(self._low[name][1:], numbers, side="right")
        return np.where(np.isnan(numbers), -1, place)


def ours(
    reference: Frames,
    later: Frames,
    budget: float = 1.0,
    segments: tuple[str, ...] = (),
    *,
    classify: bool = True,
    first: np.datetime64 = FIRST,
    every: Every = "day",
    together: tuple[str, ...] = (),
) -> list[list[Verdict]]:
    """This project's verdicts on the later days.

    Parameters
    ----------
    together : tuple of str
        Columns that the domain classifier alone reads.
    """
    monitor = monitor_of(reference[0].drop(columns=list(together)), budget, segments, every)
    compared = list(reference[0]) if classify else []
    return verdicts_of(monitor, reference, later, compared, first=first)


def verdicts_of(
    monitor: Monitor,
    reference: Frames,
    later: Frames,
    compared: list[str],
    *,
    first: np.datetime64 = FIRST,
) -> list[list[Verdict]]:
    """Verdicts on columns, segments and, if any are named, all compared columns together.

    Without those the domain classifier finds every day calm: it costs seconds a stream, and its
    share of the budget is spent all the same.

    Parameters
    ----------
    compared : list of str
        Columns that the domain classifier reads.
    """
    kept, every = reference + later, monitor.every
    binning = Binning(monitor, pd.concat(kept[: len(reference)], ignore_index=True))
    counts = binning.counts(kept, first)
    n = len(reference)
    columns = calibrate_columns(
        {
            part: each.only(np.arange(n))
            for part, each in counts.items()
            if part.is_all_rows or np.median(each.rows[:n]) >= monitor.min_rows
        }
    )
    areas = [0.5] * (n + len(later))
    if compared:
        areas = _areas(*([frame[compared] for frame in frames] for frames in (reference, later)))
    sizes = [float(min(len(frame), MOST_ROWS)) for frame in reference]
    null = fit_day_null(
        np.array(areas[:n])[:, None],
        np.array(sizes)[:, None],
        np.array([ROW_VARIANCE]),
        next(iter(counts.values())).weekdays[:n],
        levels=monitor.cadence.levels,
    )
    rows = {part: float(counts[part].known[:n].sum()) for part in columns}
    calibration = Calibration(columns, n, rows, null)
    evidence = judge_columns(columns, counts)
    days = batches_of(every, n + len(later), first)
    scored = {
        day: Area(area, int(sum(sizes)), len(frame))
        for day, area, frame in zip(days[n:], areas[n:], later, strict=True)
    }
    scored = beside_days_before(null, scored, (), monitor.cadence)
    verdicts = []
    for place, day in enumerate(scored, start=n):
        known = {part: float(each.known[place].sum()) for part, each in counts.items()}
        asked = (monitor, calibration, evidence, known, place, day, None, scored[day])
        verdicts.append(list(verdicts_of_day(*asked)))
    return verdicts


def ledger(
    reference: Frames,
    later: Frames,
    budget: float,
    segments: tuple[str, ...],
    every: Every = "day",
    *,
    estimate: bool = True,
) -> list[list[str]]:
    """All that is in the ledger of each later day, by the part of the budget that it spends.

    Without `estimate` no day is held against what its inputs explain: the model of the errors costs
    seconds a stream, and its share of the budget is spent by nothing.
    """
    monitor = monitor_of(reference[0], budget, segments, every)
    spent = [["columns" for _ in alarms(day)] for day in verdicts_of(monitor, reference, later, [])]
    for place, part in outcomes_of(monitor, reference, later, estimate=estimate):
        spent[place].append(part)
    return spent


def outcomes_of(
    monitor: Monitor,
    reference: Frames,
    later: Frames,
    *,
    estimate: bool = True,
    most_rows: int | None = None,
) -> list[tuple[int, str]]:
    """Alarms of the error, of its estimate and of the number of rows: of which later day each is.

    Parameters
    ----------
    most_rows : int, optional
        Rows of a reference day that the model of the errors is fitted to.
    """
    days = batches_of(monitor.every, len(reference) + len(later))
    before, after = days[: len(reference)], days[len(reference) :]
    by_day = {day: rows.iloc[:most_rows] for day, rows in zip(before, reference, strict=True)}
    errors = ErrorTests(monitor, by_day, Estimator(monitor, by_day) if estimate else None)
    tests = [errors.of_day(day, rows) for day, rows in zip(after, later, strict=True)]
    decided = errors.decided([test for of_day in tests for test in of_day])
    spent = [
        (monitor.cadence.between(after[0], row.day), PARTS[row.kind])
        for row in decided[decided["is_alarm"]].itertuples()
    ]
    partitions = [
        Partition(day, "fresh", None, len(rows), None, None)
        for day, rows in zip(after, later, strict=True)
    ]
    counts = {day: float(len(rows)) for day, rows in zip(before, reference, strict=True)}
    off = of_volume(counts, partitions, monitor)
    return spent + [(monitor.cadence.between(after[0], day), "volume") for day in off]


def _areas(reference: Frames, later: Frames) -> list[float]:
    classifier = DomainClassifier(pd.concat(reference, ignore_index=True))
    of_row = np.repeat(np.arange(len(reference)), [len(frame) for frame in reference])
    return [
        *(classifier.score(frame, of_row == number) for number, frame in enumerate(reference)),
        *(classifier.score(frame) for frame in later),
    ]


def alarms(verdicts: list[Verdict]) -> list[Verdict]:
    """Alarms of a day, the plainest first."""
    drifted = [verdict for verdict in verdicts if verdict.is_drifted]
    return sorted(drifted, key=lambda verdict: verdict.p_value or 0.0)


def evidently(reference: Frames, later: Frames) -> list[list[str]]:
    """Columns that Evidently's defaults call drifted; no more is asked of it than it answers."""
    pooled = pd.concat(reference, ignore_index=True)
    engine = EvidentlyEngine(pooled, monitor_of(pooled, 1.0).columns, 30)
    alarms_by_day = []
    for frame in later:
        drift, _ = engine.compare(frame)
        alarms_by_day.append(
            [row.column_name for row in drift if row.column_name and row.is_drifted]
        )
    return alarms_by_day


def z_score(reference: Frames, later: Frames, window: int = 30) -> list[list[str]]:
    """Elementary's kind of anomaly: missing share and mean beyond 3 deviations of 30 days before.

    Categories are watched by their number of distinct values, as its column monitors do.
    """
    metrics = pd.DataFrame([_metrics(frame) for frame in reference + later])
    alarms_by_day = []
    for place in range(len(reference), len(metrics)):
        before = metrics.iloc[place - window : place]
        deviation = before.std(ddof=0)
        with np.errstate(divide="ignore", invalid="ignore"):
            z = (metrics.iloc[place] - before.mean()) / deviation
        alarms_by_day.append([str(name) for name in z.index[(z.abs() > 3) & (deviation > 0)]])
    return alarms_by_day


def _metrics(frame: pd.DataFrame) -> dict[str, float]:
    values = {}
    for name in frame:
        values[f"missing {name}"] = frame[name].isna().mean()
        if pd.api.types.is_numeric_dtype(frame[name]):
            values[f"mean {name}"] = frame[name].mean()
        else:
            values[f"distinct {name}"] = frame[name].nunique()
    return values


def nannyml(reference: Frames, later: Frames, python: Path) -> list[list[str]]:
    """Columns in alarm by NannyML's univariate calculator, with its defaults, a chunk a day.

    It runs in an environment of its own: its requirements and ours exclude each other.
    """
    with tempfile.TemporaryDirectory() as directory:
        for name, frames, start in (
            ("reference", reference, 0),
            ("later", later, len(reference)),
        ):
            stamped = [
                frame.assign(at=pd.Timestamp(FIRST + start + number))
                for number, frame in enumerate(frames)
            ]
            pd.concat(stamped, ignore_index=True).to_parquet(Path(directory) / f"{name}.parquet")
        script = Path(__file__).parent / "peers" / "nannyml_alarms.py"
        subprocess.run([str(python), str(script), directory], check=True, capture_output=True)
        answer = pd.read_json(Path(directory) / "alarms.json", orient="records", dtype=False)
    by_day: list[list[str]] = [[] for _ in later]
    for row in answer.itertuples():
        by_day[int(row.day)].append(str(row.column))
    return by_day
