"""Groups that must be treated alike: their counts, and what is decided of their differences."""

from driftmeter.warehouse.migrations import let_dbt_fill, run_files

revision = "0031"
down_revision = "0030"


def upgrade() -> None:
    """Add two tables."""
    run_files(__file__)
    let_dbt_fill("group_counts", before="custom_metrics")
