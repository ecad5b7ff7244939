"""Finds the days of the reference period that dbt has not measured, and builds them."""

from collections.abc import Sequence

import sqlalchemy as sa

from dagster_driftmeter.assets.keys import dbt_keys
from dagster_driftmeter.dbt.project_manifest import monitors
from dagster_driftmeter.runs.jobs import materialize
from driftmeter.arrival.column_changes import is_reference_of_other_types
from driftmeter.arrival.inputs import has_reference_tests
from driftmeter.monitors.config import Days, Monitor
from driftmeter.warehouse import connection


def build_reference(names: Sequence[str], only: str | None) -> bool:
    """Build the reference days where dbt has not; says whether there was something to build."""
    reference = reference_without_quality(names)
    if reference is not None:
        materialize(reference, only, dbt_keys())
    return reference is not None


def build_missing(names: Sequence[str], only: str | None) -> None:
    """Build what is to be looked at and is not there: the reference's quality, tables, views.

    A table may be a view that dbt has yet to make, or that went with a team's `drop ... cascade`.
    """
    missing = [name for name in names if name not in built_tables(names)]
    if not build_reference(names, only) and missing:
        materialize(span_of([monitors()[name].reference for name in missing]), only, dbt_keys())


def built_tables(names: Sequence[str]) -> list[str]:
    """Those of these monitors whose inference table is in the warehouse."""
    exists = sa.text("select to_regclass(quote_ident(:schema) || '.' || quote_ident(:name))")
    with connection.engine().connect() as session:
        return [
            name
            for name in names
            if session.scalar(exists, {"schema": monitors()[name].schema_name, "name": name})
        ]


def reference_without_quality(names: Sequence[str]) -> Days | None:
    """Reference days of those monitors that dbt has not measured and tested; None where it has."""
    with connection.engine().connect() as session:
        spans = [
            monitors()[name].reference
            for name in names
            if _has_other_reference(session, monitors()[name])
            or not _has_summary(session, monitors()[name])
            or not has_reference_tests(session, monitors()[name])
        ]
    return span_of(spans) if spans else None


def _has_other_reference(session: sa.Connection, monitor: Monitor) -> bool:
    """Whether days were last held against another reference period than is declared now.

    dbt has measured some of its days at most, and in bins of the other one.
    """
    query = sa.text(
        "select (from_date, to_date) <> (:first, :last) from metrics.baselines"
        " where monitor = :monitor and baseline = 'reference'"
    )
    days = monitor.reference
    span = {"first": days.from_date, "last": days.to_date}
    return bool(session.scalar(query, {"monitor": monitor.name, **span}))


def _has_summary(session: sa.Connection, monitor: Monitor) -> bool:
    """Whether dbt measured the reference's days, with every column as it is now."""
    if is_reference_of_other_types(session, monitor):
        return False
    query = sa.text(
        "select column_name, bool_or(kind = 'numerical') from metrics.column_summary"
        " where monitor = :monitor and partition_date between :first and :last"
        " and column_name is not null and segment is null group by column_name"
    )
    days = monitor.reference
    span = {"first": days.from_date, "last": days.to_date}
    measured = dict(session.execute(query, {"monitor": monitor.name, **span}).tuples().all())
    declared = {name: column.kind == "numerical" for name, column in monitor.columns.items()}
    return declared.items() <= measured.items()


def span_of(spans: Sequence[Days]) -> Days:
    """The days from the first of these spans to the last."""
    first = min(span.from_date for span in spans)
    return Days(**{"from": first, "to": max(span.to_date for span in spans)})
