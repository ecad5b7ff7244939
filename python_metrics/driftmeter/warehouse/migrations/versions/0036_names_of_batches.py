"""What pages call weeks and months, and how Dagster's pages know a batch."""

from driftmeter.warehouse.migrations import run_files

revision = "0036"
down_revision = "0035"


def upgrade() -> None:
    """Run the file of SQL beside this one."""
    run_files(__file__)
