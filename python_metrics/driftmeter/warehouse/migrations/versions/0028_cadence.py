"""How often each monitor's batches are scored."""

from driftmeter.warehouse.migrations import run_files

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    """Add a column."""
    run_files(__file__)
