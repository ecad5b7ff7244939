"""What dashboards and alert rules read: monitors, functions, indexes, a role that may only read."""

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


def upgrade() -> None:
    """Create tables, functions, indexes and the role, and let it read."""
    for statement in STATEMENTS:
        op.execute(statement)
    for table, indexes in INDEXES_OF_DBT.items():
        if op.get_bind().exec_driver_sql(f"select to_regclass('metrics.{table}')").scalar():
            for index in indexes:
                op.execute(f"create index on metrics.{table} {index}")
