"""A change is an alarm on its first days, and again if it grows or if it is another one."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from benchmarks import judges, streams
from benchmarks.streams import REFERENCE_DAYS, Stream
from driftmeter.alarms.told import RECORD, TOLD, beside_told_days, wanders

SEED = 20261129


def columns_in_alarm(days: int, fault: streams.Fault) -> list[set[str | None]]:
    """Columns in alarm on each day of a fault."""
    stream, generator = Stream(2_000, 0.02), np.random.default_rng(SEED)
    reference = stream.days(generator, REFERENCE_DAYS)
    later = [fault(f, generator, day) for day, f in enumerate(stream.days(generator, days))]
    return [
        {verdict.column_name for verdict in judges.alarms(day)}
        for day in judges.ours(reference, later, classify=False)
    ]


def naive(
    effect: np.ndarray,
    variance: np.ndarray,
    differences: np.ndarray,
    variances: np.ndarray,
    is_clear: np.ndarray,
    quiet: int,
) -> list[float]:
    """The same of one statistic, by the sentence of its docstring."""
    answer = []
    for day, size in enumerate(effect):
        record, following = [], day
        for d in range(day - 1, max(day - RECORD, 0) - 1, -1):
            if is_clear[d] and following - d > quiet:
                break
            record.append(d)
            following = d if is_clear[d] else following
        told = [(differences[d] * np.sign(size), variances[d]) for d in record if is_clear[d]]
        told = sorted((one for one in told if one[0] > 0), reverse=True)
        if len(told) < TOLD:
            answer.append(np.nan)
            continue
        known, of_known = told[TOLD - 1]
        further = abs(size) - known
        noise = np.sqrt(variance[day] + of_known)
        answer.append(2 * stats.norm.sf(further / noise) if further > 0 else 1.0)
    return answer


@pytest.mark.parametrize("quiet", [RECORD, 2])
def test_days_beside_those_that_told_the_same_are_as_computed_by_hand(quiet: int) -> None:
    generator = np.random.default_rng(SEED)
    differences = generator.normal(0, 2, 200)
    variances = generator.uniform(0.5, 2, 200)
    is_clear = np.abs(differences) > 1.5
    computed = beside_told_days(
        differences,
        variances,
        differences[:, None],
        variances[:, None],
        is_clear[:, None],
        np.zeros(200, dtype=np.int64),
        quiet,
    )
    by_hand = naive(differences, variances, differences, variances, is_clear, quiet)
    assert computed == pytest.approx(by_hand, abs=1e-12, nan_ok=True)
    assert np.isnan(by_hand).any()
    assert 1.0 in by_hand


def test_a_change_that_lasts_is_an_alarm_on_its_first_days_only() -> None:
    days = columns_in_alarm(14, streams.shifted("normal", 0.4))
    assert all("normal" in columns for columns in days[:TOLD])
    assert not any("normal" in columns for columns in days[TOLD:])


def test_a_change_that_grows_is_an_alarm_again() -> None:
    def fault(frame: pd.DataFrame, generator: np.random.Generator, day: int) -> pd.DataFrame:
        return streams.shifted("normal", 0.4 if day < 8 else 1.2)(frame, generator, day)

    days = columns_in_alarm(12, fault)
    assert not any("normal" in columns for columns in days[TOLD:8])
    assert all("normal" in columns for columns in days[8 : 8 + TOLD])


def test_a_share_that_rose_from_nothing_is_beside_days_that_vary_as_it_does() -> None:
    """Of 218 rows a day, 24% to 35% are missing by chance alone where 30% are expected."""
    fault, alarms, repeats = streams.more_missing("normal", 0.0, 0.3), 0, 8
    for repeat in range(repeats):
        stream, generator = Stream(218, 0.02), np.random.default_rng(SEED + repeat)
        reference = stream.days(generator, REFERENCE_DAYS)
        later = [fault(f, generator, day) for day, f in enumerate(stream.days(generator, 10))]
        judged = judges.ours(reference, later, classify=False)
        names = [{verdict.column_name for verdict in judges.alarms(day)} for day in judged]
        assert all("normal" in columns for columns in names[:TOLD])
        alarms += sum("normal" in columns for columns in names[TOLD:])
    # Once in ten of these days or less; two in five before.
    assert alarms <= repeats * (10 - TOLD) / 10


def clear_on(*days: int, length: int = 120) -> np.ndarray:
    p_values = np.full(length, 0.5)
    p_values[list(days)] = 1e-6
    return p_values


def test_a_column_wanders_if_it_was_as_far_away_several_times_apart() -> None:
    # In another segment each time: the column is what wanders.
    apart = np.array([clear_on(10, 50, 100), clear_on(30)])
    assert np.argwhere(wanders(apart)).tolist() == [[0, 100]]
    lasting = clear_on(*range(60, 100))[None]
    assert not wanders(lasting).any()
    further = apart.copy()
    further[0, 100] = 1e-9
    assert not wanders(further).any()
    # Each of them must be within the record.
    assert not wanders(np.array([clear_on(2, 30, 50, 100)])).any()


def test_days_that_no_record_may_hold_tell_nothing() -> None:
    p_values = clear_on(10, 30, 50, 100)
    p_values[[10, 30]] = np.nan
    assert not wanders(p_values[None]).any()
