"""A column that stays away from the reference is shown as that, though it alarms no more."""

from alembic import op

revision = "0008"
down_revision = "0007"

DRIFT_SCORED = """
    create or replace view metrics.drift_scored as
    select
        drift.*,
        metrics.segment_label(segment, segment_value) as segment_label,
        case
            when status <> 'ok' then null
            when is_drifted or is_slow then greatest(score / nullif(threshold, 0), 1)
            else least(score / nullif(threshold, 0), 0.99)
        end as score_ratio,
        coalesce(is_drifted or is_slow, false) as is_away
    from metrics.drift
    where method in ('day_level', 'domain_classifier') and baseline = 'reference'
    """
MONITOR_STATE = """
    create or replace view metrics.monitor_state as
    select
        monitors.monitor,
        monitors.owner,
        case
            when newest.state is distinct from 'fresh' then coalesce(newest.state, 'missing')
            when found.drifted_columns > 0 or incidents.open_incidents > 0 then 'alarm'
            when found.away_columns > 0 then 'away'
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
        newest.computed_at,
        found.away_columns
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
            count(*) filter (where status = 'ok') as compared_columns,
            count(*) filter (where is_away) as away_columns
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
    """


def upgrade() -> None:
    """Replace both views; what they had keeps its name and place."""
    op.execute(DRIFT_SCORED)
    op.execute(MONITOR_STATE)


def downgrade() -> None:
    """Make the views of 0003 anew, by its own statements."""
    from importlib import import_module

    before = import_module("python_metrics.warehouse.migrations.versions.0003_calibrated_alarms")
    op.execute("drop view metrics.monitor_state")
    op.execute("drop view metrics.drift_scored")
    for statement in before.STATEMENTS:
        if "create view" in statement:
            op.execute(statement)
    op.execute(f"grant select on metrics.drift_scored, metrics.monitor_state to {before.READER}")
