"""What was loaded is the business of whoever loads: the views over it leave the metrics schema."""

from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Drop the views over tables of the raw schema; the tables stay."""
    for view in ("load_balance", "rejections", "loads"):
        op.execute(f"drop view if exists metrics.{view}")
