{#
    Bins of every column of one monitor, from its reference days.

    A number's bins are cut at the 5% quantiles, both ends included, and finer in the tails (1% and
    0.1%): one absurd value in the reference must not make room for many. A value that holds two
    quantiles or more (a flat fee, a zero) gets a bin of its own, a hair wide, so that a new value
    beside it is seen. Bin 0 lies below the first cut, the last bin above the highest value.
    A category's bin is its rank by frequency.
#}
{% macro reference_bins(name) -%}
    {%- set reference_span = driftmeter.reference_days(name) -%}
    {%- set columns = driftmeter.monitor_columns(name) -%}
    {%- set numerical = columns | selectattr('kind', 'equalto', 'numerical') | list -%}
    {%- set categorical = columns | selectattr('kind', 'equalto', 'categorical') | list -%}
    with reference as (

        select
            {%- for column in columns %}
            {{ driftmeter.quoted(column.name) }} as {{ column.alias }}{{ ',' if not loop.last }}
            {%- endfor %}
        from {{ ref(name) }}
        where
            partition_date between '{{ reference_span["from"] }}'
            and '{{ reference_span["to"] }}'

    ),

    quantiles as (

        select
            {%- for column in numerical %}
            percentile_disc((
                select array_agg(levels.level order by levels.level)
                from (
                    select step / 20.0 as level from generate_series(0, 20) as step
                    union all
                    select unnest(array[0.001, 0.01, 0.99, 0.999])
                ) as levels
            )) within group (order by {{ column.alias }}::double precision)
            filter (where {{ driftmeter.is_finite(column.alias) }})
            as {{ column.alias }}{{ ',' if not loop.last }}
            {%- endfor %}
        from reference

    ),

    atoms as (

        select
            cuts.column_name,
            quantile,
            count(*) > 1 or quantile = cuts.quantiles[array_length(cuts.quantiles, 1)] as is_atom
        from quantiles
        cross join lateral (
            values
            {%- for column in numerical %}
            ({{ driftmeter.literal(column.name) }}, quantiles.{{ column.alias }})
            {{- ',' if not loop.last }}
            {%- endfor %}
        ) as cuts (column_name, quantiles)
        cross join lateral unnest(cuts.quantiles) as quantile
        group by cuts.column_name, cuts.quantiles, quantile

    ),

    cuts as (

        select column_name, quantile as cut from atoms
        union
        select
            column_name,
            quantile + greatest(abs(quantile), 1) * 1e-9 as cut
        from atoms
        where is_atom

    ),

    numbered as (

        select
            column_name,
            row_number() over cuts_in_order as bin,
            cut as bin_low,
            lead(cut) over cuts_in_order as bin_high
        from cuts
        window cuts_in_order as (partition by column_name order by cut)

    ),

    {#- `values` needs a row. #}
    categories as (

        {%- if categorical %}

        select cells.column_name, cells.category, count(*) as row_count
        from reference
        cross join lateral (
            values
            {%- for column in categorical %}
            ({{ driftmeter.literal(column.name) }}, reference.{{ column.alias }}::text)
            {{- ',' if not loop.last }}
            {%- endfor %}
        ) as cells (column_name, category)
        where cells.category is not null
        group by cells.column_name, cells.category

        {%- else %}

        select null::text as column_name, null::text as category, 0::bigint as row_count
        where false

        {%- endif %}

    )

    select column_name, bin, bin_low, bin_high, null::text as category
    from numbered
    union all
    select
        column_name,
        0 as bin,
        null as bin_low,
        min(bin_low) as bin_high,
        null as category
    from numbered
    group by column_name
    union all
    select
        column_name,
        row_number() over (
            partition by column_name order by row_count desc, category asc
        ) as bin,
        null as bin_low,
        null as bin_high,
        category
    from categories
{%- endmacro %}


{# Postgres holds NaN above every number, so this is false for it as for both infinities. #}
{% macro is_finite(column) -%}
    abs({{ column }}::double precision) < 'infinity'
{%- endmacro %}
