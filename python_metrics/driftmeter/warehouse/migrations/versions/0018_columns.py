"""Which columns each inference table had when it was last measured, and how they changed."""

from alembic import op

revision = "0018"
down_revision = "0017"

TABLES = (
    """
create table metrics.inference_columns (
    monitor text not null,
    column_name text not null,
    data_type text not null,
    primary key (monitor, column_name)
)
""",
    """
create table metrics.column_changes (
    monitor text not null,
    partition_date date not null,
    column_name text not null,
    change text not null check (change in ('added', 'removed', 'retyped')),
    old_type text,
    new_type text,
    noted_at timestamptz not null default now(),
    primary key (monitor, partition_date, column_name)
)
""",
)


def upgrade() -> None:
    """Make both tables."""
    for table in TABLES:
        op.execute(table)
