"""Tests that a monitor declares, judged on one day's rows.

Tests of drift take the score that the day has already, the others what the kernel computes as
Evidently does; what both lack Evidently measures, which is not imported before.
"""

import math
from collections.abc import Iterator, Sequence

import pandas as pd

from driftmeter.drift.kernel.declared import value_of
from driftmeter.drift.results import ColumnDrift, TestOutcome
from driftmeter.monitors.config import Monitor
from driftmeter.monitors.declared_test import AGAINST_REFERENCE, OF_MODEL, SUBJECTS, DeclaredTest
from driftmeter.monitors.labels import as_words


def run_declared(
    monitor: Monitor,
    reference: pd.DataFrame,
    current: pd.DataFrame,
    drift: Sequence[ColumnDrift] = (),
) -> Iterator[TestOutcome]:
    """Outcomes of the monitor's declared tests on one day's rows.

    Parameters
    ----------
    reference, current : pandas.DataFrame
        One column a monitored column.
    drift : sequence of ColumnDrift
        The day's, as an engine compares it; what it lacks Evidently measures here.
    """
    for test in monitor.tests:
        reason = _reason_to_skip(test, monitor, current)
        if reason is not None:
            yield _outcome(test, "skipped", None, reason)
            continue
        try:
            observed = _observed(test, monitor, reference, current, drift)
        except Exception as error:
            yield _outcome(test, "error", None, f"{type(error).__name__}: {error}"[:300])
            continue
        if not math.isfinite(observed):
            yield _outcome(test, "skipped", None, "the test has no number to compare")
            continue
        yield _outcome(test, "pass" if test.holds(observed) else "fail", observed, None)


def _outcome(
    test: DeclaredTest, status: str, observed: float | None, reason: str | None
) -> TestOutcome:
    return TestOutcome(
        test.column, test.name, status, observed, test.condition, reason, test.severity
    )


def _reason_to_skip(test: DeclaredTest, monitor: Monitor, current: pd.DataFrame) -> str | None:
    if current.empty and test.test != "row_count":
        return f"the {monitor.every} has no rows"
    if SUBJECTS[test.test] in OF_MODEL:
        labelled = _labelled(monitor, current)
        if len(labelled) < monitor.min_rows:
            return f"{len(labelled)} rows have a label; {monitor.min_rows} are needed"
    elif test.column and test.test != "missing_share" and not current[test.column].notna().any():
        return f"0 of {len(current)} values are known"
    return None


def _observed(
    test: DeclaredTest,
    monitor: Monitor,
    reference: pd.DataFrame,
    current: pd.DataFrame,
    drift: Sequence[ColumnDrift],
) -> float:
    if test.test in AGAINST_REFERENCE:
        observed = _score(test, drift)
        rows = current
    else:
        rows = _labelled(monitor, current) if SUBJECTS[test.test] in OF_MODEL else current
        observed = value_of(test, monitor, rows)
    if observed is None:
        from driftmeter.drift.evidently_tests import value_by_evidently

        observed = value_by_evidently(test, monitor, reference, rows)
    return observed


def _score(test: DeclaredTest, drift: Sequence[ColumnDrift]) -> float | None:
    """The day's score that a test of drift judges; None where one that it needs is missing."""
    scores = {row.column_name: row.score for row in drift}
    # A share is of all columns, so each must have been compared.
    needed = scores.values() if test.column is None else [scores.get(test.column)]
    return None if None in needed else scores.get(test.column)


def _labelled(monitor: Monitor, frame: pd.DataFrame) -> pd.DataFrame:
    target = str(monitor.target)
    if monitor.task == "classification":
        frame = frame.assign(**{target: as_words(frame[target])})
    return frame[frame[monitor.prediction].notna() & frame[target].notna()]
