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


def downgrade() -> None:
    """Drop them."""
    for column in ("labelled_count", "inputs_fingerprint"):
        op.execute(f"alter table metrics.partitions drop column {column}")
