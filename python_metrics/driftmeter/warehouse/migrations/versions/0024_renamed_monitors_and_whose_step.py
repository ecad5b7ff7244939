"""History goes with a new name, each role notes its own step, and a day says it is measured."""

from driftmeter.warehouse.migrations import run_files

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    """Add a function and replace three."""
    run_files(__file__)
