"""Asset checks, which show problems of a run in Dagster's UI."""

import dagster as dg
import sqlalchemy as sa

from dagster_driftmeter.runs.resources import Warehouse
from dagster_driftmeter.runs.run_scope import days_of_tags
from driftmeter.monitors.config import Monitor
from driftmeter.warehouse.connection import of_monitor

# The days of the run; of a check that is run by itself, the newest day.
DAYS = sa.text(
    "select partition_date::text as day, drift_state as state, coalesce(array_agg("
    "coalesce(column_name, 'all columns together')"
    " || case when segment is null then '' else ' where ' || segment_label end"
    " order by score_ratio desc) filter (where is_drifted), '{}') as drifted"
    " from metrics.partitions left join metrics.drift_scored using (monitor, partition_date)"
    " where monitor = :monitor and partition_date between coalesce(cast(:first as date), (select"
    " max(partition_date) from metrics.partitions where monitor = :monitor)) and coalesce("
    "cast(:last as date), 'infinity') group by partition_date, drift_state order by partition_date"
)


def drift_check(monitor: Monitor) -> dg.AssetChecksDefinition:
    """A check that warns if a day of the run is not fresh or has drifted columns."""

    @dg.asset_check(
        asset=dg.AssetKey(["drift", monitor.name]),
        name="days_are_calm",
        description="Passes if every day of the run is fresh and no column drifted on it.",
    )
    def days_are_calm(
        context: dg.AssetCheckExecutionContext, warehouse: Warehouse
    ) -> dg.AssetCheckResult:
        span = days_of_tags(context.run.tags)
        values = {
            "monitor": monitor.name,
            "first": span.from_date if span else None,
            "last": span.to_date if span else None,
        }
        with of_monitor(warehouse.engine(), monitor).connect() as connection:
            days = connection.execute(DAYS, values).all()
        not_fresh = [f"{row.day} {row.state}" for row in days if row.state != "fresh"]
        drifted = [f"{row.day} {', '.join(row.drifted)}" for row in days if row.drifted]
        return dg.AssetCheckResult(
            passed=bool(days) and not not_fresh and not drifted,
            severity=dg.AssetCheckSeverity.WARN,
            description=None if days else "No day has been measured yet.",
            metadata={
                "days": len(days),
                "not fresh": "; ".join(not_fresh) or "none",
                "drifted columns": "; ".join(drifted) or "none",
            },
        )

    return days_are_calm
