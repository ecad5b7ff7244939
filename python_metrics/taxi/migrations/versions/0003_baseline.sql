-- What the example's trips are loaded into. Tables with a row a trip are split by
-- month.

-- A file of trips that a source has: how many rows, and of which days.
create table raw.source_files (
    source text not null,
    source_file text not null,
    row_count bigint not null,
    rows_by_day jsonb not null,
    read_at timestamptz not null default now(),
    primary key (source, source_file)
);

-- What became of a file's rows of a day. The hash of the day's trips is the same in
-- each row of the day, so that no load reads them back.
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
    fingerprint text,
    primary key (partition_date, source_file),
    check (read = loaded + rejected)
);

-- Whether every row of a file was loaded, was rejected, or is of a day not loaded yet.
create view raw.load_balance as
select
    files.source,
    files.source_file,
    files.row_count as rows_in_file,
    coalesce(sum(loads.loaded), 0) as loaded,
    coalesce(sum(loads.rejected), 0) as rejected,
    files.row_count - coalesce(sum(loads.read), 0) as on_days_not_loaded
from raw.source_files as files
left join raw.loads as loads using (source, source_file) -- noqa: ST07
group by files.source, files.source_file, files.row_count;

-- A trip, of yellow or green taxis.
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
) partition by range (partition_date);

-- A row of a file that is no trip of the day, and why.
create table raw.rejected_trips (
    partition_date date not null,
    source_file text not null,
    row_number bigint not null,
    reason text not null,
    record jsonb not null,
    primary key (partition_date, source_file, row_number)
) partition by range (partition_date);

-- Labels that a trip does not come with; null: it never has one.
create table raw.late_labels (
    partition_date date not null,
    trip_id bigint not null,
    lands_on date,
    primary key (partition_date, trip_id)
) partition by range (partition_date);

-- By which day a partition's labels were taken in.
create table raw.labels_taken (
    partition_date date primary key,
    taken_on date not null
);

-- What the active version predicts of a trip.
create table raw.predictions (
    partition_date date not null,
    monitor text not null,
    model_version text not null,
    trip_id bigint not null,
    prediction double precision not null,
    primary key (partition_date, monitor, model_version, trip_id)
) partition by range (partition_date);

-- What a challenger predicts of it.
create table raw.challenger_predictions (
    partition_date date not null,
    monitor text not null,
    model_version text not null,
    trip_id bigint not null,
    prediction double precision not null,
    primary key (partition_date, monitor, model_version, trip_id)
) partition by range (partition_date);
