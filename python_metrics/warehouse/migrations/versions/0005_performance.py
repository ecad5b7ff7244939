"""What was believed of a model's performance, and when."""

from alembic import op

revision = "0005"
down_revision = "0004"

STATEMENTS = [
    # Labels that a trip does not come with; null: it never has one.
    """
    create table raw.late_labels (
        partition_date date not null,
        trip_id bigint not null,
        lands_on date,
        primary key (partition_date, trip_id)
    )
    """,
    # By which day a partition's labels were taken in.
    """
    create table raw.labels_taken (
        partition_date date primary key,
        taken_on date not null
    )
    """,
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
    # What was believed at a moment: the newest row of each key by then.
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
    # How far estimates can be trusted: those of final days, beside what came true.
    """
    create view metrics.estimate_track_record as
    select
        estimated.monitor,
        estimated.metric,
        estimated.segment,
        estimated.segment_value,
        count(*) as days,
        avg((realised.value between estimated.lower and estimated.upper)::integer) as share_inside,
        avg(abs(estimated.value - realised.value)) as mean_distance,
        avg(abs(realised.reference_value - realised.value)) as mean_distance_of_reference
    from metrics.performance as estimated
    inner join metrics.performance as realised
        on
            estimated.monitor = realised.monitor
            and estimated.partition_date = realised.partition_date
            and estimated.metric = realised.metric
            and estimated.model_version is not distinct from realised.model_version
            and estimated.segment is not distinct from realised.segment
            and estimated.segment_value is not distinct from realised.segment_value
    where
        estimated.kind = 'estimated'
        and realised.kind = 'realised'
        and realised.state = 'final'
        and estimated.lower is not null
        and realised.value is not null
    group by 1, 2, 3, 4
    """,
]


def upgrade() -> None:
    """Add the history, its reader, and the track record of estimates."""
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Drop them; metrics.performance keeps the contract's columns."""
    op.execute("drop view metrics.estimate_track_record")
    op.execute("drop function metrics.performance_as_of(timestamptz)")
    op.execute("drop table metrics.performance_history")
    op.execute("drop function metrics.refuse_change()")
    op.execute("drop table raw.late_labels, raw.labels_taken cascade")
    for column in ("reference_value", "row_count", "p_value", "config_hash"):
        op.execute(f"alter table metrics.performance drop column {column}")
