"""Finds the days of the reference period that dbt has not measured, and builds them."""

import datetime as dt
from collections.abc import Sequence

import sqlalchemy as sa

from dagster_driftmeter.assets.keys import model_keys
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
        build(reference, names, only)
    return reference is not None


def build(batches: Days, names: Sequence[str], only: str | None) -> None:
    """Build batches of monitors that have the same cadence."""
    every = monitors()[names[0]].every
    materialize(batches, only, model_keys(every), every=every)


def groups_of(names: Sequence[str], only: str | None) -> list[tuple[list[str], str | None]]:
    """Monitors that are built in one run, each with the one that the run is limited to.

    Daily ones are together. Of weeks or months each is a run of its own: what is asked for and the
    reference are batches of its own.
    """
    daily = [name for name in names if monitors()[name].every == "day"]
    others = [name for name in names if name not in daily]
    return [*([(daily, only)] if daily else []), *(([name], name) for name in others)]


def build_missing(names: Sequence[str], only: str | None) -> None:
    """Build what is to be looked at and is not there: the reference's quality, tables, views.

    A table may be a view that dbt has yet to make, or that went with a team's `drop ... cascade`.
    """
    for alike, of_run in groups_of(names, only):
        missing = [name for name in alike if name not in built_tables(alike)]
        if not build_reference(alike, of_run) and missing:
            spans = [first_and_last(monitors()[name].reference_batches) for name in missing]
            build(span_of(spans), alike, of_run)


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
    spans = []
    for monitor in (monitors()[name] for name in names):
        with connection.engine_of(monitor).connect() as session:
            if (
                _has_other_reference(session, monitor)
                or not _has_summary(session, monitor)
                or not has_reference_tests(session, monitor)
            ):
                spans.append(first_and_last(monitor.reference_batches))
    return span_of(spans) if spans else None


def first_and_last(batches: Sequence[dt.date]) -> Days:
    """A span of batches that are in order."""
    return Days(**{"from": batches[0], "to": batches[-1]})


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
    span = dict(zip(("first", "last"), monitor.reference_span, strict=True))
    measured = dict(session.execute(query, {"monitor": monitor.name, **span}).tuples().all())
    declared = {name: column.kind == "numerical" for name, column in monitor.columns.items()}
    return declared.items() <= measured.items()


def span_of(spans: Sequence[Days]) -> Days:
    """The days from the first of these spans to the last."""
    first = min(span.from_date for span in spans)
    return Days(**{"from": first, "to": max(span.to_date for span in spans)})
