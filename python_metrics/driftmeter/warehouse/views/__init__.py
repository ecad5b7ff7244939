"""Views of the metrics schema: what dashboards, alert rules and commands read, a file each."""

import hashlib
from pathlib import Path

import sqlalchemy as sa

from driftmeter.warehouse.schema import HOURLY, by_hour

DIRECTORY = Path(__file__).parent
# A view reads tables, and views before it.
VIEWS = (
    "column_profile",
    "column_histogram",
    "drift_scored",
    "model_version_starts",
    "partition_calendar",
    "alarms",
    "alarm_days",
    "failing_tests",
    "drift_ranking",
    "estimate_track_record",
    "class_performance",
    "findable_sizes",
    "not_judged",
    "monitor_state",
    "incident_alerts",
    "partition_alerts",
    "freshness",
)
# What holds the day of a batch, and what holds the instant at which it begins.
STARTS = {
    "partition_date": "partition_start",
    "opened_on": "opened_start",
    "last_seen_on": "last_seen_start",
    "closed_on": "closed_start",
    "on_date": "on_start",
    "newest_day": "newest_start",
    "last_fresh_day": "last_fresh_start",
    "first_day": "first_start",
}
# Under the name of the day, of an hourly monitor, is its start; the day beside it is `on_day`.
DAY = "on_day"
# A comment on the last view says what all were made of.
COMMENT = sa.text("select obj_description(to_regclass('metrics.freshness'), 'pg_class')")
COLUMNS = (
    "select array_agg(attname order by attnum) from pg_attribute"
    " where attrelid = to_regclass('metrics.{0}') and attnum > 0 and not attisdropped"
)
WRITERS = ("driftmeter_writer", "driftmeter_transformer")


def upgrade_views(connection: sa.Connection, revision: str) -> None:
    """Make the views as their files say, if they are not; all in the connection's transaction.

    Parameters
    ----------
    revision : str
        Revision of the tables. Views are made anew after every other one, since one that selects
        all columns of a table does not see those that are added later.
    """
    bodies = {name: (DIRECTORY / f"{name}.sql").read_text() for name in VIEWS}
    hourly = "".join(sorted(HOURLY))
    content = hashlib.sha256("".join([revision, *bodies.values(), hourly]).encode()).hexdigest()
    if connection.scalar(COMMENT) == content:
        return
    for name in HOURLY:
        connection.exec_driver_sql(f"drop view if exists metrics.{by_hour(name)}")
    for name in reversed(VIEWS):
        connection.exec_driver_sql(f"drop view if exists metrics.{name}")
    for name, body in bodies.items():
        # The driver takes a percent sign for a parameter.
        connection.exec_driver_sql(f"create view metrics.{name} as\n{body}".replace("%", "%%"))
    for name in sorted(HOURLY):
        _view_by_hour(connection, name)
    connection.exec_driver_sql(f"comment on view metrics.{VIEWS[-1]} is '{content}'")


def _view_by_hour(connection: sa.Connection, name: str) -> None:
    """A relation as statements on hourly monitors read and write it: batches by their start.

    Rights are those of whoever asks, on the relation itself.
    """
    names = connection.exec_driver_sql(COLUMNS.format(name)).scalar_one()
    columns = [f"{STARTS[column]} as {column}" if column in STARTS else column for column in names]
    if "partition_date" in names:
        columns.append(f"partition_date as {DAY}")
    view = f"metrics.{by_hour(name)}"
    connection.exec_driver_sql(
        f"create view {view} with (security_invoker = true) as select {', '.join(columns)}"
        f" from metrics.{name}"
    )
    for role in WRITERS:
        if connection.scalar(sa.text("select to_regrole(:role)"), {"role": role}) is not None:
            connection.exec_driver_sql(f"grant select, insert, update, delete on {view} to {role}")
