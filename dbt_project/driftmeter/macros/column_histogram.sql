{#
    Counts by bin of every column and segment of one monitor, in one pass over its days. Bin -1
    holds the nulls; bin 0 what the reference never had, categories kept by name.
#}
{% macro column_histogram(name) -%}
    {%- set columns = driftmeter.monitor_columns(name) -%}
    {%- set numerical = columns | selectattr('kind', 'equalto', 'numerical') | list -%}
    {%- set segments = driftmeter.monitor_segments(name) -%}
    with bins as (

        select
            column_name,
            bin,
            bin_low,
            bin_high,
            category,
            coalesce(category, bin::text) as bin_key
        from {{ ref('reference_bins') }}
        where monitor = {{ driftmeter.literal(name) }}

    ),

    cuts as (

        select
            {%- for column in numerical %}
            coalesce(array_agg(bin_low order by bin) filter (
                where column_name = {{ driftmeter.literal(column.name) }} and bin > 0
            ), '{}') as {{ column.alias }}{{ ',' if not loop.last }}
            {%- endfor %}
        from bins

    ),

    scored as (

{{ driftmeter.monitored_rows(name) }}

    ),

    counted as (

        select
            scored.partition_date,
            scored.row_version as model_version,
            {{ driftmeter.segment_name(segments) }} as segment,
            {{ driftmeter.segment_value(segments) }} as segment_value,
            cells.column_name,
            cells.is_category,
            cells.bin_key,
            count(*) as row_count
        from scored
        cross join cuts
        cross join lateral (
            values
            {%- for column in columns %}
            {%- if column.kind == 'numerical' %}
            (
                {{ driftmeter.literal(column.name) }},
                false,
                width_bucket(
                    scored.{{ column.alias }}::double precision, cuts.{{ column.alias }}
                )::text
            ){{ ',' if not loop.last }}
            {%- else %}
            ({{ driftmeter.literal(column.name) }}, true, scored.{{ column.alias }}::text)
            {{- ',' if not loop.last }}
            {%- endif %}
            {%- endfor %}
        ) as cells (column_name, is_category, bin_key)
        group by
            {{ driftmeter.segment_grouping_sets(
                [
                    'scored.partition_date',
                    'scored.row_version',
                    'cells.column_name',
                    'cells.is_category',
                    'cells.bin_key',
                ],
                segments
            ) }}

    )

    select
        counted.model_version::text as model_version,
        counted.partition_date::date as partition_date,
        counted.segment::text as segment,
        counted.segment_value::text as segment_value,
        counted.column_name::text as column_name,
        case
            when counted.bin_key is null then -1 else coalesce(bins.bin, 0)
        end::integer as bin,
        bins.bin_low::double precision as bin_low,
        bins.bin_high::double precision as bin_high,
        case when counted.is_category then counted.bin_key end::text as category,
        counted.row_count::bigint as row_count
    from counted
    left join bins
        on
            counted.column_name = bins.column_name
            and counted.bin_key = bins.bin_key
{%- endmacro %}
