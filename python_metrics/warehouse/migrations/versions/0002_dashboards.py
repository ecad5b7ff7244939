"""What dashboards and alert rules read: monitors, views, indexes, and a role that may only read."""

from alembic import op

revision = "0002"
down_revision = "0001"

READER = "driftmeter_reader"

# A role belongs to the whole server: another warehouse may have made it already. Whoever migrates
# may lack the right to make roles, and an administrator does it then.
ROLE = f"""
do $$
begin
    if not exists (select from pg_roles where rolname = '{READER}') then
        create role {READER} login;
        alter role {READER} set default_transaction_read_only = on;
        alter role {READER} set statement_timeout = '30s';
        alter role {READER} set timezone = 'UTC';
    end if;
exception
    -- Two warehouses of one server are migrated at once.
    when duplicate_object or unique_violation then null;
end
$$
"""

STATEMENTS = [
    # Midnight of a day as Grafana's charts have it, with dashboards in UTC: a browser in any time
    # zone shows the point on its own day.
    """
    create function metrics.chart_time(day date) returns timestamptz
    language sql immutable parallel safe
    return day::timestamp at time zone 'UTC'
    """,
    """
    create function metrics.segment_label(segment text, segment_value text) returns text
    language sql immutable parallel safe
    return case
        when segment is null then 'all rows'
        else segment || ' = ' || coalesce(segment_value, '(missing)')
    end
    """,
    """
    create table metrics.monitors (
        monitor text primary key,
        owner text not null,
        task text not null,
        timezone text not null,
        reference_from date not null,
        reference_to date not null,
        false_alarms_per_month double precision not null,
        config_hash text not null,
        computed_at timestamptz not null default now()
    )
    """,
    """
    create table metrics.monitored_columns (
        monitor text not null references metrics.monitors on delete cascade,
        column_name text not null,
        role text not null check (role in ('feature', 'prediction', 'target')),
        kind text not null check (kind in ('numerical', 'categorical')),
        unit text,
        range_low double precision,
        range_high double precision,
        primary key (monitor, column_name)
    )
    """,
    # 1 is the threshold, for distances and for probabilities alike.
    """
    create view metrics.drift_scored as
    select
        drift.*,
        metrics.segment_label(segment, segment_value) as segment_label,
        case
            when method like '%p_value'
                then ln(greatest(score, 1e-300)) / ln(nullif(threshold, 1))
            else score / nullif(threshold, 0)
        end as score_ratio
    from metrics.drift
    """,
    """
    create view metrics.model_version_starts as
    select monitor, model_version, min(partition_date) as first_day
    from metrics.drift
    where column_name is null and segment is null and model_version is not null
    group by monitor, model_version
    """,
    # Every day from a monitor's first to its last: a day nobody ever computed is missing too.
    """
    create view metrics.partition_calendar as
    select
        spans.monitor,
        days.day::date as partition_date,
        coalesce(partitions.state, 'missing') as state,
        coalesce(
            partitions.reason,
            case when partitions.state is null then 'nobody ever computed this day' end
        ) as reason,
        partitions.row_count,
        partitions.duration_seconds,
        partitions.computed_at
    from (
        select monitor, min(partition_date) as first_day, max(partition_date) as last_day
        from metrics.partitions
        group by monitor
    ) as spans
    cross join lateral
        generate_series(spans.first_day::timestamp, spans.last_day, interval '1 day') as days (day)
    left join metrics.partitions
        on
            spans.monitor = partitions.monitor
            and days.day::date = partitions.partition_date
    """,
    """
    create view metrics.loads as
    select partition_date, source, source_file, state, read, loaded, rejected, loaded_at
    from raw.loads
    """,
    """
    create view metrics.rejections as
    select
        loads.partition_date,
        loads.source,
        loads.source_file,
        reasons.reason,
        reasons.row_count::bigint as row_count
    from raw.loads
    cross join lateral jsonb_each_text(loads.rejected_by_reason) as reasons (reason, row_count)
    """,
    "create view metrics.load_balance as select * from raw.load_balance",
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
            select count(distinct drift.partition_date) from metrics.drift
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
        from metrics.drift
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
    # Alert rules read rows that are always there, 0 or 1, and end in 0 when an incident closes.
    """
    create view metrics.incident_alerts as
    select
        incidents.monitor,
        incidents.kind,
        incidents.severity,
        incidents.incident_id::text as incident,
        incidents.diagnosis,
        coalesce(incidents.report_url, '') as report,
        (incidents.closed_on is null)::integer as firing
    from metrics.incidents
    where
        incidents.closed_on is null
        or incidents.closed_on >= (
            select max(partitions.partition_date) - 7 from metrics.partitions
            where partitions.monitor = incidents.monitor
        )
    union all
    select monitor, 'none', 'none', '0', 'no incident', '', 0
    from metrics.monitors
    """,
    """
    create view metrics.partition_alerts as
    select
        monitors.monitor,
        kinds.state as kind,
        kinds.severity,
        count(partitions.partition_date)::integer as days
    from metrics.monitors
    cross join (
        values ('failed', 'error'), ('missing', 'warn'), ('stale', 'warn')
    ) as kinds (state, severity)
    left join metrics.partition_calendar as partitions
        on
            monitors.monitor = partitions.monitor
            and kinds.state = partitions.state
            and partitions.partition_date > (
                select max(days.partition_date) - 7 from metrics.partitions as days
                where days.monitor = monitors.monitor
            )
    group by monitors.monitor, kinds.state, kinds.severity
    """,
    # A monitor is live where its newest day was new when it was computed. History that is replayed
    # is never late; a live monitor is late 36 hours after a computation that none has followed.
    """
    create view metrics.freshness as
    select
        monitors.monitor,
        newest.partition_date as newest_day,
        newest.computed_at,
        coalesce(newest.computed_at < newest.partition_date + interval '8 days', false) as is_live,
        extract(epoch from now() - newest.computed_at) / 3600 as hours_since,
        coalesce(
            newest.computed_at < newest.partition_date + interval '8 days'
            and newest.computed_at < now() - interval '36 hours',
            false
        )::integer as is_late
    from metrics.monitors
    left join lateral (
        select partition_date, computed_at from metrics.partitions
        where partitions.monitor = monitors.monitor
        order by partition_date desc
        limit 1
    ) as newest on true
    """,
    "create index drift_by_column on metrics.drift (monitor, column_name, partition_date)",
    """
    create index drift_of_whole_rows on metrics.drift (monitor, partition_date)
    where column_name is null and segment is null
    """,
    """
    create index performance_by_metric on metrics.performance
    (monitor, metric, metrics.segment_label(segment, segment_value), partition_date)
    """,
    """
    create index test_results_failing on metrics.test_results (monitor, partition_date)
    where status not in ('pass', 'skipped')
    """,
    ROLE,
    f"grant usage on schema metrics to {READER}",
    f"grant select on all tables in schema metrics to {READER}",
    # dbt's tables are made later, by the same role as these.
    f"alter default privileges in schema metrics grant select on tables to {READER}",
]
# dbt declares these for the tables that it makes; a warehouse that is older has tables without.
INDEXES_OF_DBT = {
    "column_profile": (
        "(partition_date)",
        "(monitor, metric, metrics.segment_label(segment, segment_value), column_name,"
        " partition_date)",
    ),
    "column_histogram": (
        "(partition_date)",
        "(monitor, column_name, metrics.segment_label(segment, segment_value), partition_date)",
    ),
}
VIEWS = (
    "freshness",
    "partition_alerts",
    "incident_alerts",
    "monitor_state",
    "load_balance",
    "rejections",
    "loads",
    "partition_calendar",
    "model_version_starts",
    "drift_scored",
)


def upgrade() -> None:
    """Create views, indexes and the role, and let it read."""
    for statement in STATEMENTS:
        op.execute(statement)
    for table, indexes in INDEXES_OF_DBT.items():
        if op.get_bind().exec_driver_sql(f"select to_regclass('metrics.{table}')").scalar():
            for index in indexes:
                op.execute(f"create index on metrics.{table} {index}")


def downgrade() -> None:
    """Drop them; the role stays, as other warehouses of the server may use it."""
    op.execute(f"alter default privileges in schema metrics revoke select on tables from {READER}")
    op.execute(f"revoke all on all tables in schema metrics from {READER}")
    op.execute(f"revoke usage on schema metrics from {READER}")
    for view in VIEWS:
        op.execute(f"drop view metrics.{view}")
    op.execute("drop table metrics.monitored_columns, metrics.monitors")
    for index in (
        "drift_by_column",
        "drift_of_whole_rows",
        "performance_by_metric",
        "test_results_failing",
    ):
        op.execute(f"drop index metrics.{index}")
    # Indexes of dbt's tables that use it go with it.
    op.execute("drop function metrics.segment_label(text, text) cascade")
    op.execute("drop function metrics.chart_time(date)")
