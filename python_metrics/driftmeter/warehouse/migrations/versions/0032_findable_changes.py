"""What each monitor can find, as `driftmeter power` drew it last."""

from driftmeter.warehouse.migrations import run_files

revision = "0032"
down_revision = "0031"


def upgrade() -> None:
    """Add a table."""
    run_files(__file__)
