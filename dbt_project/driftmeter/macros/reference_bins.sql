{#
    Bins of every column of one monitor, from its reference days.

    A number's bins are cut at the 5% quantiles, both ends included, and finer in the tails (1% and
    0.1%): one absurd value in the reference must not make room for many. A value that holds two
    quantiles or more (a flat fee, a zero) gets a bin of its own, a hair wide, so that a new value
    beside it is seen. Bin 0 lies below the first cut, the last bin above the highest value.
    A category's bin is its rank by frequency.

    What reads rows counts equal values of one column, a plain `group by`. Of a reference of more
    rows than `vars.bin_rows` the cuts are of a sample: bins need no better, and the values of
    every row would fit into no one machine. Categories are of all rows: a rare one is not new.
#}
{% macro reference_bins(name) -%}
    {%- set reference_span = driftmeter.reference_days(name) -%}
    {%- set columns = driftmeter.monitor_columns(name) -%}
    {%- set numerical = columns | selectattr('kind', 'equalto', 'numerical') | list -%}
    {%- set categorical = columns | selectattr('kind', 'equalto', 'categorical') | list -%}
    with reference as {{ "not " if var('distributed', false) }}materialized (

        select
            {%- for column in columns %}
            {{ column.sql }} as {{ column.alias }},
            {%- endfor %}
            {{ driftmeter.is_sampled(name) }} as is_sampled
        from {{ ref(name) }}
        where
            partition_date between '{{ reference_span["from"] }}'
            and '{{ reference_span["to"] }}'

    ),

    numbers as materialized (

        {%- for column in numerical %}
        select
            {{ column.number }} as column_number,
            {{ column.alias }}::double precision as number,
            count(*) as row_count
        from reference
        where is_sampled and {{ driftmeter.is_finite(column.alias) }}
        group by {{ column.alias }}::double precision
        {%- if not loop.last %}
        union all
        {%- endif %}
        {%- endfor %}

    ),

    ranked as (

        select
            column_number,
            sum(row_count) as number_count,
            array_agg(number order by number) as numbers,
            array_agg(last_rank order by number) as last_ranks
        from (
            select
                numbers.*,
                (
                    sum(numbers.row_count) over (
                        partition by numbers.column_number order by numbers.number
                    )
                )::bigint as last_rank
            from numbers
        ) as counted
        group by column_number

    ),

    quantiles as (

        select
            columns.column_name,
            levels.level,
            -- As `percentile_disc` takes it: the first number of at least so many rows.
            ranked.numbers[
                1 + width_bucket(
                    greatest(ceil(levels.level * ranked.number_count), 1)::bigint - 1,
                    ranked.last_ranks
                )
            ] as quantile
        from ranked
        inner join (
            values
            {%- for column in numerical %}
            ({{ column.number }}, {{ driftmeter.literal(column.name) }}){{ ',' if not loop.last }}
            {%- endfor %}
        ) as columns (column_number, column_name)
            on ranked.column_number = columns.column_number
        cross join (
            select (step / 20.0)::double precision as level from generate_series(0, 20) as step
            union all
            select unnest(array[0.001, 0.01, 0.99, 0.999]::double precision[])
        ) as levels

    ),

    atoms as (

        select
            column_name,
            quantile,
            count(*) > 1 or bool_or(level = 1) as is_atom
        from quantiles
        group by column_name, quantile

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

    {#- A union needs a member. #}
    categories as materialized (

        {%- for column in categorical %}
        select
            {{ driftmeter.literal(column.name) }} as column_name,
            {{ driftmeter.category_of(column) }} as category,
            count(*) as row_count
        from reference
        where {{ driftmeter.category_of(column) }} is not null
        group by category
        {%- if not loop.last %}
        union all
        {%- endif %}
        {%- else %}
        select null::text as column_name, null::text as category, 0::bigint as row_count
        where false
        {%- endfor %}

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


{# Whether a row of the reference is one that cuts are taken from: as likely as any other. #}
{% macro is_sampled(name) -%}
    {%- if not driftmeter.is_run() -%}{{ return('true') }}{%- endif -%}
    {%- set reference_span = driftmeter.reference_days(name) -%}
    {%- set rows = run_query(
        'select count(*) from ' ~ ref(name) ~ " where partition_date between '"
        ~ reference_span['from'] ~ "' and '" ~ reference_span['to'] ~ "'"
    ).columns[0][0] -%}
    {%- set most_rows = var('bin_rows') | int -%}
    {%- if rows <= most_rows -%}{{ return('true') }}{%- endif -%}
    {%- set id = driftmeter.quoted(driftmeter.monitor_config(name).id) -%}
    {%- set names = [] -%}
    {%- for column in driftmeter.monitor_columns(name) -%}
        {%- do names.append(driftmeter.quoted(column.source)) -%}
    {%- endfor -%}
    {%- set hashes = 2 ** 30 -%}
    {#- Rows without an id are told apart by what is in them. -#}
    {%- set text = 'coalesce(' ~ id ~ '::text, row(' ~ names | unique | join(', ') ~ ')::text)' -%}
    (hashtextextended({{ text }}, 0) & {{ hashes - 1 }}) < {{ (hashes * most_rows / rows) | int }}
{%- endmacro %}


{# Postgres holds NaN above every number, so this is false for it as for both infinities. #}
{% macro is_finite(column) -%}
    abs({{ column }}::double precision) < 'infinity'
{%- endmacro %}
