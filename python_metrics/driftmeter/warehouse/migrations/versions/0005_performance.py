"""A history of a model's performance: what was measured, and when."""

from alembic import op

revision = "0005"
down_revision = "0004"

STATEMENTS = [
    """
    alter table metrics.performance
        add column reference_value double precision,
        add column row_count bigint,
        add column p_value double precision,
        add column config_hash text
    """,
    # Every value that a row of metrics.performance ever had, and that it is gone.
    """
    create table metrics.performance_history (
        history_id bigint generated always as identity primary key,
        monitor text not null,
        model_version text,
        partition_date date not null,
        segment text,
        segment_value text,
        metric text not null,
        kind text not null check (kind in ('realised', 'estimated')),
        value double precision,
        lower double precision,
        upper double precision,
        label_coverage double precision,
        state text not null check (state in ('provisional', 'final', 'withdrawn')),
        believed_from timestamptz not null default clock_timestamp()
    )
    """,
    "create index performance_history_of on metrics.performance_history"
    " (monitor, partition_date, metric, kind, believed_from)",
    """
    create function metrics.refuse_change() returns trigger language plpgsql as $$
    begin
        raise exception 'metrics.performance_history is only added to';
    end
    $$
    """,
    """
    create trigger only_added_to before update or delete or truncate
    on metrics.performance_history for each statement execute function metrics.refuse_change()
    """,
    # What the table held at a moment: the newest row of each key by then.
    """
    create function metrics.performance_as_of(moment timestamptz)
    returns setof metrics.performance_history language sql stable as $$
        select believed.* from (
            select distinct on (
                monitor, partition_date, model_version, segment, segment_value, metric, kind
            ) *
            from metrics.performance_history
            where believed_from <= moment
            order by
                monitor, partition_date, model_version, segment, segment_value, metric, kind,
                history_id desc
        ) as believed
        where believed.state <> 'withdrawn'
    $$
    """,
]


def upgrade() -> None:
    """Add the history and its reader."""
    for statement in STATEMENTS:
        op.execute(statement)
