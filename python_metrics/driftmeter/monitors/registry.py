"""Writes monitors to the metrics schema, for readers that do not see their YAML."""

import sqlalchemy as sa

from driftmeter.monitors.config import Monitor

MONITOR = sa.text(
    "insert into metrics.monitors (monitor, owner, task, timezone, reference_from, reference_to,"
    " false_alarms_per_month, config_hash, project, page, digest, every, value_unit)"
    " values (:monitor, :owner, :task, :timezone, :reference_from, :reference_to, :budget, :config,"
    " nullif(:project, ''), :page, :digest, :every, :value_unit)"
    " on conflict (monitor) do update set owner = excluded.owner, task = excluded.task,"
    " timezone = excluded.timezone, reference_from = excluded.reference_from,"
    " reference_to = excluded.reference_to,"
    " false_alarms_per_month = excluded.false_alarms_per_month,"
    " config_hash = excluded.config_hash, project = excluded.project, page = excluded.page,"
    " digest = excluded.digest, every = excluded.every, value_unit = excluded.value_unit,"
    " retired_at = null,"
    " computed_at = now()"
)
FORGET_COLUMNS = sa.text("delete from metrics.monitored_columns where monitor = :monitor")
COLUMN = sa.text(
    "insert into metrics.monitored_columns"
    " (monitor, column_name, role, kind, unit, range_low, range_high)"
    " values (:monitor, :column_name, :role, :kind, :unit, :low, :high)"
)


def register(engine: sa.Engine, monitor: Monitor) -> None:
    """Write a monitor's row and one for each of its columns; replaces what was there.

    A monitor that was retired is so no longer.
    """
    roles = {monitor.prediction: "prediction", monitor.target: "target"}
    with engine.begin() as connection:
        connection.execute(
            MONITOR,
            {
                "monitor": monitor.name,
                "owner": monitor.owner,
                "task": monitor.task,
                "timezone": monitor.timezone,
                "reference_from": monitor.reference.from_date,
                "reference_to": monitor.reference.to_date,
                "budget": monitor.alarm_budget.false_alarms_per_month,
                "config": monitor.config_hash,
                "project": monitor.project,
                "page": list(monitor.notify.page),
                "digest": monitor.notify.digest,
                "every": monitor.every,
                "value_unit": monitor.value and monitor.value.unit,
            },
        )
        connection.execute(FORGET_COLUMNS, {"monitor": monitor.name})
        columns = [
            {
                "monitor": monitor.name,
                "column_name": name,
                "role": roles.get(name, "feature"),
                "kind": column.kind,
                "unit": column.unit,
                "low": column.range[0] if column.range else None,
                "high": column.range[1] if column.range else None,
            }
            for name, column in monitor.columns.items()
        ]
        connection.execute(COLUMN, columns)
