"""A verdict says which known event its day is of, and how many days it was compared with."""

from driftmeter.warehouse.migrations import run_files

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    """Add two columns."""
    run_files(__file__)
