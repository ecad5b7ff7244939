"""What a calibrated verdict says beside its score, and views that read these verdicts."""

from alembic import op

revision = "0003"
down_revision = "0002"

READER = "driftmeter_reader"
# A ratio of 1 and above is an alarm, and nothing else is: what is significant but small or not new
# stays below.
DRIFT_SCORED = """
    create view metrics.drift_scored as
    select
        drift.*,
        metrics.segment_label(segment, segment_value) as segment_label,
        case
            when is_drifted then greatest(score / nullif(threshold, 0), 1)
            else least(score / nullif(threshold, 0), 0.99)
        end as score_ratio
    from metrics.drift
    where method in ('day_level', 'domain_classifier') and baseline = 'reference'
    """
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
    "drop view metrics.monitor_state",
    "drop view metrics.drift_scored",
    DRIFT_SCORED,
    """
    create view metrics.monitor_state as
    select
        monitors.monitor,
        monitors.owner,
        case
            when newest.state is distinct from 'fresh' then coalesce(newest.state, 'missing')
            when found.drifted_columns > 0 or incidents.open_incidents > 0 then 'alarm'
            else 'calm'
        end as state,
        newest.partition_date as newest_day,
        (
            select max(partitions.partition_date) from metrics.partitions
            where partitions.monitor = monitors.monitor and partitions.state = 'fresh'
        ) as last_fresh_day,
        newest.row_count,
        found.drifted_columns,
        found.compared_columns,
        incidents.open_incidents,
        (
            select count(distinct drift.partition_date) from metrics.drift_scored as drift
            where
                drift.monitor = monitors.monitor
                and drift.column_name is not null
                and drift.is_drifted
                and drift.partition_date
                between date_trunc('month', newest.partition_date)::date and newest.partition_date
        ) as alarm_days_this_month,
        monitors.false_alarms_per_month as alarm_budget,
        newest.computed_at
    from metrics.monitors
    left join lateral (
        select partition_date, state, row_count, computed_at from metrics.partitions
        where partitions.monitor = monitors.monitor
        order by partition_date desc
        limit 1
    ) as newest on true
    left join lateral (
        select
            count(*) filter (where is_drifted) as drifted_columns,
            count(*) filter (where status = 'ok') as compared_columns
        from metrics.drift_scored as drift
        where
            drift.monitor = monitors.monitor
            and drift.partition_date = newest.partition_date
            and drift.segment is null
            and drift.column_name is not null
    ) as found on true
    left join lateral (
        select count(*) as open_incidents from metrics.incidents
        where incidents.monitor = monitors.monitor and incidents.closed_on is null
    ) as incidents on true
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
    f"grant select on metrics.drift_scored, metrics.monitor_state to {READER}",
]


def upgrade() -> None:
    """Add columns and make the views anew."""
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Drop the verdicts; the views of 0002 are made anew by its own statements."""
    from importlib import import_module

    before = import_module("python_metrics.warehouse.migrations.versions.0002_dashboards")
    op.execute("delete from metrics.drift where method in ('day_level', 'domain_classifier')")
    op.execute("drop view metrics.monitor_state")
    op.execute("drop view metrics.drift_scored")
    op.execute("drop index metrics.drift_of_segment")
    op.execute("drop index metrics.drift_alarms")
    for column in ("statistic", "unit", "observed", "expected", "trailing_p_value", "is_slow"):
        op.execute(f"alter table metrics.drift drop column {column}")
    for statement in before.STATEMENTS:
        if "view metrics.drift_scored" in statement or "view metrics.monitor_state" in statement:
            op.execute(statement)
    op.execute(f"grant select on metrics.drift_scored, metrics.monitor_state to {READER}")
