"""Under which alarm policy a day was judged, and an incident folded; null where nobody noted it."""

from alembic import op

revision = "0011"
down_revision = "0010"

TABLES = ("partitions", "incidents")


def upgrade() -> None:
    """Add a column to either table."""
    for table in TABLES:
        op.execute(f"alter table metrics.{table} add column policy_hash text")
