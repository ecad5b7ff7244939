{# Reads what `config.meta.monitor` declares on an inference model. #}

{# Names of the monitors of this run. #}
{% macro selected_monitors() -%}
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


{# Every compared column with its kind: features, prediction, and the target where there is one. #}
{% macro monitor_columns(name) -%}
    {%- set monitor = monitor_config(name) -%}
    {%- set columns = [] -%}
    {%- for column, about in monitor.get('features', {}).items() -%}
        {%- do columns.append({
            'name': column,
            'kind': about.kind,
            'range': about.get('range'),
            'accepted': about.get('accepted'),
        }) -%}
    {%- endfor -%}
    {%- if monitor -%}
        {%- do columns.append({'name': monitor.prediction, 'kind': 'numerical'}) -%}
    {%- endif -%}
    {%- if monitor.get('target') -%}
        {%- set kind = 'numerical' if monitor.task == 'regression' else 'categorical' -%}
        {%- do columns.append({'name': monitor.target, 'kind': kind}) -%}
    {%- endif -%}
    {{ return(columns) }}
{%- endmacro %}


{# First and last reference day of one monitor. #}
{% macro reference_days(name) -%}
    {%- set declared = monitor_config(name).reference -%}
    {{ return({
        'from': var('reference_from') or declared['from'],
        'to': var('reference_to') or declared['to'],
    }) }}
{%- endmacro %}


{# Of this run's monitors, those whose reference days the window touches. #}
{% macro monitors_with_reference_in_window() -%}
    {%- set touched = [] -%}
    {%- for name in selected_monitors() if execute -%}
        {%- set reference = reference_days(name) -%}
        {%- if not has_window() or (
            reference['from'] | string < var('end_date') | string
            and reference['to'] | string >= var('start_date') | string
        ) -%}
            {%- do touched.append(name) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(touched) }}
{%- endmacro %}


{# Columns of the declared segments as text, so that they can share a grouping set. #}
{% macro segment_name(segments) -%}
    case
    {%- for segment in segments %}
        when grouping({{ segment }}_segment) = 0 then '{{ segment }}'
    {%- endfor %}
    end
{%- endmacro %}


{% macro segment_value(segments) -%}
    case
    {%- for segment in segments %}
        when grouping({{ segment }}_segment) = 0 then {{ segment }}_segment
    {%- endfor %}
    end
{%- endmacro %}


{% macro select_segments(segments) -%}
    {%- for segment in segments %}
        coalesce({{ segment }}::text, '(missing)') as {{ segment }}_segment,
    {%- endfor -%}
{%- endmacro %}


{# One grouping set for the whole day and one for each segment, over the same keys. #}
{% macro segment_grouping_sets(keys, segments) -%}
    grouping sets (
        ({{ keys | join(', ') }})
    {%- for segment in segments %},
        ({{ keys | join(', ') }}, {{ segment }}_segment)
    {%- endfor %}
    )
{%- endmacro %}
