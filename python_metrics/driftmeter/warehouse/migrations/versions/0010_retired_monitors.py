"""A monitor that is no longer declared is retired: its history stays, its state and alerts end."""

from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Note which project declares a monitor, and when it no longer did."""
    op.execute(
        "alter table metrics.monitors add column project text, add column retired_at timestamptz"
    )
