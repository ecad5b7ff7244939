-- What dbt counts of a day, and what its tests and Evidently's say of it.

-- Midnight of a day as Grafana's charts have it, with dashboards in UTC: a browser in
-- any time zone shows the point on its own day.
create function metrics.chart_time(day date) returns timestamptz
language sql immutable parallel safe
return day::timestamp at time zone 'UTC';

-- What people call a part of a day's rows.
create function metrics.segment_label(segment text, segment_value text) returns text
language sql immutable parallel safe
return case
    when segment is null then 'all rows'
    else segment || ' = ' || coalesce(segment_value, '(missing)')
end;

-- What people call a bin of a histogram. Bounds that round to one number are told apart
-- by the bin's own.
create function metrics.bin_label(bin integer, bin_low double precision, category text)
returns text language sql immutable parallel safe
return case
    when bin < 0 then '(missing)'
    -- Four digits are enough for people; the number tells bins apart.
    when bin_low is not null
        then bin || ': from ' || trim_scale(
            round(
                bin_low::numeric,
                case
                    when bin_low = 0 then 0
                    else greatest(0, 3 - floor(log(abs(bin_low)))::integer)
                end
            )
        )
    when category is null then 'below'
    when bin = 0 then 'new: ' || category
    else category
end;

-- A column of a part of a day: rows, nulls, distinct values, moments, quantiles, and
-- its histogram as arrays; the whole row where column_name is null. dbt fills it, and
-- makes it where it ran before anybody prepared the database: such a table has these
-- columns by dbt's contract, and is split with the rows that it has. `reference_bins`
-- is dbt's alone.
create table if not exists metrics.column_summary (
    monitor text,
    model_version text,
    partition_date date,
    segment text,
    segment_value text,
    column_name text,
    kind text,
    row_count bigint,
    null_count bigint,
    distinct_count bigint,
    zero_count bigint,
    out_of_range_count bigint,
    unaccepted_count bigint,
    unseen_count bigint,
    mean double precision,
    stddev double precision,
    minimum double precision,
    maximum double precision,
    p01 double precision,
    p05 double precision,
    p25 double precision,
    p50 double precision,
    p75 double precision,
    p95 double precision,
    p99 double precision,
    bins integer[],
    bin_lows double precision[],
    bin_highs double precision[],
    categories text[],
    bin_counts bigint[]
) partition by range (partition_date);
create index if not exists column_summary_by_day
on metrics.column_summary (partition_date);
create index if not exists column_summary_by_column on metrics.column_summary (
    monitor,
    metrics.segment_label(segment, segment_value),
    column_name,
    partition_date
);
select metrics.split_by_month('metrics.column_summary');

-- Outcomes of a day's tests.
create table metrics.test_results (
    monitor text not null,
    model_version text,
    partition_date date not null,
    segment text,
    segment_value text,
    column_name text,
    test text not null,
    source text not null check (source in ('dbt', 'evidently')),
    status text not null check (
        status in ('pass', 'warn', 'fail', 'error', 'skipped')
    ),
    severity text not null check (severity in ('warn', 'error')),
    observed double precision,
    expected text,
    reason text,
    computed_at timestamptz not null default now(),
    unique nulls not distinct (
        monitor, partition_date, model_version, segment, segment_value, column_name,
        source, test
    )
) partition by range (partition_date);
create index test_results_by_day on metrics.test_results (partition_date, monitor);
create index test_results_failing on metrics.test_results (monitor, partition_date)
where status not in ('pass', 'skipped');
