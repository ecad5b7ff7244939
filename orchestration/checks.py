"""Asset checks: what a person on call should see in the Dagster UI without opening a table."""

import dagster as dg
import sqlalchemy as sa

from orchestration.resources import Warehouse
from python_metrics.monitors.config import Monitor


def drift_check(monitor: Monitor) -> dg.AssetChecksDefinition:
    """A warning on a monitor whose newest day has no rows or has drifted columns."""

    @dg.asset_check(
        asset=dg.AssetKey(["drift", monitor.name]),
        name="newest_day_is_calm",
        description="No column of the newest day is beyond its threshold, and the day has rows.",
    )
    def newest_day_is_calm(warehouse: Warehouse) -> dg.AssetCheckResult:
        query = sa.text(
            "select partition_date::text as day, state,"
            " array_remove(array_agg(column_name) filter (where is_drifted), null) as drifted"
            " from metrics.partitions left join metrics.drift_scored"
            " using (monitor, partition_date) where monitor = :monitor"
            " group by partition_date, state order by partition_date desc limit 1"
        )
        with warehouse.engine().connect() as connection:
            newest = connection.execute(query, {"monitor": monitor.name}).mappings().first()
        if newest is None:
            return dg.AssetCheckResult(
                passed=False, severity=dg.AssetCheckSeverity.WARN, description="No day yet."
            )
        drifted = newest["drifted"] or []
        return dg.AssetCheckResult(
            passed=newest["state"] == "fresh" and not drifted,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={
                "day": newest["day"],
                "state": newest["state"],
                "drifted columns": ", ".join(drifted) or "none",
            },
        )

    return newest_day_is_calm
