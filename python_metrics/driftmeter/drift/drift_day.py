"""Measures the drift of one day of one monitor, and replaces its results as a whole."""

import datetime as dt
import time
from collections.abc import Iterator, Sequence

import pandas as pd
import sqlalchemy as sa

from driftmeter.arrival.contents import DayContent, day_content
from driftmeter.arrival.inference_rows import MOST_ROWS, VERSION, read_rows
from driftmeter.arrival.inputs import Step, note_inputs
from driftmeter.drift.declared_tests import run_declared
from driftmeter.drift.reference import BASELINE, Reference
from driftmeter.drift.results import ColumnDrift, PartitionResult, TestOutcome
from driftmeter.drift.stored_scores import CLASSIFIER, insert_day, replace_scores
from driftmeter.errors import DriftmeterError, reason_of
from driftmeter.monitors.config import JUDGING_VERSION, Monitor
from driftmeter.warehouse.turn import alone

CLASSIFIER_ENGINE = "driftmeter domain classifier"
KEYS = {"segment": None, "segment_value": None}


def compute_partition(
    engine: sa.Engine,
    monitor: Monitor,
    day: dt.date,
    reference: Reference,
    *,
    arrived: bool = True,
    to_follow: Sequence[Step] = (),
) -> PartitionResult:
    """Compare a day with the reference and replace its rows in the metrics schema.

    All of a day is written in one transaction: whoever reads sees the old day or the new one, and
    a run that dies leaves the old one.

    Parameters
    ----------
    arrived : bool
        False if the day never came: then no rows mean ``missing``, else ``empty``.
    to_follow : sequence of str
        Steps that this run takes the day through afterwards: it is stale until they are done.

    Raises
    ------
    DriftmeterError
        If the day cannot be computed; its state is then ``failed``, and its old rows stay.
    """
    started = time.perf_counter()
    try:
        with engine.begin() as connection:
            alone(connection, f"{monitor.name} {day}")
            content = day_content(connection, monitor, day)
            rows = content.rows
            current = read_rows(
                connection,
                monitor,
                [day],
                most_rows=MOST_ROWS,
                known_rows=rows,
                is_coded=True,
                with_projections=True,
            )
            state = "fresh" if rows else "empty" if arrived else "missing"
            measured = list(_by_version(reference, current))
            result = PartitionResult(
                monitor=monitor.name,
                day=day,
                state=state,
                row_count=rows,
                duration_seconds=time.perf_counter() - started,
                drift=tuple(row for _, drift, _ in measured for row in drift),
                tests=tuple(test for _, _, tests in measured for test in tests),
            )
            _replace(connection, monitor, day, measured)
            reason = REASONS.get(state, "").format(every=reference.monitor.every) or None
            _record(connection, result, reference, reason, content)
            note_inputs(connection, monitor.name, "drift", {day: content.fingerprint}, to_follow)
    except Exception as error:
        reason, seconds = reason_of(error), time.perf_counter() - started
        with engine.begin() as connection:
            failed = PartitionResult(monitor.name, day, "failed", 0, seconds)
            _record(connection, failed, reference, reason)
        raise DriftmeterError(
            f"the drift of {day} could not be measured ({reason})",
            where=f"{monitor.schema_name}.{monitor.name}",
            fix="correct the cause and run the day again; its earlier results stay",
        ) from error
    return result


def _by_version(
    reference: Reference, current: pd.DataFrame
) -> Iterator[tuple[str | None, list[ColumnDrift], list[TestOutcome]]]:
    """Drift and tests of each model version of the day."""
    for version, frame in _versions(current):
        drift, tests = reference.engine.compare(frame)
        all_tests = _tests(reference, frame, drift, tests)
        yield version, [*drift, _separation(reference, frame)], all_tests


def _tests(
    reference: Reference,
    rows: pd.DataFrame,
    drift: list[ColumnDrift],
    default: list[TestOutcome],
) -> list[TestOutcome]:
    """The default tests unless the monitor does without, and those that it declares."""
    monitor = reference.monitor
    tests = list(default) if monitor.default_tests else []
    return [*tests, *run_declared(monitor, reference.frame, rows, drift)]


def run_tests(
    engine: sa.Engine, monitor: Monitor, day: dt.date, reference: Reference
) -> list[TestOutcome]:
    """Run a day's tests alone and replace their outcomes; its drift stays as it is.

    Raises
    ------
    DriftmeterError
        If the day has no rows: nothing was tested, which is no pass.
    """
    with engine.begin() as connection:
        alone(connection, f"{monitor.name} {day}")
        current = read_rows(connection, monitor, [day], most_rows=MOST_ROWS, is_coded=True)
        if current.empty:
            raise DriftmeterError(
                f"{day} has no rows, so nothing can be tested",
                where=f"{monitor.schema_name}.{monitor.name}",
                fix="load the day first, or find out why it is empty",
            )
        outcomes = {
            version: _tests(reference, rows, *reference.engine.compare(rows))
            for version, rows in _versions(current)
        }
        rows = [row for v, tests in outcomes.items() for row in _test_rows(monitor, day, v, tests)]
        _replace_tests(connection, monitor, day, rows)
    return [test for tests in outcomes.values() for test in tests]


def _versions(current: pd.DataFrame) -> Iterator[tuple[str | None, pd.DataFrame]]:
    """Rows of each model version; an empty day has one, without a version."""
    for version in sorted(current[VERSION].dropna().unique()) or [None]:
        rows = current if version is None else current[current[VERSION] == version]
        yield version, rows.drop(columns=VERSION).reset_index(drop=True)


def _test_rows(
    monitor: Monitor, day: dt.date, version: str | None, outcomes: list[TestOutcome]
) -> list[dict[str, object]]:
    key = {"monitor": monitor.name, "partition_date": day, "model_version": version, **KEYS}
    # To ten digits: the last ones of a mean depend on the order of rows.
    return [
        {**key, **vars(test), "observed": _number(test.observed), "source": "evidently"}
        for test in outcomes
    ]


def _number(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.10g}")


def _separation(reference: Reference, rows: pd.DataFrame) -> ColumnDrift:
    """How well all columns together tell the day from the reference; judged by calibration."""
    n_reference, n_current = len(reference.frame), len(rows)
    needed = reference.monitor.min_rows
    if n_current < needed:
        return ColumnDrift(
            None,
            n_reference,
            n_current,
            CLASSIFIER_ENGINE,
            method=CLASSIFIER,
            status="skipped",
            reason=f"{n_current} rows; {needed} are needed"
            if n_current
            else f"the {reference.monitor.every} has no rows",
        )
    score = reference.classifier.score(rows)
    return ColumnDrift(
        None, n_reference, n_current, CLASSIFIER_ENGINE, method=CLASSIFIER, score=score
    )


def _replace(
    connection: sa.Connection,
    monitor: Monitor,
    day: dt.date,
    measured: list[tuple[str | None, list[ColumnDrift], list[TestOutcome]]],
) -> None:
    key = {"monitor": monitor.name, "partition_date": day, **KEYS}
    scores = [
        {**key, "model_version": version, **vars(row), "baseline": BASELINE}
        for version, drift, _ in measured
        for row in drift
    ]
    replace_scores(connection, monitor.name, day, scores)
    tests = [
        row
        for version, _, outcomes in measured
        for row in _test_rows(monitor, day, version, outcomes)
    ]
    _replace_tests(connection, monitor, day, tests)


def _replace_tests(
    connection: sa.Connection, monitor: Monitor, day: dt.date, rows: list[dict[str, object]]
) -> None:
    """Replace the outcomes that this step writes; dbt's are not its own."""
    connection.execute(
        sa.text(
            "delete from metrics.test_results where monitor = :monitor"
            " and partition_date = :day and source = 'evidently'"
        ),
        {"monitor": monitor.name, "day": day},
    )
    insert_day(connection, "metrics.test_results", day, rows)


PARTITION = sa.text(
    "insert into metrics.partitions (monitor, partition_date, state, drift_state, drift_reason,"
    " row_count, fingerprint, labelled_count, inputs_fingerprint, config_hash, policy_hash,"
    " judging_version, duration_seconds, computed_at) values (:monitor, :day, :state,"
    " :state, :reason, :rows, :fingerprint, :labelled, :inputs, :config, :policy,"
    " :judging_version, :seconds, now())"
    " on conflict (monitor, partition_start) do update set drift_state = excluded.drift_state,"
    " drift_reason = excluded.drift_reason, row_count = excluded.row_count,"
    " fingerprint = excluded.fingerprint, labelled_count = excluded.labelled_count,"
    " inputs_fingerprint = excluded.inputs_fingerprint, config_hash = excluded.config_hash,"
    " policy_hash = excluded.policy_hash, judging_version = excluded.judging_version,"
    " duration_seconds = excluded.duration_seconds,"
    " computed_at = excluded.computed_at, rows_dropped_at = null"
)
REASONS = {
    "empty": "the {every} has no rows",
    "missing": "the source did not have this {every}",
}


def _record(
    connection: sa.Connection,
    result: PartitionResult,
    reference: Reference,
    reason: str | None,
    content: DayContent | None = None,
) -> None:
    """Put a day on record; of one that failed nothing is known of its rows."""
    connection.execute(
        PARTITION,
        {
            "monitor": result.monitor,
            "day": result.day,
            "state": result.state,
            "reason": reason,
            "rows": result.row_count,
            "fingerprint": content and content.fingerprint,
            "labelled": content and content.labelled,
            "inputs": content and content.inputs_fingerprint,
            "config": reference.config_hash,
            "policy": reference.monitor.policy_hash,
            "judging_version": JUDGING_VERSION,
            "seconds": result.duration_seconds,
        },
    )
