"""Trips, labels and predictions of the example.

A warehouse that an earlier version filled has these tables: they were migrations of the metrics
schema then.
"""

from alembic import op

revision = "0001"
down_revision = None

STATEMENTS = [
    """
    create table if not exists raw.trips (
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
    create table if not exists raw.rejected_trips (
        partition_date date not null,
        source_file text not null,
        row_number bigint not null,
        reason text not null,
        record jsonb not null,
        primary key (partition_date, source_file, row_number)
    )
    """,
    """
    create table if not exists raw.loads (
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
    create table if not exists raw.source_files (
        source text not null,
        source_file text not null,
        row_count bigint not null,
        rows_by_day jsonb not null,
        read_at timestamptz not null default now(),
        primary key (source, source_file)
    )
    """,
    """
    create or replace view raw.load_balance as
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
    create table if not exists raw.predictions (
        partition_date date not null,
        monitor text not null,
        model_version text not null,
        trip_id bigint not null,
        prediction double precision not null,
        primary key (partition_date, monitor, model_version, trip_id)
    )
    """,
    # Labels that a trip does not come with; null: it never has one.
    """
    create table if not exists raw.late_labels (
        partition_date date not null,
        trip_id bigint not null,
        lands_on date,
        primary key (partition_date, trip_id)
    )
    """,
    # By which day a partition's labels were taken in.
    """
    create table if not exists raw.labels_taken (
        partition_date date primary key,
        taken_on date not null
    )
    """,
    """
    create table if not exists raw.challenger_predictions (
        partition_date date not null,
        monitor text not null,
        model_version text not null,
        trip_id bigint not null,
        prediction double precision not null,
        primary key (partition_date, monitor, model_version, trip_id)
    )
    """,
]


def upgrade() -> None:
    """Create every table that is not there."""
    for statement in STATEMENTS:
        op.execute(statement)
