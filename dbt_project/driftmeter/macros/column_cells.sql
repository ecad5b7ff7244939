{#
    Counts of one column's values by cell: a day, a version, a value of every segment, and a
    category or a bin. Each is one plain `group by` over the rows of the window and reads no other
    relation: Postgres gives each column to a process of its own, Citus sends each to the machines
    that hold the rows. Parts of a day add up cells and read no row again.

    The cuts of bins are literals: with a subquery in their place Postgres 15 and 16 would use one
    process, and Citus would have to bring it to every machine.
#}
{% macro category_cells(column, keys) -%}
        select
            {{ keys | join(',\n            ') }},
            {{ column.number }} as column_number,
            category,
            null::integer as bin,
            null::double precision as place,
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
            null::numeric as total,
            null::numeric as squares
        from (
            select
                {{ keys | join(',\n                ') }},
                {{ driftmeter.category_of(column) }} as category,
                count(*) as row_count
            from scored
            group by {{ keys | join(', ') }}, category
        ) as counted
{%- endmacro %}


{# Numbers by bin, of days whose moments and quantiles come of the rows themselves. #}
{% macro number_cells(column, keys, days, cuts) -%}
        select
            {{ keys | join(',\n            ') }},
            {{ column.number }} as column_number,
            null::text as category,
            width_bucket(number, {{ cuts }}) as bin,
            null::double precision as place,
            count(*) as row_count,
            min(number) as low,
            max(number) as high,
            count(*) filter (where number = 0) as zero_count,
            {{ driftmeter.outside_count(column) }} as outside_count,
            null::numeric as total,
            null::numeric as squares
        from (
            select
                {{ keys | join(',\n                ') }},
                {{ driftmeter.number_of(column.alias) }} as number
            from scored
            {%- if days %}
            where partition_date in ({{ driftmeter.literals(days) }})
            {%- endif %}
        ) as numbers
        group by {{ keys | join(', ') }}, bin
{%- endmacro %}


{#
    On a large day a cell holds the numbers within one step of 1/64 of the natural logarithm, 1.6%
    of the number: quantiles and moments come of these, for to sort the rows of every part takes
    twice as long as all the rest. A sum of floats depends on the order of the rows, so that sums
    are of whole numbers: how far a number is above where its step begins, in 2^-56ths of that,
    and for squares in 2^-62ths. Where the numbers are far from zero and close together, these
    parts are too coarse for a standard deviation: steps and sums are then of the distance from
    `anchor_of` the column.
#}
{% macro number_steps(column, keys, days, cuts, anchor) -%}
    {%- set distance = driftmeter.distance_from_anchor(column, anchor) -%}
    {#- What 1 is to where the step begins. Postgres computes it once a row as a key, and reads it
        from there where it is written alike. -#}
    {%- set scale = 'exp(-floor(64 * ln(magnitude)) / 64)' -%}
    {%- set above = '(magnitude * ' ~ scale ~ ' - 1)' -%}
        select
            {{ keys | join(',\n            ') }},
            {{ column.number }} as column_number,
            null::text as category,
            bin,
            case
                when {{ driftmeter.is_finite('low') }} and {{ driftmeter.is_finite('high') }}
                    -- Steps are between -50,000 and 50,000: no two cells have the same place.
                    then direction * (100000 + step)
            end as place,
            row_count,
            low,
            high,
            zero_count,
            outside_count,
            case
                when nearest = farthest then row_count * {{ driftmeter.exact_number('nearest') }}
                else
                    direction::numeric
                    * beginning * (row_count + sum_above / {{ 2 ** 56 }}::numeric)
            end as total,
            case
                when nearest = farthest
                    then
                        row_count
                        * {{ driftmeter.exact_number('nearest') }}
                        * {{ driftmeter.exact_number('nearest') }}
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
                round(-64 * ln(counted.scale)) as step,
                exp(round(-64 * ln(counted.scale)) / 64)::numeric as beginning
            from (
                select
                    {{ keys | join(',\n                    ') }},
                    width_bucket(number, {{ cuts }}) as bin,
                    sign(distance) as direction,
                    {{ scale }} as scale,
                    count(*) as row_count,
                    min(number) as low,
                    max(number) as high,
                    min(distance) as nearest,
                    max(distance) as farthest,
                    count(*) filter (where number = 0) as zero_count,
                    {{ driftmeter.outside_count(column) }} as outside_count,
                    sum(({{ above }} * {{ 2 ** 56 }})::bigint) as sum_above,
                    sum(({{ above }} * {{ above }} * {{ 2 ** 62 }})::bigint) as squares_above
                from (
                    select
                        {{ keys | join(',\n                        ') }},
                        {{ driftmeter.number_of(column.alias) }} as number,
                        {{ distance }} as distance,
                        -- What `ln` and `exp` can take of zero, infinity and what is no number.
                        least(greatest(abs({{ distance }}), 1e-300), 1e308) as magnitude
                    from scored
                    where partition_date in ({{ driftmeter.literals(days) }})
                ) as numbers
                group by {{ keys | join(', ') }}, bin, direction, {{ scale }}
            ) as counted
        ) as placed
{%- endmacro %}


{% macro outside_count(column) -%}
    {%- if column.get('range') -%}
        count(*) filter (where not number between {{ column.range[0] }} and {{ column.range[1] }})
    {%- else -%}null::bigint{%- endif -%}
{%- endmacro %}
