"""A small version of benchmarks/detection.py: calm is silent, and planted faults are found."""

import zlib

import numpy as np
import pytest

from benchmarks import judges, streams
from benchmarks.streams import REFERENCE_DAYS, Fault, Stream
from driftmeter.alarms.verdicts import Verdict
from driftmeter.drift.domain_classifier import DomainClassifier
from driftmeter.monitors.config import JUDGING_VERSION

SEED = 7
TWO_THOUSAND = Stream(2000, 0.02)
# Of `test_verdicts_are_those_of_the_version_on_record`, by the version that judged so.
JUDGED = {11: 2651585273}


def verdicts(
    stream: Stream, days: int, fault: Fault | None = None, segments: tuple[str, ...] = (),
    repeat: int = 0, classify: bool = False,
) -> list[list[Verdict]]:  # fmt: skip
    generator = np.random.default_rng([SEED, repeat])
    frames = [stream.day(generator) for _ in range(REFERENCE_DAYS + days)]
    reference, later = frames[:REFERENCE_DAYS], frames[REFERENCE_DAYS:]
    if fault:
        later = [fault(frame, generator, day) for day, frame in enumerate(later)]
    return judges.ours(reference, later, 1.0, segments, classify=classify)


def test_calm_days_keep_the_budget() -> None:
    days = [
        day
        for repeat, effect in enumerate((0.0, 0.02, 0.05))
        for day in verdicts(Stream(300, effect, 100), 60, repeat=repeat)
    ]
    alarms = sum(bool(judges.alarms(day)) for day in days)
    # 180 days at one a month: more than 12 has a chance of one in a hundred at the budget.
    assert alarms <= 12


def test_a_column_whose_values_go_missing_is_judged_however_few_are_left() -> None:
    """With thirty rows a day, a column that lost some of them has fewer than `min_rows`."""
    (day,) = verdicts(Stream(30, 0.0), 1, streams.more_missing("normal", 0.0, 0.3))
    (found,) = (row for row in day if row.column_name == "normal")
    assert (found.status, found.statistic, found.is_drifted) == ("ok", "missing", True)
    assert found.n_current < 30


def test_a_column_that_had_no_value_in_the_reference_and_has_some_is_an_alarm() -> None:
    generator = np.random.default_rng(SEED)
    frames = [TWO_THOUSAND.day(generator) for _ in range(REFERENCE_DAYS + 2)]
    for frame in frames[:-1]:
        frame["normal"] = np.nan
    empty, full = (
        next(row for row in day if row.column_name == "normal")
        for day in judges.ours(frames[:REFERENCE_DAYS], frames[REFERENCE_DAYS:], classify=False)
    )
    assert (empty.status, empty.is_drifted) == ("skipped", None)
    assert (full.status, full.statistic, full.is_drifted) == ("ok", "missing", True)
    assert (full.observed, full.expected) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("fault", "column", "statistic"),
    [
        (streams.shifted("normal", 0.3), "normal", "location"),
        (streams.scaled("with_outliers"), "with_outliers", "location"),
        (streams.more_missing("holes", 0.10, 0.20), "holes", "missing"),
        (streams.more_of("9", 0.04), "ten", "values"),
    ],
)
def test_a_plain_fault_alarms_on_its_first_day_and_names_its_column(
    fault: Fault, column: str, statistic: str
) -> None:
    (day,) = verdicts(TWO_THOUSAND, 1, fault)
    first = judges.alarms(day)[0]
    assert (first.column_name, first.statistic) == (column, statistic)


def test_one_segment_of_twenty_is_found_and_ranked_first() -> None:
    (day,) = verdicts(TWO_THOUSAND, 1, streams.in_segment("lognormal"), ("part",))
    first = judges.alarms(day)[0]
    assert (first.segment_value, first.column_name) == ("7", "lognormal")


def test_a_correlation_that_is_gone_is_seen_by_all_columns_together() -> None:
    (day,) = verdicts(TWO_THOUSAND, 1, streams.decorrelated, classify=True)
    assert [verdict.column_name for verdict in judges.alarms(day)] == [None]


def test_a_ramp_is_found_within_a_week() -> None:
    days = verdicts(TWO_THOUSAND, 7, streams.ramp("normal", 0.03))
    assert any(v.column_name == "normal" for day in days for v in judges.alarms(day))


def test_what_is_too_small_to_matter_is_scored_and_no_alarm() -> None:
    (day,) = verdicts(Stream(100_000, 0.0, 30), 1, streams.shifted("normal", 0.02))
    (row,) = [v for v in day if v.column_name == "normal"]
    assert row.score is not None
    assert row.score > 4
    assert row.is_drifted is False


def test_the_same_rows_have_the_same_area() -> None:
    generator = np.random.default_rng(SEED)
    frame = TWO_THOUSAND.day(generator)
    classifier = DomainClassifier(frame)
    other = TWO_THOUSAND.day(generator)
    score = classifier.score(other)
    # In whatever order they come.
    shuffled = DomainClassifier(frame.sample(frac=1, random_state=1))
    assert shuffled.score(other.sample(frac=1, random_state=2)) == score


def test_verdicts_are_those_of_the_version_on_record() -> None:
    """Fails where the same rows are judged otherwise: stored days must be offered again then."""
    rows = []
    for repeat, fault in enumerate(
        (None, streams.shifted("normal", 0.1), streams.more_of("9", 0.02))
    ):
        for day in verdicts(TWO_THOUSAND, 6, fault, ("part",), repeat):
            rows += [
                f"{row.column_name} {row.segment_value} {row.statistic} {row.is_drifted}"
                f" {row.is_slow} {row.score:.2f} {row.threshold:.2f}"
                for row in day
                if row.score is not None and row.threshold is not None
            ]
    judged = zlib.crc32("\n".join(rows).encode())
    assert {JUDGING_VERSION: judged} == JUDGED, (
        "raise JUDGING_VERSION, and note what it judges here"
    )
