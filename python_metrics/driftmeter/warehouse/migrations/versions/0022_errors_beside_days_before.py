"""What an error is judged by beside the days before it, and the reference's own days."""

from alembic import op

revision = "0022"
down_revision = "0021"

STATEMENTS = """
alter table metrics.performance
add column expected double precision,
add column deviation double precision;

-- How far each reference day's error was from what the reference expects of it. The first
-- judged days are held against these too.
create table metrics.reference_errors (
    monitor text not null,
    partition_date date not null,
    kind text not null check (kind in ('realised', 'estimated')),
    metric text not null,
    difference double precision not null,
    deviation double precision not null,
    primary key (monitor, partition_date, kind, metric)
);
select metrics.grant_roles();
"""


def upgrade() -> None:
    """Add the two columns and the table."""
    op.execute(STATEMENTS)
