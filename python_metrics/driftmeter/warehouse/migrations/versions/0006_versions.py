"""Challengers: versions that score beside the active one, and how they compare."""

from alembic import op

revision = "0006"
down_revision = "0005"

STATEMENTS = [
    "alter table metrics.model_versions add column is_challenger boolean not null default false",
    # Row by row on the same labelled rows; below 0 the challenger is better.
    """
    create table metrics.version_comparisons (
        monitor text not null,
        champion text not null,
        challenger text not null,
        partition_date date not null,
        metric text not null,
        row_count bigint not null,
        champion_value double precision not null,
        challenger_value double precision not null,
        difference double precision not null,
        lower double precision,
        upper double precision,
        computed_at timestamptz not null default now(),
        primary key (monitor, champion, challenger, partition_date)
    )
    """,
]


def upgrade() -> None:
    """Add the tables, and what tells a challenger."""
    for statement in STATEMENTS:
        op.execute(statement)
