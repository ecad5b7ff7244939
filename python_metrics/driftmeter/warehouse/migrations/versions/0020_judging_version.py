"""By which version of the judging each day was judged; null: by one that did not say so yet."""

from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Add a column to the days."""
    op.execute("alter table metrics.partitions add column judging_version integer")
