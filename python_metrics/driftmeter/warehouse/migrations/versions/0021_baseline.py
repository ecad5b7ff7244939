"""The metrics schema: the files of 0021_baseline, in the order in which a day's data visits it.

It has the revision of the newest of the migrations whose work it does: a warehouse that those
brought to 0021 has this schema already, and goes on from here. Whatever changes the schema later is
a file after this one, with the next number; these files are never changed. One that makes a table
calls `metrics.grant_roles()`.
"""

import re
from pathlib import Path

from alembic import op

from driftmeter import settings

revision = "0021"
down_revision = None

FILES = sorted(Path(__file__).with_suffix("").glob("*.sql"))


def upgrade() -> None:
    """Make tables, functions and roles in the schema, whatever its name."""
    for file in FILES:
        statements = re.sub(r"\bmetrics\b", settings.metrics_schema(), file.read_text())
        # The driver takes a percent sign for a parameter.
        op.get_bind().exec_driver_sql(statements.replace("%", "%%"))
