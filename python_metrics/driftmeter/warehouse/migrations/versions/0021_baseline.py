"""The metrics schema: the files of 0021_baseline, in the order in which a day's data visits it.

It has the revision of the newest of the migrations whose work it does: a warehouse that those
brought to 0021 has this schema already, and goes on from here. Whatever changes the schema later is
a file after this one, with the next number; these files are never changed. One that makes a table
calls `metrics.grant_roles()`.
"""

from driftmeter.warehouse.migrations import run_files

revision = "0021"
down_revision = None


def upgrade() -> None:
    """Make tables, functions and roles in the schema, whatever its name."""
    run_files(__file__)
