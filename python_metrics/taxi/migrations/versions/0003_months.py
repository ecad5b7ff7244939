"""Tables with a row a trip are split by month."""

from alembic import op

revision = "0003"
down_revision = "0002"

SPLIT = ("trips", "rejected_trips", "predictions", "challenger_predictions", "late_labels")
# dbt makes them anew in every run.
VIEWS_OF_DBT = ("stg_labels", "stg_challenger_predictions", "stg_predictions", "stg_trips")


def upgrade() -> None:
    """Split the tables; dbt's views over them would go on reading what they were."""
    for view in VIEWS_OF_DBT:
        op.execute(f"drop view if exists staging.{view}")
    for table in SPLIT:
        op.execute(f"select metrics.split_by_month('raw.{table}')")
