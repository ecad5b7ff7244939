"""What a measured day held: by it one tells late labels from late rows."""

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the number of labels, and the fingerprint of all but them."""
    op.execute(
        "alter table metrics.partitions"
        " add column labelled_count bigint, add column inputs_fingerprint text"
    )
