"""Columns of text and of vectors: what is measured of them, and the words of the reference."""

from driftmeter.warehouse.migrations import let_dbt_fill, run_files

revision = "0034"
down_revision = "0033"


def upgrade() -> None:
    """Add a table that dbt fills, and functions that measure a text or a vector."""
    run_files(__file__)
    let_dbt_fill("reference_words", before="reference_bins")
