"""The example's asset check, which counts the rows of each file."""

import dagster as dg
import sqlalchemy as sa

from dagster_driftmeter.runs.resources import Warehouse
from dagster_taxi.raw_assets import raw_trips


@dg.asset_check(
    asset=raw_trips,
    description="Passes if every row of each file was loaded, rejected, or not asked for.",
)
def loads_balance(warehouse: Warehouse) -> dg.AssetCheckResult:
    """Compare the rows of each file with those loaded, rejected, or of days not asked for."""
    query = sa.text(
        "select source_file, rows_in_file, loaded::bigint, rejected::bigint,"
        " on_days_not_loaded::bigint"
        " from raw.load_balance where on_days_not_loaded < 0"
        " or rows_in_file <> loaded + rejected + on_days_not_loaded"
    )
    with warehouse.engine().connect() as connection:
        wrong = [dict(row) for row in connection.execute(query).mappings()]
    return dg.AssetCheckResult(passed=not wrong, metadata={"files": dg.MetadataValue.json(wrong)})
