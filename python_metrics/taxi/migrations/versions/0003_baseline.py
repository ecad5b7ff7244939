"""The schema raw: trips, labels and predictions of the example, as 0003_baseline.sql has them.

It has the revision of the newest of the migrations whose work it does: a warehouse that those
brought to 0003 has these tables already, and goes on from here.
"""

from pathlib import Path

from alembic import op

revision = "0003"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    statements = Path(__file__).with_suffix(".sql").read_text()
    # The driver takes a percent sign for a parameter.
    op.get_bind().exec_driver_sql(statements.replace("%", "%%"))
