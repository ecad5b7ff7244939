"""Tells what changed in a monitor or its table since its days were measured, a line for each."""

from collections.abc import Sequence

from dagster_driftmeter.dbt.project_manifest import monitors
from dagster_driftmeter.runs.terminal import say
from dagster_driftmeter.runs.unbuilt import built_tables
from driftmeter import settings
from driftmeter.arrival.column_changes import is_to_be_measured, note_columns, retyped_in_words
from driftmeter.incidents.judging import judge_changed_policy
from driftmeter.monitors.changed_settings import mark_setting_changes, tell_other_version
from driftmeter.monitors.config import Days
from driftmeter.performance.unreadable import tell_unreadable_labels
from driftmeter.warehouse import connection


def tell_changes(names: Sequence[str]) -> None:
    """Say, in a line each, what changes do to measured days: of columns, policy, or Driftmeter.

    Days of another policy are judged again here, for there may be no other day to run.
    """
    for name in built_tables(names):
        monitor = monitors()[name]
        engine = connection.engine_of(monitor)
        lines = (
            mark_setting_changes(engine, monitor),
            judge_changed_policy(engine, monitor, settings.home() / "calibration"),
            tell_other_version(engine, monitor),
        )
        for line in filter(None, lines):
            say(line)


def tell_retyped(names: Sequence[str], days: Days) -> bool:
    """Say, in a line a monitor, which columns are of another type; whether any is to be measured.

    Days that were measured before are stale then.
    """
    is_any = False
    for name in names:
        monitor = monitors()[name]
        engine = connection.engine_of(monitor)
        changes = note_columns(engine, monitor, days.from_date)
        retyped = [change for change in changes if change.change == "retyped"]
        if not retyped:
            continue
        again = any(is_to_be_measured(monitor, change) for change in retyped)
        words = "; ".join(map(retyped_in_words, retyped))
        follows = "the reference period is measured again, and days measured before are stale"
        say(f"{name}: {words}{': ' + follows if again else ''}")
        if again:
            # What calm days look like is kept by the reference's rows, and segments are none.
            for file in (settings.home() / "calibration").glob(f"{name}-*.npz"):
                file.unlink()
        is_any |= again
    return is_any


def tell_labels(names: Sequence[str], span: Days) -> None:
    """Say, in a line a monitor, which labels are neither true nor false."""
    for name in names:
        monitor = monitors()[name]
        engine = connection.engine_of(monitor)
        if line := tell_unreadable_labels(engine, monitor, span.from_date, span.to_date):
            say(line)
