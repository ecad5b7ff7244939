-- How well the model does on each day.

-- A day's error, from its labels or estimated without them. Of tests of the error also
-- the p-value at which it alarms, and whether it does.
create table metrics.performance (
    monitor text not null,
    model_version text,
    partition_date date not null,
    segment text,
    segment_value text,
    column_name text,
    metric text not null,
    kind text not null check (kind in ('realised', 'estimated')),
    value double precision,
    lower double precision,
    upper double precision,
    label_coverage double precision,
    state text not null check (state in ('provisional', 'final')),
    computed_at timestamptz not null default now(),
    reference_value double precision,
    row_count bigint,
    p_value double precision,
    config_hash text,
    threshold_p double precision,
    is_alarm boolean,
    unique nulls not distinct (
        monitor, partition_date, model_version, segment, segment_value, column_name,
        metric, kind
    )
) partition by range (partition_date);
create index performance_by_day on metrics.performance (partition_date, monitor);
create index performance_by_metric on metrics.performance (
    monitor, metric, metrics.segment_label(segment, segment_value), partition_date
);

-- Every value that a row of `performance` ever had, and that it is gone. It is only
-- added to, and may only lose what is older than a team keeps. Whole, not split by
-- month: its key lacks the day.
create table metrics.performance_history (
    history_id bigint generated always as identity primary key,
    monitor text not null,
    model_version text,
    partition_date date not null,
    segment text,
    segment_value text,
    metric text not null,
    kind text not null check (kind in ('realised', 'estimated')),
    value double precision,
    lower double precision,
    upper double precision,
    label_coverage double precision,
    state text not null check (state in ('provisional', 'final', 'withdrawn')),
    believed_from timestamptz not null default clock_timestamp()
);
create index performance_history_of on metrics.performance_history (
    monitor, partition_date, metric, kind, believed_from
);

create function metrics.refuse_change() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' and current_setting('driftmeter.retains', true) = 'on' then
        return null;
    end if;
    raise exception 'metrics.performance_history is only added to';
end
$$;

create trigger only_added_to before update or delete or truncate
on metrics.performance_history
for each statement execute function metrics.refuse_change();

-- What the table held at a moment: the newest row of each key by then.
create function metrics.performance_as_of(moment timestamptz)
returns setof metrics.performance_history language sql stable as $$
    select believed.* from (
        select distinct on (
            monitor, partition_date, model_version, segment, segment_value, metric, kind
        ) *
        from metrics.performance_history
        where believed_from <= moment
        order by
            monitor, partition_date, model_version, segment, segment_value, metric, kind,
            history_id desc
    ) as believed
    where believed.state <> 'withdrawn'
$$;

-- A challenger beside the active version, row by row on the same labelled rows; below 0
-- the challenger is better.
create table metrics.version_comparisons (
    monitor text not null,
    champion text not null,
    challenger text not null,
    partition_date date not null,
    metric text not null,
    row_count bigint not null,
    champion_value double precision not null,
    challenger_value double precision not null,
    difference double precision not null,
    lower double precision,
    upper double precision,
    computed_at timestamptz not null default now(),
    primary key (monitor, champion, challenger, partition_date)
);
