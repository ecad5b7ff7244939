"""What an error is decided by, and which incidents are told at once."""

from driftmeter.warehouse.migrations import run_files

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    """Add three columns and two."""
    run_files(__file__)
