-- What tables call a batch, as sentences do: its day, the week of its Monday, its
-- month, or of an hour what the clock of its zone shows.
create or replace function metrics.batch_name(
    of_monitor text, day date, start timestamptz
) returns text
language sql stable as $$
    select coalesce(
        (
            select
                case every
                    when 'hour'
                        then to_char(start at time zone timezone, 'YYYY-MM-DD HH24:MI')
                    when 'week' then 'week of ' || day
                    when 'month' then to_char(day, 'FMMonth YYYY')
                end
            from metrics.monitors where monitor = of_monitor
        ),
        day::text
    )
$$;

-- The key of a batch's partition in Dagster, whose hours have their offset.
create function metrics.batch_key(of_monitor text, day date, start timestamptz)
returns text
language sql stable as $$
    select coalesce(
        (
            select
                to_char(shown.clock, 'YYYY-MM-DD-HH24:MI')
                || to_char(extract(hour from shown.clock - shown.utc), 'SG00')
                || to_char(abs(extract(minute from shown.clock - shown.utc)), 'FM00')
            from metrics.monitors
            cross join lateral (
                select
                    start at time zone monitors.timezone as clock,
                    start at time zone 'UTC' as utc
            ) as shown
            where monitors.monitor = of_monitor and monitors.every = 'hour'
        ),
        day::text
    )
$$;

-- The length of a monitor's batch.
create function metrics.batch_length(of_monitor text) returns interval
language sql stable as $$
    select coalesce(
        (
            select ('1 ' || every)::interval from metrics.monitors
            where monitor = of_monitor
        ),
        interval '1 day'
    )
$$;

-- By how much each batch of a column differs from the one before it: the share of its
-- rows that lie in other bins (total variation distance). A batch without one just
-- before it has no row.
create function metrics.bin_changes(
    of_monitor text,
    of_column text,
    of_segment text,
    of_versions text[],
    first_day date,
    last_day date
) returns table (
    monitor text,
    partition_date date,
    partition_start timestamptz,
    other_bins double precision
)
language plpgsql stable as $$
begin
    -- By its text: dbt may not have made the table yet.
    return query execute
        'with bins as ('
        '    select partition_date as day, partition_start as start, bin, category,'
        '        metrics.batch_time($1, partition_date, partition_start) as shown,'
        '        dense_rank() over (order by partition_start) as place,'
        '        sum(row_count) / sum(sum(row_count)) over (partition by partition_start)'
        '            as share'
        '    from metrics.column_histogram'
        '    where monitor = $1 and column_name = $2'
        '        and metrics.segment_label(segment, segment_value) = $3'
        '        and (model_version is null or model_version = any($4)'
        '            or ''every version'' = any($4))'
        -- The longest batch begins so many days before the next.
        '        and partition_date between $5 - 31 and $6'
        '    group by 1, 2, 3, 4'
        '), batches as ('
        '    select distinct place, day, start, shown from bins'
        ')'
        'select $1, now.day, now.start, 1 - (select coalesce('
        '    sum(least(one.share, other.share)), 0)'
        '    from bins as one inner join bins as other using (bin)'
        '    where one.place = now.place and other.place = before.place'
        '        and one.category is not distinct from other.category'
        ')::double precision'
        ' from batches as now inner join batches as before on before.place = now.place - 1'
        ' where now.day >= $5 and metrics.gap_after($1, before.shown, now.shown) is null'
        using of_monitor, of_column, of_segment, of_versions, first_day, last_day;
end
$$;
