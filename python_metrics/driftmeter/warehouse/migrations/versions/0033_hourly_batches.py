"""The instant at which each batch begins, beside its day: an hour is known by it."""

from driftmeter.warehouse.migrations import run_files

revision = "0033"
down_revision = "0032"


def upgrade() -> None:
    """Add columns, fill them, and let them be part of what identifies a batch."""
    run_files(__file__)
