"""What a day's trips were when they were loaded, so that no load reads them back."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the hash of a day's trips, the same in each row of the day."""
    op.execute("alter table raw.loads add column if not exists fingerprint text")
