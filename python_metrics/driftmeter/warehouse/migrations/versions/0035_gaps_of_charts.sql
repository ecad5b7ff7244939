-- When the batch after a shown one would be on a chart; null if none is missing before
-- the one that follows. Times are those of `batch_time`, whose clock is UTC.
create function metrics.gap_after(
    of_monitor text, shown timestamptz, following timestamptz
) returns timestamptz
language sql stable as $$
    select expected.at from (
        select (shown at time zone 'UTC' + coalesce(
            (
                select ('1 ' || every)::interval from metrics.monitors
                where monitor = of_monitor
            ),
            interval '1 day'
        )) at time zone 'UTC' as at
    ) as expected
    where expected.at < following
$$;
