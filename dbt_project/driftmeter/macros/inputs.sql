{# Of which rows a monitor's days were counted, by functions that `driftmeter up` puts there. #}

{#
    Whether `driftmeter up` prepared this database: its functions keep what later steps need. Without
    them, in a CI or a developer's schema, dbt builds its own tables all the same.
#}
{% macro is_prepared() -%}
    {%- if not driftmeter.is_run() -%}{{ return(true) }}{%- endif -%}
    {%- set function = driftmeter.in_metrics('note_inputs(text, text, date[], text[], text[])') -%}
    {{ return(run_query(
        'select to_regprocedure(' ~ driftmeter.literal(function) ~ ') is not null'
    ).columns[0][0]) }}
{%- endmacro %}


{#
    Before the days are counted: a note of the rows that they hold, in the same transaction. The
    columns are those that Python hashes for drift and performance.
#}
{% macro note_inputs() -%}
    {%- if not driftmeter.is_prepared() -%}
        {%- do log(
            'driftmeter: dbt alone builds data quality here. `driftmeter up` prepares the database '
            ~ 'for drift, performance and incidents', info=true
        ) -%}
        {{ return('') }}
    {%- endif -%}
    {%- for name in driftmeter.selected_monitors() if driftmeter.is_run() -%}
    {%- set monitor, relation = driftmeter.monitor_config(name), ref(name) -%}
    {%- set columns = [monitor.id, monitor.model_version] -%}
    {%- for column in driftmeter.monitor_columns(name) -%}
        {%- do columns.append(column.name) -%}
    {%- endfor -%}
    select {{ driftmeter.in_metrics('note_inputs') }}(
        {{ driftmeter.literal(name) }},
        'quality',
        array_agg(days.partition_date),
        array_agg(contents.fingerprint),
        array[]::text[]
    )
    from ({{ driftmeter.days_in_window(relation) }}) as days
    left join {{ driftmeter.in_metrics('day_contents') }}(
        {{ driftmeter.literal(relation.schema) }},
        {{ driftmeter.literal(relation.identifier) }},
        array[{{ driftmeter.literals(columns | unique) }}]::text[]
            {{- driftmeter.columns_of_own_sql(name, relation) }},
        null,
        null,
        {{ driftmeter.first_and_last() }}
    ) as contents on days.partition_date = contents.day
    having count(*) > 0;
    {% endfor -%}
{%- endmacro %}


{# After they are counted: days whose drift is of other rows are stale from now on. #}
{% macro publish_days() -%}
    {%- for name in driftmeter.selected_monitors()
        if driftmeter.is_run() and driftmeter.is_prepared() -%}
    select {{ driftmeter.in_metrics('publish_days') }}(
        {{ driftmeter.literal(name) }}, {{ driftmeter.first_and_last() }}
    );
    {% endfor -%}
{%- endmacro %}


{# First and last day of the run as two arguments; nulls where it has no window. #}
{% macro first_and_last() -%}
    {%- if driftmeter.has_window() -%}
        date '{{ var("start_date") }}', date '{{ var("end_date") }}' - 1
    {%- else -%}
        null::date, null::date
    {%- endif -%}
{%- endmacro %}
