"""What a calibrated verdict says beside its score."""

from alembic import op

revision = "0003"
down_revision = "0002"

STATEMENTS = [
    """
    alter table metrics.drift
        add column statistic text,
        add column unit text,
        add column observed double precision,
        add column expected double precision,
        add column trailing_p_value double precision,
        add column is_slow boolean
    """,
    # What a dashboard asks: one monitor, its segment, its columns, a span of days.
    """
    create index drift_of_segment on metrics.drift
    (monitor, metrics.segment_label(segment, segment_value), column_name, partition_date)
    where method in ('day_level', 'domain_classifier')
    """,
    """
    create index drift_alarms on metrics.drift (monitor, partition_date)
    where method in ('day_level', 'domain_classifier') and is_drifted
    """,
]


def upgrade() -> None:
    """Add columns, and indexes over verdicts."""
    for statement in STATEMENTS:
        op.execute(statement)
