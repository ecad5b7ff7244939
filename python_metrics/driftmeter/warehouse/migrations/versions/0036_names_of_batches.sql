-- What tables call a batch, as sentences do: its day, the week of its Monday, its month,
-- or of an hour what the clock of its zone shows.
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
