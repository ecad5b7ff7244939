"""What is called findable is found as often as it says, and more rows or budget find less."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from benchmarks import judges, streams
from benchmarks.streams import FIRST, Stream
from driftmeter.alarms.calibrate import Calibration
from driftmeter.alarms.column import calibrate_columns
from driftmeter.alarms.findable import Findable, findable
from driftmeter.monitors.config import Monitor
from driftmeter.quality.counts import Counts
from driftmeter.quality.histograms import ColumnPart

DAYS = 40
Calibrated = tuple[Monitor, Calibration, dict[ColumnPart, Counts]]


@pytest.fixture(scope="module")
def reference() -> list[pd.DataFrame]:
    generator = np.random.default_rng(20261129)
    return [Stream(300, 0.05).day(generator) for _ in range(DAYS)]


@pytest.fixture(scope="module")
def calibrated(
    reference: list[pd.DataFrame],
) -> Calibrated:
    monitor = judges.monitor_of(reference[0], 1.0)
    binning = judges.Binning(monitor, pd.concat(reference, ignore_index=True))
    counts = binning.counts(reference, FIRST)
    return monitor, Calibration(calibrate_columns(counts), DAYS, {}, None), counts


def found(
    calibrated: Calibrated,
    name: str,
    change: str,
    budget: float = 1.0,
    rows: int | None = None,
) -> Findable:
    monitor, calibration, counts = calibrated
    content = monitor.model_dump(by_alias=True)
    content["alarm_budget"] = {"false_alarms_per_month": budget}
    asked = Monitor.model_validate(content)
    every = findable(asked, calibration, counts[ColumnPart(None, None, name)], name, rows)
    return next(each for each in every if each.change == change)


PLANTED: dict[str, tuple[str, Callable[[float], streams.Fault]]] = {
    "normal": ("mean", lambda size: streams.shifted("normal", size)),
    "ten": ("its most frequent category", lambda size: streams.more_of("0", size)),
    "holes": ("missing values", lambda size: streams.more_missing("holes", 0.1, 0.1 + size)),
}


def test_what_is_findable_is_found_on_four_of_five_days(
    calibrated: Calibrated, reference: list[pd.DataFrame]
) -> None:
    generator, stream, hits = np.random.default_rng(5), Stream(300, 0.05), 0
    for name, (change, fault) in PLANTED.items():
        size = found(calibrated, name, change).within[1]
        assert size is not None
        # One at a time, since a change that lasts is told twice.
        for _ in range(30):
            day = fault(size)(stream.day(generator), generator, 0)
            (verdicts,) = judges.ours(reference, [day], classify=False)
            hits += any(verdict.column_name == name for verdict in judges.alarms(verdicts))
    # 72 are expected of 90; the reference's own luck is that of all 30 of a column.
    assert 58 <= hits <= 84


def test_more_rows_more_budget_and_longer_windows_find_smaller_changes(
    calibrated: Calibrated,
) -> None:
    usual = found(calibrated, "normal", "mean").within
    assert usual[7] is not None
    assert usual[1] is not None
    assert usual[7] < usual[1]
    for other in (
        found(calibrated, "normal", "mean", budget=5.0).within[1],
        found(calibrated, "normal", "mean", rows=3000).within[1],
    ):
        assert other is not None
        assert other < usual[1]


def test_no_size_is_below_what_matters(
    calibrated: Calibrated,
) -> None:
    monitor = calibrated[0]
    assert found(calibrated, "normal", "missing values").within[7] == monitor.least_effect.share


def test_what_cannot_be_found_is_said(
    calibrated: Calibrated,
) -> None:
    # One row a day alone shows no category, however many of them it is.
    assert found(calibrated, "ten", "its most frequent category", rows=1).within[1] is None
