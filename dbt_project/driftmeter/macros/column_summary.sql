{#
    What every column of one monitor is like on each of the run's days, for all rows and for each
    value of each segment: these are the parts of a day. Rows are counted into cells once; parts
    add up cells. What reads rows is a plain `group by` in a materialized step of its own, which
    Citus sends to the machines that hold them.

    The days come first, so that an empty day has its rows: counts of 0, and all else null.
    NaN is missing like null; moments and quantiles are over finite numbers.
#}
{% macro column_summary(name) -%}
    {%- set columns = driftmeter.monitor_columns(name) -%}
    {%- set numerical = columns | selectattr('kind', 'equalto', 'numerical') | list -%}
    {%- set segments = driftmeter.monitor_segments(name) -%}
    {%- set days = driftmeter.days_by_size(name) -%}
    {#- A run of no rows has a small day: counts of it are empty, and not missing. #}
    {%- set has_small_days = days.small or not days.large -%}
    {%- set cuts = driftmeter.reference_cuts(name) -%}
    {%- set anchors = {} -%}
    {%- for column in numerical -%}
        {%- do anchors.update({
            column.number: driftmeter.anchor_of(cuts.get(column.name, '{}'))
        }) -%}
    {%- endfor -%}
    {%- set keys = ['partition_date', 'row_version'] + (segments | map(attribute='alias') | list) -%}
    with columns (column_number, column_name, kind) as (

        values
        {%- for column in columns %}
        ({{ column.number }}, {{ driftmeter.literal(column.name) }}, '{{ column.kind }}')
        {{- ',' if not loop.last }}
        {%- endfor %}

    ),

    bins as (

        select
            columns.column_number,
            reference_bins.bin,
            reference_bins.bin_low,
            reference_bins.bin_high,
            coalesce(
                {#- Of labels: bins of a release that did not spell them alike hold. #}
                {%- for column in columns if column.get('is_label') %}
                case
                    when columns.column_number = {{ column.number }}
                        then {{ driftmeter.label_of('reference_bins.category', 'null') }}
                end,
                {%- endfor %}
                reference_bins.category,
                reference_bins.bin::text
            ) as bin_key
        from {{ ref('reference_bins') }} as reference_bins
        inner join columns on reference_bins.column_name = columns.column_name
        where reference_bins.monitor = {{ driftmeter.literal(name) }}

    ),

    {#- Many rows are read by several processes or machines at once, again for each column. What is
        derived of a text is derived once. #}
    {%- set has_derived = columns | selectattr('is_derived') | list %}
    {%- set is_shared = (days.many and not has_derived) or var('distributed', false) %}
    scored as {{ "not " if is_shared }}materialized (

{{ driftmeter.monitored_rows(name) }}

    ),

    strata as materialized (

        select
            {{ keys | join(',\n            ') }},
            count(*) as row_count,
            count(row_id) as id_count
        from scored
        group by {{ keys | join(', ') }}

    ),

    -- Which parts of its day a row is in: one of all rows, and one a segment.
    parts_of_strata as materialized (

        select
            days.partition_date,
            strata.row_version,
            {%- for segment in segments %}
            strata.{{ segment.alias }},
            {%- endfor %}
            parts.segment,
            parts.segment_value,
            coalesce(strata.row_count, 0) as row_count,
            coalesce(strata.id_count, 0) as id_count,
            dense_rank() over (
                order by
                    days.partition_date,
                    strata.row_version,
                    parts.segment,
                    parts.segment_value
            ) as part
        from (
            {{ driftmeter.days_in_window(ref(name), driftmeter.cadence_of(name), driftmeter.timezone_of(name)) }}
        ) as days
        left join strata on days.partition_date = strata.partition_date
        cross join lateral (
            values
            (null, null)
            {%- for segment in segments %},
            ({{ driftmeter.literal(segment.name) }}, strata.{{ segment.alias }})
            {%- endfor %}
        ) as parts (segment, segment_value)
        -- An empty day has no segments.
        where strata.row_count > 0 or parts.segment is null

    ),

    parts as (

        select
            part,
            partition_date,
            row_version,
            segment,
            segment_value,
            sum(row_count) as row_count,
            sum(id_count) as id_count
        from parts_of_strata
        group by part, partition_date, row_version, segment, segment_value

    ),

    repeated as materialized (

        select partition_date, row_version, row_id
        from scored
        where row_id is not null
        group by partition_date, row_version, row_id
        having count(*) > 1

    ),

    -- Of ids that came twice, rows by stratum.
    repeated_cells as materialized (

        select
            {%- for key in keys %}
            scored.{{ key }},
            {%- endfor %}
            scored.row_id,
            count(*) as row_count
        from scored
        inner join repeated
            on
                scored.partition_date = repeated.partition_date
                and scored.row_id = repeated.row_id
                and scored.row_version is not distinct from repeated.row_version
        group by
            {%- for key in keys %}
            scored.{{ key }},
            {%- endfor %}
            scored.row_id

    ),

    repetitions as (

        select part, sum(row_count - 1) as row_count
        from (
            select parts_of_strata.part, cells.row_id, sum(cells.row_count) as row_count
            from repeated_cells as cells
            inner join parts_of_strata on {{ driftmeter.same_stratum('cells', segments) }}
            group by parts_of_strata.part, cells.row_id
        ) as counted
        group by part

    ),

    cells as materialized (

        {%- for column in columns %}
        {%- if column.kind == 'categorical' %}
{{ driftmeter.category_cells(column, keys) }}
        {%- else %}
        {%- set bounds = "'" ~ cuts.get(column.name, '{}') ~ "'::double precision[]" %}
        {%- if has_small_days %}
{{ driftmeter.number_cells(column, keys, days.small if days.large, bounds) }}
        {%- endif %}
        {%- if has_small_days and days.large %}
        union all
        {%- endif %}
        {%- if days.large %}
{{ driftmeter.number_steps(column, keys, days.large, bounds, anchors[column.number]) }}
        {%- endif %}
        {%- endif %}
        {%- if not loop.last %}
        union all
        {%- endif %}
        {%- endfor %}

    ),

    cells_of_parts as (

        select
            parts_of_strata.part,
            cells.column_number,
            cells.category,
            cells.bin,
            cells.place,
            sum(cells.row_count)::bigint as row_count,
            min(cells.low) as low,
            max(cells.high) as high,
            sum(cells.zero_count) as zero_count,
            sum(cells.outside_count) as outside_count,
            sum(cells.total) as total,
            sum(cells.squares) as squares
        from cells
        inner join parts_of_strata on {{ driftmeter.same_stratum('cells', segments) }}
        group by
            parts_of_strata.part,
            cells.column_number,
            cells.category,
            cells.bin,
            cells.place

    ),

    tallies as (

        select
            part,
            column_number,
            sum(row_count) filter (where low is null and category is null) as null_count,
            count(category) as category_count,
            -- For large days: two numbers of one step are not told apart.
            case when bool_and(low = high) is not false then count(low) end as number_count,
            sum(zero_count) as zero_count,
            sum(outside_count) as outside_count,
            min(low) as minimum,
            max(high) as maximum
        from cells_of_parts
        group by part, column_number

    ),

    binned as (

        select
            cells.part,
            cells.column_number,
            cells.category,
            bins.bin_low,
            bins.bin_high,
            case
                when cells.low is null and cells.category is null then -1
                else coalesce(bins.bin, 0)
            end as bin,
            cells.row_count
        from (
            select
                part,
                column_number,
                bin,
                category,
                min(low) as low,
                sum(row_count) as row_count
            from cells_of_parts
            group by part, column_number, bin, category
        ) as cells
        left join bins
            on
                cells.column_number = bins.column_number
                and coalesce(cells.category, cells.bin::text) = bins.bin_key

    ),

    histograms as (

        select
            part,
            column_number,
            coalesce(
                sum(row_count) filter (where bin = 0 and category is not null), 0
            ) as unseen_count,
            array_agg(bin order by bin, category) as bins,
            array_agg(bin_low order by bin, category) as bin_lows,
            array_agg(bin_high order by bin, category) as bin_highs,
            array_agg(category order by bin, category) as categories,
            array_agg(row_count order by bin, category) as bin_counts
        from binned
        group by part, column_number

    ),

    {%- if has_small_days %}

    moments_of_rows as materialized (

{{ driftmeter.moments_of_rows(numerical, segments, days.small if days.large, 4 if is_shared else 1, anchors) }}

    ),
    {%- endif %}

    moments as (

        {%- if has_small_days %}
{{ driftmeter.moments_of_parts() }}
        {%- endif %}
        {%- if has_small_days and days.large %}
        union all
        {%- endif %}
        {%- if days.large %}
{{ driftmeter.moments_of_steps(anchors) }}
        {%- endif %}

    )

    select
        parts.row_version::text as model_version,
        {{ driftmeter.batch_columns(name, 'parts.partition_date') }},
        parts.segment::text as segment,
        parts.segment_value::text as segment_value,
        null::text as column_name,
        null::text as kind,
        parts.row_count::bigint as row_count,
        (parts.row_count - parts.id_count)::bigint as null_count,
        (parts.id_count - coalesce(repetitions.row_count, 0))::bigint as distinct_count,
        null::bigint as zero_count,
        null::bigint as out_of_range_count,
        null::bigint as unaccepted_count,
        null::bigint as unseen_count,
        null::double precision as mean,
        null::double precision as stddev,
        null::double precision as minimum,
        null::double precision as maximum,
        {%- for level in driftmeter.quantile_levels() %}
        null::double precision as p{{ '%02d' | format(level) }},
        {%- endfor %}
        null::integer[] as bins,
        null::double precision[] as bin_lows,
        null::double precision[] as bin_highs,
        null::text[] as categories,
        null::bigint[] as bin_counts
    from parts
    left join repetitions on parts.part = repetitions.part
    union all
    select
        parts.row_version::text as model_version,
        {{ driftmeter.batch_columns(name, 'parts.partition_date') }},
        parts.segment::text as segment,
        parts.segment_value::text as segment_value,
        columns.column_name::text as column_name,
        columns.kind::text as kind,
        parts.row_count::bigint as row_count,
        coalesce(tallies.null_count, 0)::bigint as null_count,
        case
            when columns.kind = 'numerical'
                then coalesce(moments.distinct_count, tallies.number_count)
            else tallies.category_count
        end::bigint as distinct_count,
        case when columns.kind = 'numerical' then coalesce(tallies.zero_count, 0) end::bigint
        as zero_count,
        {{ driftmeter.declared_count(columns, 'range') }} as out_of_range_count,
        {{ driftmeter.declared_count(columns, 'accepted') }} as unaccepted_count,
        case when columns.kind = 'categorical' then coalesce(histograms.unseen_count, 0) end::bigint
        as unseen_count,
        moments.mean::double precision as mean,
        moments.stddev::double precision as stddev,
        tallies.minimum,
        tallies.maximum,
        {%- for level in driftmeter.quantile_levels() %}
        moments.p{{ '%02d' | format(level) }},
        {%- endfor %}
        histograms.bins::integer[] as bins,
        case when columns.kind = 'numerical' then histograms.bin_lows end as bin_lows,
        case when columns.kind = 'numerical' then histograms.bin_highs end as bin_highs,
        case when columns.kind = 'categorical' then histograms.categories end as categories,
        histograms.bin_counts::bigint[] as bin_counts
    from parts
    cross join columns
    left join tallies
        on parts.part = tallies.part and columns.column_number = tallies.column_number
    left join moments
        on parts.part = moments.part and columns.column_number = moments.column_number
    left join histograms
        on parts.part = histograms.part and columns.column_number = histograms.column_number
{%- endmacro %}


{# Whether cells or rows are of a stratum; a version may be null. #}
{% macro same_stratum(relation, segments) -%}
    {{ relation }}.partition_date = parts_of_strata.partition_date
            {%- for segment in segments %}
            and {{ relation }}.{{ segment.alias }} = parts_of_strata.{{ segment.alias }}
            {%- endfor %}
            and {{ relation }}.row_version is not distinct from parts_of_strata.row_version
{%- endmacro %}


{# A count that is 0 where a column declares what is counted, and null where it does not. #}
{% macro declared_count(columns, what) -%}
    {%- set declared = columns | selectattr(what) | map(attribute='number') | list -%}
    {%- if declared -%}
        case
            when columns.column_number in ({{ declared | join(', ') }})
                then coalesce(tallies.outside_count, 0)
        end::bigint
    {%- else -%}null::bigint{%- endif -%}
{%- endmacro %}
