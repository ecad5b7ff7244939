"""Takes days from a source through to incidents, and first makes what they stand on."""

import contextlib
import datetime as dt
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import dagster as dg
import sqlalchemy as sa
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
)

from orchestration import source_choice
from orchestration.dbt_manifest import monitors, trained_days
from orchestration.run_scope import MATURE_TAG, MONITOR_TAG
from orchestration.source_choice import SourceChoice
from python_metrics import settings
from python_metrics.errors import DriftmeterError
from python_metrics.inference.models import MODELS
from python_metrics.monitors.config import Days
from python_metrics.raw.labels import stale_since
from python_metrics.raw.sources import Source
from python_metrics.warehouse import connection

RAW = [dg.AssetKey(["raw", "trips"])]
PREDICTIONS = [dg.AssetKey(["raw", "predictions"])]
# Steps after dbt, each with one asset a monitor; performance of those that have a target.
PYTHON_STEPS = ("drift", "performance", "incidents")
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass(frozen=True)
class ChainRun:
    """What one run of the chain did."""

    days: Days
    monitors: tuple[str, ...]
    built_baseline: bool
    seconds: float
    source: Source


def run_chain(choice: SourceChoice, days: Days, only: str | None = None) -> ChainRun:
    """Load these days and take them through to drift.

    The baseline models are trained and the reference days built first if they are missing, or
    were made from another source.

    Parameters
    ----------
    choice : SourceChoice
        Where trips come from; remembered for later runs.
    days : Days
        First and last day.
    only : str, optional
        One monitor's name; None runs all.

    Raises
    ------
    DriftmeterError
        If the monitor is unknown, the source has none of the days, or a step fails.
    """
    started = time.perf_counter()
    if only is not None and only not in monitors():
        raise DriftmeterError(
            f"there is no monitor {only!r}", where="--monitor", fix=f"use one of {_names()}"
        )
    source = choice.open()
    _check_days(source, days)
    # From here on the choice decides, for downloaded months, which days are the reference.
    source_choice.remember(choice)
    needs_baseline = _needs_baseline(source, only)
    if needs_baseline:
        _build_baseline(source, only)
    _materialize(days, only, _daily_assets(only))
    return ChainRun(
        days=days,
        monitors=(only,) if only else tuple(monitors()),
        built_baseline=needs_baseline,
        seconds=time.perf_counter() - started,
        source=source,
    )


def replay(
    choice: SourceChoice, days: Days, every_seconds: float, only: str | None = None
) -> Iterator[ChainRun]:
    """Take the days through the chain one at a time, one every so many seconds.

    The course's demo loop: dashboards and Dagster's pages fill while one looks. Days that are
    fresh already are left out, so that a replay that was stopped goes on where it was.

    Yields
    ------
    ChainRun
        Each day's, as it is done.
    """
    count = (days.to_date - days.from_date).days + 1
    for day in (days.from_date + dt.timedelta(days=number) for number in range(count)):
        if _is_done(day, only):
            continue
        started = time.monotonic()
        yield run_chain(choice, Days(**{"from": day, "to": day}), only)
        time.sleep(max(0.0, every_seconds - (time.monotonic() - started)))


def run_stale(choice: SourceChoice, only: str | None = None) -> Iterator[ChainRun]:
    """Take days whose rows or labels changed since they were computed through the chain again.

    Days in a row are one run.

    Yields
    ------
    ChainRun
        Each run's, as it is done.
    """
    days = list(stale_since(connection.engine()))
    starts = [day for day in days if day - dt.timedelta(days=1) not in days]
    for start in starts:
        end = start
        while end + dt.timedelta(days=1) in days:
            end += dt.timedelta(days=1)
        yield run_chain(choice, Days(**{"from": start, "to": end}), only)


def _is_done(day: dt.date, only: str | None) -> bool:
    query = sa.text(
        "select count(*) from metrics.partitions where partition_date = :day"
        " and monitor = any(:monitors) and state in ('fresh', 'empty', 'missing')"
    )
    wanted = _wanted(only)
    with connection.engine().connect() as session:
        return session.scalar(query, {"day": day, "monitors": wanted}) == len(wanted)


def _names() -> str:
    return ", ".join(monitors())


def _check_days(source: Source, days: Days) -> None:
    have = source.days()
    if not any(day in days for day in have):
        span = f"{have[0]} to {have[-1]}" if have else "no day at all"
        raise DriftmeterError(
            f"the source has no day from {days.from_date} to {days.to_date}; it has {span}",
            where="--from, --to",
            fix="ask for days that it has",
        )


def _wanted(only: str | None) -> list[str]:
    return [only] if only else list(monitors())


def _needs_baseline(source: Source, only: str | None) -> bool:
    """Whether a monitor lacks a model or built reference days of this source."""
    modelled = sa.text(
        "select count(*) from metrics.model_versions"
        " where monitor = :monitor and is_active and data_source = :source"
    )
    built = sa.text(
        "select count(distinct partition_date) from raw.loads where source = :source"
        " and partition_date between :first and :last"
    )
    with connection.engine().connect() as session:
        for name in _wanted(only):
            reference = monitors()[name].reference
            span = {"first": reference.from_date, "last": reference.to_date}
            length = (reference.to_date - reference.from_date).days + 1
            if session.scalar(built, {"source": source.signature, **span}) != length:
                return True
            modelled_by = {"monitor": name, "source": source.signature}
            if name in MODELS and not session.scalar(modelled, modelled_by):
                return True
            if not _has_profile(session, name, span):
                return True
    return False


def _has_profile(session: sa.Connection, monitor: str, span: dict[str, dt.date]) -> bool:
    if not session.scalar(sa.text("select to_regclass('metrics.column_profile')")):
        return False
    query = sa.text(
        "select 1 from metrics.column_profile where monitor = :monitor"
        " and partition_date between :first and :last limit 1"
    )
    return session.scalar(query, {"monitor": monitor, **span}) is not None


def _build_baseline(source: Source, only: str | None) -> None:
    wanted = _wanted(only)
    references = [monitors()[name].reference for name in wanted]
    trained = [trained_days(name) for name in MODELS]
    have = source.days()
    if not any(day in span for span in references for day in have):
        raise DriftmeterError(
            f"the source has none of the reference days {references[0].from_date} to "
            f"{references[0].to_date}",
            where="reference, in dbt_project/models/inference/_inference.yml",
            fix="declare reference days that the source has",
        )
    first = min(span.from_date for span in trained + references)
    last = max(span.to_date for span in trained + references)
    _materialize(Days(**{"from": first, "to": last}), only, RAW, {MATURE_TAG: "true"})
    _run_job("baseline", {})
    reference = Days(
        **{
            "from": min(span.from_date for span in references),
            "to": max(span.to_date for span in references),
        }
    )
    _materialize(reference, only, PREDICTIONS + _dbt_assets())


def _dbt_assets() -> list[dg.AssetKey]:
    from orchestration.dbt_models import dbt_models

    return list(dbt_models.keys)


def _daily_assets(only: str | None) -> list[dg.AssetKey]:
    python = [
        dg.AssetKey([step, name])
        for step in PYTHON_STEPS
        for name in _wanted(only)
        if step != "performance" or monitors()[name].target
    ]
    return [*RAW, *PREDICTIONS, *_dbt_assets(), *python]


def _materialize(
    days: Days,
    only: str | None,
    assets: list[dg.AssetKey],
    more_tags: Mapping[str, str] | None = None,
) -> None:
    tags = {
        **(more_tags or {}),
        ASSET_PARTITION_RANGE_START_TAG: days.from_date.isoformat(),
        ASSET_PARTITION_RANGE_END_TAG: days.to_date.isoformat(),
        **({MONITOR_TAG: only} if only else {}),
    }
    _run_job("daily_chain", tags, assets)


def _run_job(name: str, tags: dict[str, str], assets: list[dg.AssetKey] | None = None) -> None:
    from orchestration.definitions import defs

    job = defs.resolve_job_def(name)
    with dg.DagsterInstance.get() as instance, _output_to_log():
        job.execute_in_process(
            run_config=QUIET, instance=instance, asset_selection=assets, tags=tags
        )


@contextlib.contextmanager
def _output_to_log() -> Iterator[None]:
    """dbt's lines go to a file: the terminal has the progress bars."""
    log = settings.home() / "logs" / "run.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a") as file, contextlib.redirect_stdout(file):
        yield
