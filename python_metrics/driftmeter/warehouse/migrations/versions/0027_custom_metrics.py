"""Metrics of a team's own: their values, the columns that they read, and what is decided."""

from driftmeter.warehouse.migrations import let_dbt_fill, run_files

revision = "0027"
down_revision = "0025"


def upgrade() -> None:
    """Add two tables and two functions."""
    run_files(__file__)
    let_dbt_fill("custom_metrics", before="column_summary")
