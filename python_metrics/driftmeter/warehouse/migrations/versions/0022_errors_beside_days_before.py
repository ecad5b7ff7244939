"""What an error is judged by beside the days before it, and the reference's own days."""

from driftmeter.warehouse.migrations import run_files

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    """Add the two columns and the table."""
    run_files(__file__)
