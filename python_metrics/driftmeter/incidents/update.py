"""Brings the breaches and incidents of a monitor up to date with its measurements."""

import datetime as dt
from collections.abc import Sequence

import sqlalchemy as sa

from driftmeter.arrival.column_changes import column_changes
from driftmeter.arrival.inputs import measured_fingerprints, note_inputs
from driftmeter.arrival.reference_counts import reference_counts
from driftmeter.incidents.arrival import of_volume, partitions
from driftmeter.incidents.breach import OF_ROWS, Breach
from driftmeter.incidents.carry import carry_over
from driftmeter.incidents.custom_metric import away_metrics, of_custom_metrics
from driftmeter.incidents.day import DiagnosisBackground, Evidence, breaches_of_days, signature
from driftmeter.incidents.fold import THE_ERROR, fold
from driftmeter.incidents.group_difference import away_groups, of_groups
from driftmeter.incidents.late_labels import late_labels
from driftmeter.incidents.new_version import new_versions
from driftmeter.incidents.stored_incidents import (
    alarms_of,
    all_breaches,
    away_of,
    closed_by_hand,
    known_signatures,
    replace_breaches,
    replace_incidents,
)
from driftmeter.monitors.baselines import excluded_days
from driftmeter.monitors.config import Monitor
from driftmeter.monitors.days import EVER
from driftmeter.performance.alarms import (
    days_of_lasting_error,
    error_alarms,
    estimated_alarms,
)
from driftmeter.performance.custom_metrics import VERDICTS as METRIC_VERDICTS
from driftmeter.performance.custom_metrics import judge_metrics
from driftmeter.performance.group_differences import VERDICTS as GROUP_VERDICTS
from driftmeter.performance.group_differences import judge_groups
from driftmeter.warehouse.turn import alone

LOCK_DAYS = sa.text(
    "select from metrics.partitions where monitor = :monitor order by partition_date for update"
)


def update_incidents(
    engine: sa.Engine, monitor: Monitor, days: Sequence[dt.date], *, ends_run: bool = False
) -> dict[dt.date, list[Breach]]:
    """Diagnose what changed, and fold all of it into incidents; all of it in one transaction.

    A day's verdicts can change when a day before it is computed, so every computed day whose
    alarms, rows or policy are not those that its breaches were written from is diagnosed anew.
    What people did about an incident stays, though another policy folds others.

    Parameters
    ----------
    ends_run : bool
        Whether a run has taken the days through all steps before: then they are done.

    Returns
    -------
    dict of date to list of Breach
        Of the days that were asked for.
    """
    with engine.begin() as connection:
        alone(connection, f"incidents {monitor.name}")
        # In the order in which others take them.
        connection.execute(LOCK_DAYS, {"monitor": monitor.name})
        cadence, by_hand = monitor.cadence, closed_by_hand(connection, monitor)
        every = partitions(connection, monitor)
        excluded = excluded_days(connection, monitor, [day.day for day in every])
        metrics = judge_metrics(connection, monitor, excluded)
        METRIC_VERDICTS.store(connection, monitor, metrics)
        groups = judge_groups(connection, monitor, excluded)
        GROUP_VERDICTS.store(connection, monitor, groups)
        of_metrics = of_custom_metrics(monitor, metrics)
        for date, told in of_groups(monitor, groups).items():
            of_metrics.setdefault(date, []).extend(told)
        evidence = Evidence(
            alarms_of(connection, monitor),
            error_alarms(connection, monitor),
            estimated_alarms(connection, monitor),
            of_volume(reference_counts(connection, monitor), every, monitor, excluded),
            of_metrics,
            column_changes(connection, monitor, *EVER),
            late_labels(connection, monitor),
            new_versions(connection, monitor),
        )
        wanted = {day.day: signature(day, evidence) for day in every}
        written = known_signatures(connection, monitor)
        changed = [day for day in every if written.get(day.day) != wanted[day.day]]
        again = breaches_of_days(DiagnosisBackground(connection, monitor), changed, evidence)
        # A stale day holds what was measured of it, and so its diagnoses, until it is measured.
        kept = all_breaches(connection, monitor) if again else {}
        for day in changed:
            if day.state == "stale":
                again[day.day] += [one for one in kept.get(day.day, []) if one.family in OF_ROWS]
        if again:
            replace_breaches(connection, monitor, again, wanted)
        breaches = all_breaches(connection, monitor)
        away = {day: away_of(monitor, todays) for day, todays in evidence.alarms.items()}
        for lasting in days_of_lasting_error(connection, monitor):
            away.setdefault(lasting, set()).add(THE_ERROR)
        for lasting, parts in (*away_metrics(metrics).items(), *away_groups(groups).items()):
            away.setdefault(lasting, set()).update(parts)
        without_rows = {day.day for day in every if not day.row_count}
        incidents = fold(breaches, away, by_hand, without_rows, cadence)
        if carry_over(connection, monitor, incidents):
            by_hand = closed_by_hand(connection, monitor)
            incidents = fold(breaches, away, by_hand, without_rows, cadence)
        replace_incidents(connection, monitor, incidents)
        if ends_run:
            measured = measured_fingerprints(connection, monitor.name, days)
            note_inputs(connection, monitor.name, "incidents", measured)
    return {day: breaches.get(day, []) for day in days}
