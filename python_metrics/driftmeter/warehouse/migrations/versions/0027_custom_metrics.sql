-- Metrics of a team's own, each an aggregate in SQL over the rows of a day. dbt fills
-- the table, and makes it where it ran before anybody prepared the database. A day
-- without rows, or without a number, is a row with a reason.
create table if not exists metrics.custom_metrics (
    monitor text,
    partition_date date,
    segment text,
    segment_value text,
    metric text,
    value double precision,
    row_count bigint,
    reason text
);
create index if not exists custom_metrics_by_day
on metrics.custom_metrics (monitor, partition_date);

-- What a custom metric is beside its reference period, day by day, and whether that is
-- an alarm: the value, what such a day usually has and from where to where, and the
-- window that decided.
create table metrics.custom_metric_verdicts (
    monitor text not null,
    partition_date date not null,
    segment text,
    segment_value text,
    metric text not null,
    unit text,
    value double precision,
    row_count bigint not null,
    expected double precision,
    lower double precision,
    upper double precision,
    deviation double precision,
    p_value double precision,
    window_days integer,
    window_p_value double precision,
    threshold_p double precision,
    is_beyond boolean not null,
    is_alarm boolean not null,
    reason text,
    computed_at timestamptz not null default now(),
    unique nulls not distinct (monitor, partition_date, metric, segment, segment_value)
);
create index custom_metric_verdicts_by_day
on metrics.custom_metric_verdicts (monitor, metric, partition_date);

alter table metrics.monitors
-- The unit of what its rows are worth, as of performance's metric value.
add column value_unit text;

-- Columns of a table that SQL expressions name, as words or in quotes: rows are hashed
-- with them, so that a day on which one changed is stale. A word that is in a text too
-- does no harm: then a day is hashed with one column more.
create function metrics.columns_named(of_schema text, of_table text, expressions text[])
returns text[]
language sql stable as $$
    select coalesce(array_agg(attname::text order by attname collate "C"), '{}')
    from pg_attribute
    where
        attrelid = to_regclass(format('%I.%I', of_schema, of_table))
        and attnum > 0
        and not attisdropped
        and exists (
            select from unnest(expressions) as expression
            where expression ~* concat(
                '(^|[^[:alnum:]_$])',
                regexp_replace(
                    replace(attname, '"', '""'), '([^[:alnum:]_])', '\\\1', 'g'
                ),
                '($|[^[:alnum:]_$])'
            )
        )
$$;

-- An aggregate over the rows of each day, or of each value of a segment on each day. An
-- expression that fails on one day, as by a division by zero, leaves the other days
-- their numbers, and says why it fails.
create function metrics.custom_metric_values(
    of_schema text,
    of_table text,
    expression text,
    segment_text text,
    first date,
    last date
)
returns table (
    day date,
    segment_value text,
    value double precision,
    row_count bigint,
    reason text
)
language plpgsql stable as $$
declare
    days date[];
    segment_values text[];
    numbers double precision[];
    counts bigint[];
    -- The expression has a line of its own, for it may end with a comment.
    numbered constant text := format(
        E'select partition_date as day, %s as part, (\n%s\n)::double precision as number,'
        ' count(*) as count from %I.%I as scored where partition_date is not null',
        segment_text, expression, of_schema, of_table
    );
    gathered constant text :=
        'select array_agg(day), array_agg(part), array_agg(number), array_agg(count)'
        ' from (%s group by 1, 2) as parts';
    of_window constant text := case
        when first is null then '' else format(' and partition_date between %L and %L', first, last)
    end;
    one record;
begin
    execute format(gathered, numbered || of_window)
    into days, segment_values, numbers, counts;
    return query select parts.*, null::text
    from unnest(days, segment_values, numbers, counts) as parts;
exception when others then
    for one in execute format(
        'select partition_date as day, %s as part, count(*) as count from %I.%I as scored'
        ' where partition_date is not null%s group by 1, 2',
        segment_text, of_schema, of_table, of_window
    ) loop
        begin
            execute format(
                gathered,
                numbered || format(
                    ' and partition_date = %L and %s is not distinct from %L',
                    one.day, segment_text, one.part
                )
            ) into days, segment_values, numbers, counts;
            return query select one.day, one.part, numbers[1], one.count, null::text;
        exception when others then
            return query select
                one.day, one.part, null::double precision, one.count, sqlerrm;
        end;
    end loop;
end
$$;
