"""Groups that must be treated alike: their counts, and what is decided of their differences."""

from driftmeter.warehouse.migrations import run_files

revision = "0031"
down_revision = "0030"


def upgrade() -> None:
    """Add two tables."""
    run_files(__file__)
