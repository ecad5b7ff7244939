"""Views of the metrics schema: what dashboards, alert rules and commands read, a file each."""

import hashlib
from pathlib import Path

import sqlalchemy as sa

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
    "not_judged",
    "monitor_state",
    "incident_alerts",
    "partition_alerts",
    "freshness",
)
# A comment on the last view says what all were made of.
COMMENT = sa.text("select obj_description(to_regclass('metrics.freshness'), 'pg_class')")


def upgrade_views(connection: sa.Connection, revision: str) -> None:
    """Make the views as their files say, if they are not; all in the connection's transaction.

    Parameters
    ----------
    revision : str
        Revision of the tables. Views are made anew after every other one, since one that selects
        all columns of a table does not see those that are added later.
    """
    bodies = {name: (DIRECTORY / f"{name}.sql").read_text() for name in VIEWS}
    content = hashlib.sha256("".join([revision, *bodies.values()]).encode()).hexdigest()
    if connection.scalar(COMMENT) == content:
        return
    for name in reversed(VIEWS):
        connection.exec_driver_sql(f"drop view if exists metrics.{name}")
    for name, body in bodies.items():
        # The driver takes a percent sign for a parameter.
        connection.exec_driver_sql(f"create view metrics.{name} as\n{body}".replace("%", "%%"))
    connection.exec_driver_sql(f"comment on view metrics.{VIEWS[-1]} is '{content}'")
