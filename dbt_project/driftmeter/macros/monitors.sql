{# Reads what `config.meta.monitor` declares on an inference model. #}

{# Names of the monitors of this run; every declared one must be listed, or nobody watches it. #}
{% macro selected_monitors() -%}
    {%- if execute -%}
        {%- for node in graph.nodes.values()
            if node.resource_type == 'model'
            and 'monitor' in (node.config.meta or {})
            and node.name not in var('monitors') -%}
            {{ exceptions.raise_compiler_error(
                'dbt_project.yml, vars.monitors: ' ~ node.name ~ ' declares config.meta.monitor '
                ~ 'and is not in the list. Add it'
            ) }}
        {%- endfor -%}
    {%- endif -%}
    {{ return([var('monitor')] if var('monitor') else var('monitors')) }}
{%- endmacro %}


{# The block of YAML of one monitor; empty while dbt only parses. #}
{% macro monitor_config(name) -%}
    {%- if not execute -%}{{ return({}) }}{%- endif -%}
    {%- for node in graph.nodes.values() if node.name == name and 'monitor' in node.config.meta -%}
        {{ return(node.config.meta.monitor) }}
    {%- endfor -%}
    {{ exceptions.raise_compiler_error(
        'dbt_project.yml, vars.monitors: no model ' ~ name ~ ' declares config.meta.monitor'
    ) }}
{%- endmacro %}


{# How often the monitor scores: hour, day, week or month. #}
{% macro cadence_of(name) -%}
    {{ return(driftmeter.monitor_config(name).get('every', 'day')) }}
{%- endmacro %}


{#
    The column of a monitor's table that says of which batch a row is: its day, or the instant at
    which its hour begins. Steps of a model know it by the name of the day.
#}
{% macro batch_of(name) -%}
    {{- 'partition_start' if driftmeter.cadence_of(name) == 'hour' else 'partition_date' -}}
{%- endmacro %}


{# The time zone that a monitor declares, as a literal. #}
{% macro timezone_of(name) -%}
    {{- driftmeter.literal(driftmeter.monitor_config(name).get('timezone', 'UTC')) -}}
{%- endmacro %}


{# The day of a batch, and the instant at which it begins, of what `batch_of` gives. #}
{% macro batch_columns(name, batch) -%}
    {%- set zone = driftmeter.timezone_of(name) -%}
    {%- if driftmeter.cadence_of(name) == 'hour' -%}
        ({{ batch }} at time zone {{ zone }})::date as partition_date,
        {{ batch }} as partition_start
    {%- else -%}
        {{ batch }}::date as partition_date,
        {{ batch }}::timestamp at time zone {{ zone }} as partition_start
    {%- endif -%}
{%- endmacro %}


{# The time zone that the model's own monitor declares: a day of its rows begins there. #}
{% macro timezone() -%}
    {%- set monitor = (model.config.meta or {}).get('monitor') or {} -%}
    {{- monitor.get('timezone', 'UTC') | replace("'", "''") -}}
{%- endmacro %}


{#
    Every compared column with its kind: features, prediction, and the target where there is one.
    In the place of a text or a vector are the columns that are derived of it. `source` is the
    column of the table, and `sql` what the column is of a row. In SQL each goes by its number,
    `column_1`: a name of its own might be anything.
#}
{% macro monitor_columns(name) -%}
    {%- set monitor = driftmeter.monitor_config(name) -%}
    {%- set columns = [] -%}
    {%- for feature, about in monitor.get('features', {}).items() -%}
        {%- do columns.extend(driftmeter.columns_of_feature(name, feature, about)) -%}
    {%- endfor -%}
    {%- if monitor -%}
        {%- set kind = 'categorical' if monitor.task == 'multiclass' else 'numerical' -%}
        {%- do columns.append({'name': monitor.prediction, 'kind': kind}) -%}
    {%- endif -%}
    {%- if monitor.get('target') -%}
        {%- set kind = 'numerical' if monitor.task == 'regression' else 'categorical' -%}
        {%- do columns.append({
            'name': monitor.target, 'kind': kind, 'is_label': monitor.task == 'classification'
        }) -%}
    {%- endif -%}
    {%- for column in columns -%}
        {%- do column.update({'number': loop.index, 'alias': 'column_' ~ loop.index}) -%}
        {%- if not column.get('is_derived') -%}
            {%- do column.update({
                'source': column.name, 'sql': driftmeter.quoted(column.name)
            }) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(columns) }}
{%- endmacro %}


{# Columns that hold the probabilities of several classes. #}
{% macro probability_columns(name) -%}
    {%- set declared = driftmeter.monitor_config(name).get('probabilities') or [] -%}
    {%- if declared is mapping -%}{{ return(declared.values() | list) }}{%- endif -%}
    {{ return([declared] if declared is string else []) }}
{%- endmacro %}


{# Columns whose values split a day, `segment_1` and so on in SQL. #}
{% macro monitor_segments(name) -%}
    {%- set segments = [] -%}
    {%- for segment in driftmeter.monitor_config(name).get('segments', []) -%}
        {%- set labels = driftmeter.monitor_columns(name) | selectattr('is_label') -%}
        {%- set is_label = segment in labels | map(attribute='name') -%}
        {%- do segments.append({
            'name': segment, 'alias': 'segment_' ~ loop.index, 'is_label': is_label
        }) -%}
    {%- endfor -%}
    {{ return(segments) }}
{%- endmacro %}


{# Rows of the run's days under our own names: day, id, version, segments as text, columns. #}
{% macro monitored_rows(name) -%}
    {%- set monitor = driftmeter.monitor_config(name) -%}
        select
            {%- if driftmeter.cadence_of(name) == 'day' and driftmeter.is_one_day() %}
            date '{{ var("start_date") }}' as partition_date,
            {%- elif driftmeter.cadence_of(name) == 'hour' %}
            {{ driftmeter.batch_of(name) }} as partition_date,
            {%- else %}
            partition_date,
            {%- endif %}
            {{ driftmeter.quoted(monitor.id) }} as row_id,
            {{ driftmeter.text_of(driftmeter.quoted(monitor.model_version)) }} as row_version
            {%- for segment in driftmeter.monitor_segments(name) %},
            coalesce(
                {{ driftmeter.category_of(segment, driftmeter.quoted(segment.name)) }}, '(missing)'
            ) as {{ segment.alias }}
            {%- endfor %}
            {%- for column in driftmeter.monitor_columns(name) %},
            {{ column.sql }} as {{ column.alias }}
            {%- endfor %}
        from {{ ref(name) }}
        where {{ driftmeter.in_window(every=driftmeter.cadence_of(name)) }}
{%- endmacro %}


{# First and last reference day of one monitor. Variables choose the days of daily monitors. #}
{% macro reference_days(name) -%}
    {%- set declared = driftmeter.monitor_config(name).reference -%}
    {%- if driftmeter.cadence_of(name) != 'day' -%}{{ return(declared) }}{%- endif -%}
    {{ return({
        'from': var('reference_from') or declared['from'],
        'to': var('reference_to') or declared['to'],
    }) }}
{%- endmacro %}


{# Of this run's monitors, those whose reference days the window touches. #}
{% macro monitors_with_reference_in_window() -%}
    {%- set touched = [] -%}
    {%- for name in driftmeter.selected_monitors() if execute -%}
        {%- set reference = driftmeter.reference_days(name) -%}
        {#- A week or a month that begins in the reference may end after it. -#}
        {%- if not driftmeter.has_window() or driftmeter.cadence_of(name) not in ('day', 'hour') or (
            reference['from'] | string < var('end_date') | string
            and reference['to'] | string >= var('start_date') | string
        ) -%}
            {%- do touched.append(name) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(touched) }}
{%- endmacro %}


{# Which segment a row of grouping sets is of; null for all rows. #}
{% macro segment_name(segments) -%}
    {%- if not segments -%}null{%- else -%}
    case
    {%- for segment in segments %}
        when grouping(scored.{{ segment.alias }}) = 0
            then {{ driftmeter.literal(segment.name) }}
    {%- endfor %}
    end
    {%- endif -%}
{%- endmacro %}


{% macro segment_value(segments) -%}
    {%- if not segments -%}null{%- else -%}
    case
    {%- for segment in segments %}
        when grouping(scored.{{ segment.alias }}) = 0 then scored.{{ segment.alias }}
    {%- endfor %}
    end
    {%- endif -%}
{%- endmacro %}


{# One grouping set for the whole day and one for each segment, over the same keys. #}
{% macro segment_grouping_sets(keys, segments) -%}
    grouping sets (
        ({{ keys | join(', ') }})
    {%- for segment in segments %},
        ({{ keys | join(', ') }}, scored.{{ segment.alias }})
    {%- endfor %}
    )
{%- endmacro %}


{#
    Days of the run that have rows, `large` for more of them than `vars.exact_rows`, else `small`,
    and whether they are `many`, more than `vars.shared_rows` together or a large day among them.
    Of a distributed table all are large: a quantile of rows would bring each to one machine. The
    warehouse is asked only in a run: what is compiled without it, to be read or linted, has
    both ways to count.
#}
{% macro days_by_size(name) -%}
    {%- if not driftmeter.is_run() -%}
        {{ return({'large': ['2026-01-01'], 'small': ['2026-01-02'], 'many': true}) }}
    {%- endif -%}
    {%- set most_rows = 0 if var('distributed', false) else var('exact_rows') | int -%}
    {%- set counted = run_query(
        'select ' ~ driftmeter.batch_of(name) ~ '::text, count(*) from ' ~ ref(name)
        ~ ' where ' ~ driftmeter.in_window(every=driftmeter.cadence_of(name)) ~ ' group by 1 order by 1'
    ).rows -%}
    {%- set days = {'large': [], 'small': []} -%}
    {%- for day, rows in counted -%}
        {%- do days['large' if rows > most_rows else 'small'].append(day) -%}
    {%- endfor -%}
    {%- if not driftmeter.has_window() -%}
        {{ log(
            name ~ ": no start_date and end_date, so that all " ~ counted | length ~ " days are"
            ~ " built again. One day: --vars '{start_date: 2026-01-01, end_date: 2026-01-02}'",
            info=true
        ) }}
    {%- endif -%}
    {%- set is_wide = counted | sum(attribute=1) > var('shared_rows') | int -%}
    {%- do days.update({'many': is_wide or days.large | length > 0}) -%}
    {{ return(days) }}
{%- endmacro %}


{# Lower bounds of the bins of each column of numbers, as Postgres writes an array. #}
{% macro reference_cuts(name) -%}
    {%- set cuts = {} -%}
    {%- if driftmeter.is_run() -%}
        {%- for column, bounds in run_query(
            'select column_name, array_agg(bin_low order by bin)::text from '
            ~ ref('reference_bins') ~ ' where monitor = ' ~ driftmeter.literal(name)
            ~ ' and bin_low is not null group by column_name'
        ).rows -%}
            {%- do cuts.update({column: bounds}) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(cuts) }}
{%- endmacro %}


{% macro is_run() -%}
    {{ return(execute and flags.WHICH in ('run', 'build')) }}
{%- endmacro %}
