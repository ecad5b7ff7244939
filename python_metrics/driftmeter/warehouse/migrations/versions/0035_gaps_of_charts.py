"""Where a line of a chart is interrupted: at the first batch that is missing."""

from driftmeter.warehouse.migrations import run_files

revision = "0035"
down_revision = "0034"


def upgrade() -> None:
    """Add a function."""
    run_files(__file__)
