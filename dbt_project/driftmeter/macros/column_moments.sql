{% macro quantile_levels() -%}{{ return([1, 5, 25, 50, 75, 95, 99]) }}{%- endmacro %}


{#
    Moments and quantiles of each part of the days that are not large, over finite numbers: each
    column's travel as one array, since a query has at most 1,664 result columns. Moments are
    summed as numeric, for a sum of floats depends on the order of the rows on disk. To make a float
    numeric takes longer than all else: the offset keeps Postgres from doing it again for each sum
    and part. It is typed, for a zero that has yet to be cast keeps other processes out. Each block
    of columns is read by itself, so that Postgres can give it to a process of its own.
#}
{% macro moments_of_rows(columns, segments, days, blocks, anchors) -%}
        {%- set size = [1, (columns | length / blocks) | round(0, 'ceil') | int] | max -%}
        {%- for block in columns | batch(size) %}
        select
            measured.partition_date,
            measured.row_version,
            measured.segment,
            measured.segment_value,
            numbers.column_number,
            numbers.moments
        from (
            select
                scored.partition_date,
                scored.row_version,
                {{ driftmeter.segment_name(segments) }} as segment,
                {{ driftmeter.segment_value(segments) }} as segment_value
                {%- for column in block %},
                {{ driftmeter.column_moments(column.number, anchors[column.number]) }} as {{ column.alias }}
                {%- endfor %}
            from (
                select
                    partition_date,
                    row_version
                    {%- for segment in segments %},
                    {{ segment.alias }}
                    {%- endfor %}
                    {%- for column in block %},
                    case
                        when {{ driftmeter.number_of(column.alias) }} is not null
                            then {{ column.alias }}
                    end as value_{{ column.number }},
                    {{ driftmeter.finite(column.alias) }} as number_{{ column.number }},
                    case
                        when {{ driftmeter.is_finite(column.alias) }}
                            then {{ driftmeter.exact_distance(column, anchors[column.number]) }}
                    end as exact_{{ column.number }}
                    {%- endfor %}
                from scored
                {%- if days %}
                where partition_date in ({{ driftmeter.literals(days) }})
                {%- endif %}
                offset bigint '0'
            ) as scored
            group by
                {{ driftmeter.segment_grouping_sets(
                    ['scored.partition_date', 'scored.row_version'], segments
                ) }}
        ) as measured
        cross join lateral (
            values
            {%- for column in block %}
            ({{ column.number }}, measured.{{ column.alias }}){{ ',' if not loop.last }}
            {%- endfor %}
        ) as numbers (column_number, moments)
        {%- if not loop.last %}
        union all
        {%- endif %}
        {%- endfor %}
{%- endmacro %}


{# The moments of each part, from arrays by its keys. #}
{% macro moments_of_parts() -%}
        select
            parts.part,
            measured.column_number,
            measured.moments[1] as distinct_count,
            measured.moments[2] as mean,
            measured.moments[3] as stddev
            {%- for level in driftmeter.quantile_levels() %},
            measured.moments[{{ 3 + loop.index }}] as p{{ '%02d' | format(level) }}
            {%- endfor %}
        from moments_of_rows as measured
        inner join parts
            on
                measured.partition_date = parts.partition_date
                and measured.row_version is not distinct from parts.row_version
                and measured.segment is not distinct from parts.segment
                and measured.segment_value is not distinct from parts.segment_value
{%- endmacro %}


{% macro column_moments(number, anchor) -%}
    array[
                    count(distinct scored.value_{{ number }}),
                    avg(scored.exact_{{ number }}){{ " + '" ~ anchor ~ "'::numeric" if anchor }},
                    {{ driftmeter.as_double('stddev_samp(scored.exact_' ~ number ~ ')') }}
                ]::double precision[]
                || coalesce(
                    percentile_cont(
                        array[
                            {%- for level in driftmeter.quantile_levels() %}
                            {{- level / 100 }}{{ ', ' if not loop.last }}
                            {%- endfor -%}
                        ]
                    ) within group (order by scored.number_{{ number }}),
                    array[]::double precision[]
                )
{%- endmacro %}


{#
    What a column's numbers are measured from, so that those which are far from zero and close
    together keep the digits in which they differ: the middle one of its cuts where all of them are
    within 1/64 of it, and else 0. It is a literal for the reason that the cuts are.
#}
{% macro anchor_of(cuts) -%}
    {%- set bounds = [] -%}
    {%- for bound in cuts[1:-1].split(',') if bound -%}
        {%- do bounds.append(bound | float) -%}
    {%- endfor -%}
    {%- if not bounds -%}{{ return(0) }}{%- endif -%}
    {%- set middle = bounds[(bounds | length - 1) // 2] -%}
    {%- set farthest = [bounds[-1] - middle, middle - bounds[0]] | max -%}
    {{ return(middle if 64 * farthest < middle | abs else 0) }}
{%- endmacro %}


{# How far a number is from the column's anchor; a whole number beyond 2^53 is no double. #}
{% macro distance_from_anchor(column, anchor) -%}
    {%- if anchor == 0 -%}
        {{ driftmeter.number_of(column.alias) }}
    {%- elif anchor | abs < 2 ** 52 -%}
        ({{ driftmeter.number_of(column.alias) }} - '{{ anchor }}'::double precision)
    {%- else -%}
        ({{ driftmeter.exact_number(column.alias) }} - '{{ anchor }}'::numeric)::double precision
    {%- endif -%}
{%- endmacro %}


{# The same as numeric, with every digit; of a column without an anchor the number itself. #}
{% macro exact_distance(column, anchor) -%}
    {{ driftmeter.exact_number(
        driftmeter.distance_from_anchor(column, anchor) if anchor else column.alias
    ) }}
{%- endmacro %}


{# A number, or null where it is infinite or none. #}
{% macro finite(column) -%}
    case when {{ driftmeter.is_finite(column) }} then {{ column }}::double precision end
{%- endmacro %}


{#
    Moments and quantiles of each part of the large days, from the cells of `number_steps`. The
    numbers of a step are taken to be evenly spread between its lowest and highest, so that a
    quantile is off by less than the step is wide.
#}
{% macro moments_of_steps(anchors) -%}
        select
            measured.part,
            measured.column_number,
            null::double precision as distinct_count,
            measured.mean,
            measured.stddev
            {%- for level in driftmeter.quantile_levels() %},
            quantiles.numbers[{{ loop.index }}] as p{{ '%02d' | format(level) }}
            {%- endfor %}
        from (
            select
                part,
                column_number,
                sum(row_count)::bigint as number_count,
                (
                    sum(total) / sum(row_count)
                    + case column_number
                        {%- for number, anchor in anchors.items() %}
                        when {{ number }} then '{{ anchor }}'::numeric
                        {%- endfor %}
                    end
                )::double precision as mean,
                {{ driftmeter.as_double(
                    'sqrt(greatest(sum(row_count) * sum(squares) - sum(total) * sum(total), 0)'
                    ~ ' / nullif(sum(row_count) * (sum(row_count) - 1), 0))'
                ) }} as stddev,
                array_agg(first_rank order by first_rank) as first_ranks,
                array_agg(row_count order by first_rank) as row_counts,
                array_agg(low order by first_rank) as lows,
                array_agg(high order by first_rank) as highs
            from (
                select
                    cells.*,
                    (sum(cells.row_count) over (
                        partition by cells.part, cells.column_number order by cells.place, cells.bin
                    ))::bigint - cells.row_count as first_rank
                from cells_of_parts as cells
                where cells.place is not null
            ) as ranked
            group by part, column_number
        ) as measured
        cross join lateral (
            select
                array_agg(
                    below.number * (1 - ranks.rank % 1) + above.number * (ranks.rank % 1)
                    order by levels.level
                ) as numbers
            from (
                values
                ({{ driftmeter.quantile_levels() | join('), (') }})
            ) as levels (level)
            cross join lateral (
                select levels.level * (measured.number_count - 1) / 100.0 as rank
            ) as ranks
            cross join lateral (
                {{ driftmeter.number_at_rank('floor(ranks.rank)::bigint') }}
            ) as below
            cross join lateral (
                {{ driftmeter.number_at_rank('ceil(ranks.rank)::bigint') }}
            ) as above
        ) as quantiles
{%- endmacro %}


{% macro number_at_rank(rank) -%}
    select
                    measured.lows[at.position]
                    + (measured.highs[at.position] - measured.lows[at.position])
                    * ({{ rank }} - measured.first_ranks[at.position])
                    / greatest(measured.row_counts[at.position] - 1, 1) as number
                from (
                    select width_bucket({{ rank }}, measured.first_ranks) as position
                ) as at
{%- endmacro %}
