{# A team's own metrics, by a function that `driftmeter up` puts into the warehouse. #}

{#
    Metrics of a monitor by name, as `Monitor.metrics` has them in Python: the team's own, and the
    share of each feature in the sizes of all attributions.
#}
{% macro metrics_of(name) -%}
    {%- set monitor = driftmeter.monitor_config(name) -%}
    {%- set metrics, attributions = {}, monitor.get('attributions') -%}
    {%- do metrics.update(monitor.get('metrics') or {}) -%}
    {%- if attributions -%}
        {%- set sizes, of_all = {}, [] -%}
        {%- for feature in attributions.get('features') or monitor.features -%}
            {%- set column = attributions.prefix ~ feature -%}
            {%- set size = 'sum(abs(' ~ driftmeter.quoted(column) ~ '))' -%}
            {%- do sizes.update({column: size}) -%}
            {%- do of_all.append('coalesce(' ~ size ~ ', 0)') -%}
        {%- endfor -%}
        {%- for column, size in sizes.items() -%}
            {%- do metrics.update({column: {
                'sql': size ~ ' / nullif(' ~ of_all | join(' + ') ~ ', 0)'
            }}) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(metrics) }}
{%- endmacro %}


{#
    SQL whose columns are hashed with the monitored ones: the team's own, and protected columns.
#}
{% macro own_expressions(name) -%}
    {%- set monitor = driftmeter.monitor_config(name) -%}
    {%- set expressions = [] -%}
    {%- for metric in driftmeter.metrics_of(name).values() -%}
        {%- do expressions.append(metric.sql) -%}
    {%- endfor -%}
    {%- if (monitor.get('value') or {}).get('sql') -%}
        {%- do expressions.append(monitor.value.sql) -%}
    {%- endif -%}
    {%- for column in monitor.get('protected') or [] -%}
        {%- do expressions.append(driftmeter.quoted(column)) -%}
    {%- endfor -%}
    {{ return(expressions) }}
{%- endmacro %}


{# Columns of a monitor's table that `own_expressions` name, as an array; nothing without them. #}
{% macro columns_of_own_sql(name, relation) -%}
    {%- set expressions = driftmeter.own_expressions(name) -%}
    {%- if expressions %} || {{ driftmeter.in_metrics('columns_named') }}(
            {{ driftmeter.literal(relation.schema) }},
            {{ driftmeter.literal(relation.identifier) }},
            array[{{ driftmeter.literals(expressions) }}]::text[]
        )
    {%- endif -%}
{%- endmacro %}


{#
    Of this run's monitors each metric, over all rows and where it asks for that in each segment.
    None in a database that `driftmeter up` did not prepare: what fails there would end dbt's run.
#}
{% macro custom_metrics_of_run() -%}
    {%- set parts = [] -%}
    {%- for name in driftmeter.selected_monitors() if driftmeter.is_prepared() -%}
        {%- for metric, about in driftmeter.metrics_of(name).items() -%}
            {%- set segments = driftmeter.monitor_segments(name) if about.get('segments') else [] -%}
            {%- for segment in [none] + segments -%}
                {%- do parts.append({
                    'monitor': name, 'metric': metric, 'sql': about.sql, 'segment': segment
                }) -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(parts) }}
{%- endmacro %}


{# Values of one metric over all rows, with a row for each day, or in a segment. #}
{% macro custom_metric(part) -%}
    {%- set relation = ref(part.monitor) -%}
    {%- set segment, every = part.segment, driftmeter.cadence_of(part.monitor) -%}
    {%- set text -%}
        {%- if segment -%}
            coalesce({{ driftmeter.category_of(segment, driftmeter.quoted(segment.name)) }}, '(missing)')
        {%- else -%}null::text{%- endif -%}
    {%- endset -%}
    {%- set found = 'computed.value' -%}
    {%- set is_finite -%}
        {{ found }} > '-infinity' and {{ found }} < 'infinity'
    {%- endset %}
    select
        {{ driftmeter.literal(part.monitor) }}::text as monitor,
        {{ driftmeter.batch_columns(part.monitor, 'days.partition_date') }},
        {{ driftmeter.literal(segment.name) ~ '::text' if segment else 'null::text' }} as segment,
        computed.segment_value,
        {{ driftmeter.literal(part.metric) }}::text as metric,
        {#- To twelve digits: the last ones of a sum of doubles depend on the order of its rows. #}
        case
            when not ({{ is_finite }}) then null
            when {{ found }} = 0 then 0
            else round({{ found }}::numeric, 11 - floor(log(abs({{ found }})))::int)::double precision
        end as value,
        coalesce(computed.row_count, 0)::bigint as row_count,
        case
            when computed.day is null then 'no row came'
            when computed.reason is not null
                then 'its expression fails: ' || computed.reason || '. Correct its `sql`'
            when {{ found }} is null then 'its expression gives no value'
            when not ({{ is_finite }}) then 'its expression gives ' || {{ found }}::text
        end as reason
    from ({{ driftmeter.days_in_window(relation, every, driftmeter.timezone_of(part.monitor)) }}) as days
    {{ 'inner' if segment else 'left' }} join {{ driftmeter.in_metrics(driftmeter.on_batches('custom_metric_values', every)) }}(
        {{ driftmeter.literal(relation.schema) }},
        {{ driftmeter.literal(relation.identifier) }},
        {{ driftmeter.literal(part.sql) }},
        {{ driftmeter.literal(text) }},
        {{ driftmeter.first_and_last(every, driftmeter.timezone_of(part.monitor)) }}
    ) as computed on days.partition_date = computed.day
{%- endmacro %}
