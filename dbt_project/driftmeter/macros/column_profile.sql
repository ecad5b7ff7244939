{#
    Metrics of every column and segment of one monitor, in one pass over its days: each column's
    aggregates travel as one array, since a query has at most 1,664 result columns.

    The days come first and the rows are joined to them, so that an empty day has its rows: counts
    of 0, and shares and moments that are null. A joined row is one that has a day, for an id may be
    null. Moments and quantiles are over finite numbers.
    Moments are summed as numeric: a sum of floats depends on the order of the rows on disk, and a
    rerun would change its last digit.
#}
{% macro column_profile(name) -%}
    {%- set columns = driftmeter.monitor_columns(name) -%}
    {%- set segments = driftmeter.monitor_segments(name) -%}
    with days as (

        {{ driftmeter.days_in_window(ref(name)) }}

    ),

    scored as (

{{ driftmeter.monitored_rows(name) }}

    ),

    measured as (

        select
            days.partition_date,
            scored.row_version as model_version,
            {{ driftmeter.segment_name(segments) }} as segment,
            {{ driftmeter.segment_value(segments) }} as segment_value,
            count(scored.partition_date) as row_count,
            array[
                count(scored.partition_date),
                1 - count(distinct scored.row_id)
                / nullif(count(scored.row_id), 0)::double precision
            ] as whole_row
            {%- for column in columns %},
            {{ driftmeter.column_metrics(column) }} as {{ column.alias }}
            {%- endfor %}
        from days
        left join scored on days.partition_date = scored.partition_date
        group by
            {{ driftmeter.segment_grouping_sets(
                ['days.partition_date', 'scored.row_version'], segments
            ) }}

    )

    select
        measured.model_version::text as model_version,
        measured.partition_date::date as partition_date,
        measured.segment::text as segment,
        measured.segment_value::text as segment_value,
        cells.column_name::text as column_name,
        named.metric::text as metric,
        named.value::double precision as value
    from measured
    cross join lateral (
        values
        (
            null,
            array['row_count', 'duplicate_share'],
            measured.whole_row
        )
        {%- for column in columns %},
        (
            {{ driftmeter.literal(column.name) }},
            array['{{ driftmeter.column_metric_names(column) | join("', '") }}'],
            measured.{{ column.alias }}
        )
        {%- endfor %}
    ) as cells (column_name, metrics, readings)
    cross join lateral unnest(cells.metrics, cells.readings) as named (metric, value)
    -- An empty day has one row a metric, and no segments.
    where measured.row_count > 0 or measured.segment is null
{%- endmacro %}


{# Names of what `column_metrics` measures, in its order. #}
{% macro column_metric_names(column) -%}
    {%- set names = ['null_count', 'null_share', 'distinct_count'] -%}
    {%- if column.kind == 'numerical' -%}
        {%- do names.extend([
            'zero_share', 'mean', 'stddev', 'min', 'max',
            'p01', 'p05', 'p25', 'p50', 'p75', 'p95', 'p99',
        ]) -%}
    {%- endif -%}
    {%- if column.get('range') -%}{%- do names.append('out_of_range_share') -%}{%- endif -%}
    {%- if column.get('accepted') -%}{%- do names.append('unaccepted_share') -%}{%- endif -%}
    {{ return(names) }}
{%- endmacro %}


{# One column's aggregates as one array. #}
{% macro column_metrics(column) -%}
    {%- set value = 'scored.' ~ column.alias -%}
    {%- set known = 'nullif(count(' ~ value ~ '), 0)::double precision' -%}
    array[
                count(scored.partition_date) - count({{ value }}),
                (count(scored.partition_date) - count({{ value }}))
                / nullif(count(scored.partition_date), 0)::double precision,
                case when count(scored.partition_date) > 0 then count(distinct {{ value }}) end
    {%- if column.kind == 'numerical' %},
                count(*) filter (where {{ value }} = 0) / {{ known }},
                avg({{ value }}::numeric) filter (where {{ driftmeter.is_finite(value) }}),
                stddev_samp({{ value }}::numeric) filter (where {{ driftmeter.is_finite(value) }}),
                min({{ value }}),
                max({{ value }})
    {%- endif %}
    ]::double precision[]
    {%- if column.kind == 'numerical' %}
            || coalesce(
                percentile_cont(array[0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99])
                within group (order by {{ value }}::double precision)
                filter (where {{ driftmeter.is_finite(value) }}),
                array_fill(null::double precision, array[7])
            )
    {%- endif %}
    {%- if column.get('range') %}
            || (
                count(*) filter (
                    where not {{ value }} between {{ column.range[0] }} and {{ column.range[1] }}
                ) / {{ known }}
            )
    {%- endif %}
    {%- if column.get('accepted') %}
            || (
                count(*) filter (
                    where {{ value }}::text not in ({{ driftmeter.literals(column.accepted) }})
                ) / {{ known }}
            )
    {%- endif %}
{%- endmacro %}
