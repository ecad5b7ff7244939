-- Rows of each group of a protected column on a day: how many, for how many the
-- prediction is positive, and for how many whose outcome is known it was right or
-- wrong. dbt fills the table, and makes it where it ran before anybody prepared the
-- database. A day without rows is a row without a group.
create table if not exists metrics.group_counts (
    monitor text,
    partition_date date,
    column_name text,
    group_value text,
    row_count bigint,
    predicted_count bigint,
    prediction_mean double precision,
    prediction_deviation double precision,
    labelled_count bigint,
    error_mean double precision,
    error_deviation double precision,
    selected_count bigint,
    true_positive bigint,
    false_positive bigint,
    false_negative bigint,
    true_negative bigint
);
create index if not exists group_counts_by_day
on metrics.group_counts (monitor, partition_date);

-- A statistic of a group beside that of all other rows whose group is known, day by
-- day: both values and their difference with its 95% interval, what difference such a
-- day of the reference period has, and whether today's is an alarm. Of selection rates
-- also the ratio to the highest rate among the groups.
create table metrics.group_verdicts (
    monitor text not null,
    partition_date date not null,
    column_name text not null,
    group_value text not null,
    metric text not null,
    row_count bigint not null,
    other_count bigint not null,
    value double precision,
    other_value double precision,
    difference double precision,
    lower double precision,
    upper double precision,
    ratio double precision,
    ratio_lower double precision,
    ratio_upper double precision,
    expected double precision,
    deviation double precision,
    p_value double precision,
    window_days integer,
    window_p_value double precision,
    threshold_p double precision,
    is_beyond boolean not null,
    is_alarm boolean not null,
    reason text,
    computed_at timestamptz not null default now(),
    unique (monitor, partition_date, column_name, group_value, metric)
);
