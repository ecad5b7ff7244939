"""A migration after the newest, as the next change of the schema will be one."""

import shutil
from pathlib import Path

from driftmeter.warehouse.migrate import Migrations, metrics_migrations

# A column that a view of all columns shows, and a table that every role gets its rights on.
NEXT = '''"""What the next version adds."""

from alembic import op

revision = "{revision}"
down_revision = "{newest}"


def upgrade() -> None:
    op.execute("alter table metrics.drift add column weather text default 'fair'")
    op.execute("create table metrics.forecasts (monitor text primary key)")
    op.execute("select metrics.grant_roles()")
'''


def with_next(directory: Path) -> Migrations:
    """Today's migrations and one on top, in a directory of their own."""
    today = metrics_migrations()
    newest = today.known()[0]
    revision = f"{int(newest) + 1:04}"
    versions = directory / "versions"
    shutil.copytree(today.versions, versions)
    (versions / f"{revision}_next.py").write_text(NEXT.format(revision=revision, newest=newest))
    return Migrations(versions, today.schema)
