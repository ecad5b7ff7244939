"""Which classes a monitor of several classes predicts for which."""

from driftmeter.warehouse.migrations import run_files

revision = "0030"
down_revision = "0028"


def upgrade() -> None:
    """Add a table."""
    run_files(__file__)
