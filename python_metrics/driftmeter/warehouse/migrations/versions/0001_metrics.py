"""Tables of the metrics schema that Python writes.

Rows of `metrics.column_summary` (0015) and `metrics.reference_bins` are dbt's.
"""

from alembic import op

revision = "0001"
down_revision = None

# Every metric is kept a monitor, model version, day and, where it has them, segment and column.
KEYS = """
    monitor text not null,
    model_version text,
    partition_date date not null,
    segment text,
    segment_value text,
    column_name text
"""

STATEMENTS = [
    "create schema if not exists dagster",
    """
    create table metrics.model_versions (
        monitor text not null,
        model_version text not null,
        algorithm text not null,
        trained_from date not null,
        trained_to date not null,
        train_rows bigint not null,
        train_metric text not null,
        train_value double precision not null,
        holdout_value double precision not null,
        benchmark text not null,
        benchmark_value double precision not null,
        artifact text not null,
        artifact_sha256 text not null,
        data_source text not null,
        is_active boolean not null,
        computed_at timestamptz not null default now(),
        primary key (monitor, model_version)
    )
    """,
    """
    create table metrics.baselines (
        monitor text not null,
        baseline text not null,
        kind text not null check (kind in ('fixed', 'trailing', 'weekday')),
        from_date date not null,
        to_date date not null,
        row_count bigint not null,
        content_hash text not null,
        computed_at timestamptz not null default now(),
        primary key (monitor, baseline)
    )
    """,
    """
    create table metrics.partitions (
        monitor text not null,
        partition_date date not null,
        state text not null check (state in ('fresh', 'stale', 'empty', 'missing', 'failed')),
        reason text,
        row_count bigint not null,
        fingerprint text,
        config_hash text not null,
        computed_at timestamptz not null default now(),
        duration_seconds double precision not null,
        primary key (monitor, partition_date)
    )
    """,
    f"""
    create table metrics.drift (
        {KEYS},
        baseline text not null,
        method text,
        score double precision,
        threshold double precision,
        p_value double precision,
        q_value double precision,
        effect double precision,
        is_drifted boolean,
        n_reference bigint not null,
        n_current bigint not null,
        status text not null check (status in ('ok', 'skipped', 'error')),
        reason text,
        engine text not null,
        computed_at timestamptz not null default now(),
        check ((status = 'ok') = (reason is null)),
        unique nulls not distinct (
            monitor, partition_date, model_version, segment, segment_value, column_name,
            baseline, method
        )
    )
    """,
    f"""
    create table metrics.performance (
        {KEYS},
        metric text not null,
        kind text not null check (kind in ('realised', 'estimated')),
        value double precision,
        lower double precision,
        upper double precision,
        label_coverage double precision,
        state text not null check (state in ('provisional', 'final')),
        computed_at timestamptz not null default now(),
        unique nulls not distinct (
            monitor, partition_date, model_version, segment, segment_value, column_name,
            metric, kind
        )
    )
    """,
    f"""
    create table metrics.test_results (
        {KEYS},
        test text not null,
        source text not null check (source in ('dbt', 'evidently')),
        status text not null check (status in ('pass', 'warn', 'fail', 'error', 'skipped')),
        severity text not null check (severity in ('warn', 'error')),
        observed double precision,
        expected text,
        reason text,
        computed_at timestamptz not null default now(),
        unique nulls not distinct (
            monitor, partition_date, model_version, segment, segment_value, column_name,
            source, test
        )
    )
    """,
    """
    create table metrics.incidents (
        incident_id bigint generated always as identity primary key,
        monitor text not null,
        model_version text,
        segment text,
        segment_value text,
        column_name text,
        kind text not null,
        severity text not null check (severity in ('warn', 'error')),
        opened_on date not null,
        last_seen_on date not null,
        closed_on date,
        diagnosis text not null,
        evidence jsonb not null default '{}',
        report_url text,
        acknowledged_by text,
        excluded_from_baseline boolean not null default false,
        config_hash text,
        computed_at timestamptz not null default now()
    )
    """,
    "create index drift_by_day on metrics.drift (partition_date, monitor)",
    "create index test_results_by_day on metrics.test_results (partition_date, monitor)",
    "create index performance_by_day on metrics.performance (partition_date, monitor)",
    "create index incidents_open on metrics.incidents (monitor, opened_on) where closed_on is null",
]


def upgrade() -> None:
    """Create every schema and table."""
    for statement in STATEMENTS:
        op.execute(statement)
