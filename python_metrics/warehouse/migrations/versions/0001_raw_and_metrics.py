"""Tables of the raw and metrics schemas that Python writes.

`metrics.column_profile`, `metrics.column_histogram` and `metrics.reference_bins` are dbt's.
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
    "create schema if not exists raw",
    "create schema if not exists metrics",
    "create schema if not exists dagster",
    """
    create table raw.trips (
        partition_date date not null,
        trip_id bigint not null,
        taxi text not null,
        source_file text not null,
        vendor_id integer,
        pickup_datetime timestamp not null,
        dropoff_datetime timestamp,
        passenger_count integer,
        trip_distance double precision,
        rate_code_id integer,
        store_and_fwd_flag text,
        pickup_location_id integer,
        dropoff_location_id integer,
        payment_type integer,
        fare_amount double precision,
        extra double precision,
        mta_tax double precision,
        tip_amount double precision,
        tolls_amount double precision,
        improvement_surcharge double precision,
        total_amount double precision,
        congestion_surcharge double precision,
        airport_fee double precision,
        cbd_congestion_fee double precision,
        ehail_fee double precision,
        trip_type integer,
        primary key (partition_date, trip_id)
    )
    """,
    """
    create table raw.rejected_trips (
        partition_date date not null,
        source_file text not null,
        row_number bigint not null,
        reason text not null,
        record jsonb not null,
        primary key (partition_date, source_file, row_number)
    )
    """,
    """
    create table raw.loads (
        partition_date date not null,
        source_file text not null,
        source text not null,
        state text not null check (state in ('loaded', 'empty', 'missing')),
        read bigint not null,
        loaded bigint not null,
        rejected bigint not null,
        rejected_by_reason jsonb not null default '{}',
        loaded_at timestamptz not null default now(),
        primary key (partition_date, source_file),
        check (read = loaded + rejected)
    )
    """,
    """
    create table raw.source_files (
        source text not null,
        source_file text not null,
        row_count bigint not null,
        rows_by_day jsonb not null,
        read_at timestamptz not null default now(),
        primary key (source, source_file)
    )
    """,
    """
    create view raw.load_balance as
    select
        files.source,
        files.source_file,
        files.row_count as rows_in_file,
        coalesce(sum(loads.loaded), 0) as loaded,
        coalesce(sum(loads.rejected), 0) as rejected,
        files.row_count - coalesce(sum(loads.read), 0) as on_days_not_loaded
    from raw.source_files as files
    left join raw.loads as loads using (source, source_file)
    group by files.source, files.source_file, files.row_count
    """,
    """
    create table raw.predictions (
        partition_date date not null,
        monitor text not null,
        model_version text not null,
        trip_id bigint not null,
        prediction double precision not null,
        primary key (partition_date, monitor, model_version, trip_id)
    )
    """,
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


def downgrade() -> None:
    """Drop the tables; the schemas may hold tables of dbt's and Dagster's, and stay."""
    for table in (
        "incidents",
        "test_results",
        "performance",
        "drift",
        "partitions",
        "baselines",
        "model_versions",
    ):
        op.execute(f"drop table metrics.{table}")
    op.execute("drop view raw.load_balance")
    for table in ("predictions", "source_files", "loads", "rejected_trips", "trips"):
        op.execute(f"drop table raw.{table}")
