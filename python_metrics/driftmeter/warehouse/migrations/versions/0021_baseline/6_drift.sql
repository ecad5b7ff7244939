-- A comparison of a day's column, segment or whole rows with a baseline. Methods
-- `day_level` and `domain_classifier` are the calibrated verdicts, which dashboards and
-- alarms read; all others are Evidently's scores, kept for comparison. A verdict names
-- its statistic with what was observed and expected, and whether the change is slow.
create table metrics.drift (
    monitor text not null,
    model_version text,
    partition_date date not null,
    segment text,
    segment_value text,
    column_name text,
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
    statistic text,
    unit text,
    observed double precision,
    expected double precision,
    trailing_p_value double precision,
    is_slow boolean,
    check ((status = 'ok') = (reason is null)),
    unique nulls not distinct (
        monitor, partition_date, model_version, segment, segment_value, column_name,
        baseline, method
    )
) partition by range (partition_date);
create index drift_by_day on metrics.drift (partition_date, monitor);
create index drift_by_column on metrics.drift (monitor, column_name, partition_date);
create index drift_of_whole_rows on metrics.drift (monitor, partition_date)
where column_name is null and segment is null;
-- What a dashboard asks: one monitor, its segment, its columns, a span of days.
create index drift_of_segment on metrics.drift (
    monitor,
    metrics.segment_label(segment, segment_value),
    column_name,
    partition_date
)
where method in ('day_level', 'domain_classifier');
create index drift_alarms on metrics.drift (monitor, partition_date)
where method in ('day_level', 'domain_classifier') and is_drifted;
