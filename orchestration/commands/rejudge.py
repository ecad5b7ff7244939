"""Judges days again whose verdicts rest on an incident that was just acknowledged or excluded."""

import datetime as dt

import sqlalchemy as sa

from orchestration.dbt_manifest import monitors
from python_metrics import settings


def rejudge(engine: sa.Engine, name: str, since: dt.date) -> None:
    """Judge the monitor's computed days from a day on, and fold its incidents anew."""
    from python_metrics.calibration.detect import computed_days, detect
    from python_metrics.incidents.update import update_incidents

    monitor = monitors()[name]
    with engine.begin() as connection:
        days = computed_days(connection, monitor, since, dt.date.max)
        config_hash = connection.execute(
            sa.text(
                "select config_hash from metrics.partitions where monitor = :monitor"
                " and partition_date between :since and :last order by partition_date desc limit 1"
            ),
            {"monitor": name, "since": since, "last": dt.date.max},
        ).scalar()
    if not days or config_hash is None:
        return
    detect(engine, monitor, config_hash, days, settings.home() / "calibration")
    update_incidents(engine, monitor, days)
