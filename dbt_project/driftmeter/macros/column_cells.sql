{#
    Counts of one column's values by cell: a day, a version, a value of every segment, and a
    category or a bin. Each is one plain `group by` over the rows of the window, so that it runs on
    several cores or machines; parts of a day add up cells and read no row again.
#}
{% macro category_cells(column, keys) -%}
        select
            {{ keys | join(',\n            ') }},
            {{ column.number }} as column_number,
            null::integer as bin,
            category,
            row_count,
            null::double precision as low,
            null::double precision as high,
            null::bigint as zero_count,
            {%- if column.get('accepted') %}
            case
                when category not in ({{ driftmeter.literals(column.accepted) }}) then row_count
                else 0
            end as outside_count,
            {%- else %}
            null::bigint as outside_count,
            {%- endif %}
            null::double precision as step,
            null::numeric as total,
            null::numeric as squares
        from (
            select
                {{ keys | join(',\n                ') }},
                {{ column.alias }}::text as category,
                count(*) as row_count
            from scored
            group by {{ keys | join(', ') }}, {{ column.alias }}::text
        ) as counted
{%- endmacro %}


{% macro number_cells(column, keys, large_days) -%}
        select
            {{ keys | join(',\n            ') }},
            {{ column.number }} as column_number,
            width_bucket(number, (select cuts.{{ column.alias }} from cuts)) as bin,
            null::text as category,
            {{ driftmeter.number_counts(column) }},
            null::double precision as step,
            null::numeric as total,
            null::numeric as squares
        from (
            select
                {{ keys | join(',\n                ') }},
                {{ column.alias }}::double precision as number
            from scored
            {%- if large_days %}
            where partition_date not in ({{ driftmeter.literals(large_days) }})
            {%- endif %}
        ) as numbers
        group by {{ keys | join(', ') }}, bin
{%- endmacro %}


{#
    On a large day a cell holds the numbers within one step of 1/64 of the natural logarithm, 1.6%
    of the number: quantiles and moments come of these, for to sort the rows of every part takes
    twice as long as all the rest. A sum of floats depends on the order of the rows, so that sums
    are of whole numbers: how far a number is above where its step begins, in 2^-56ths of that,
    and for squares in 2^-62ths.
#}
{% macro number_steps(column, keys, large_days) -%}
    {#- Postgres reuses the step as a key only where it is written alike. -#}
    {%- set step = 'floor(64 * ln(magnitude))' -%}
    {%- set above = '(magnitude * exp(-' ~ step ~ ' / 64) - 1)' -%}
        select
            {{ keys | join(',\n            ') }},
            {{ column.number }} as column_number,
            bin,
            null::text as category,
            row_count,
            low,
            high,
            zero_count,
            outside_count,
            case
                when {{ driftmeter.is_finite('low') }} and {{ driftmeter.is_finite('high') }}
                    -- No two cells of a column have the same: those below zero lie below all others.
                    then case when is_negative then -100000 - step else step end
            end as step,
            case
                when low = high then row_count * low::numeric
                else
                    case when is_negative then -1 else 1 end
                    * beginning * (row_count + sum_above / {{ 2 ** 56 }}::numeric)
            end as total,
            case
                when low = high then row_count * low::numeric * low::numeric
                else
                    beginning * beginning * (
                        row_count
                        + 2 * sum_above / {{ 2 ** 56 }}::numeric
                        + squares_above / {{ 2 ** 62 }}::numeric
                    )
            end as squares
        from (
            select
                counted.*,
                exp(counted.step / 64)::numeric as beginning
            from (
                select
                    {{ keys | join(',\n                ') }},
                    width_bucket(number, (select cuts.{{ column.alias }} from cuts)) as bin,
                    number < 0 as is_negative,
                    {{ step }} as step,
                    {{ driftmeter.number_counts(column) }},
                    sum(({{ above }} * {{ 2 ** 56 }})::bigint) as sum_above,
                    sum(({{ above }} ^ 2 * {{ 2 ** 62 }})::bigint) as squares_above
                from (
                    select
                        {{ keys | join(',\n                    ') }},
                        {{ column.alias }}::double precision as number,
                        -- What `ln` and `exp` can take of zero, infinity and what is no number.
                        least(
                            greatest(abs({{ column.alias }}::double precision), 1e-300), 1e308
                        ) as magnitude
                    from scored
                    where partition_date in ({{ driftmeter.literals(large_days) }})
                ) as numbers
                group by {{ keys | join(', ') }}, bin, is_negative, {{ step }}
            ) as counted
        ) as placed
{%- endmacro %}


{% macro number_counts(column) -%}
    count(*) as row_count,
            min(number) as low,
            max(number) as high,
            count(*) filter (where number = 0) as zero_count,
            {%- if column.get('range') %}
            count(*) filter (
                where not number between {{ column.range[0] }} and {{ column.range[1] }}
            ) as outside_count
            {%- else %}
            null::bigint as outside_count
            {%- endif %}
{%- endmacro %}
