"""A verdict says which known event its day is part of."""

from driftmeter.warehouse.migrations import run_files

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    """Add a column."""
    run_files(__file__)
