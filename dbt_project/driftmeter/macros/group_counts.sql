{# Groups that must be treated alike: the columns that monitors declare as protected. #}

{# Of this run's monitors each protected column. #}
{% macro protected_columns_of_run() -%}
    {%- set columns = [] -%}
    {%- for name in driftmeter.selected_monitors() -%}
        {%- for column in driftmeter.monitor_config(name).get('protected') or [] -%}
            {%- do columns.append({'monitor': name, 'name': column}) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(columns) }}
{%- endmacro %}


{#
    Counts of each group of a column on each day, one plain `group by`. A prediction that is no
    finite number is none; an outcome is known where the prediction is. Of a classifier the error
    is the chance that was predicted less the outcome, 0 or 1: its mean says how far predictions
    are from the share that came true.
#}
{% macro group_counts(protected) -%}
    {%- set name, every = protected.monitor, driftmeter.cadence_of(protected.monitor) -%}
    {%- set monitor, relation = driftmeter.monitor_config(name), ref(name) -%}
    {%- set is_classifier = monitor.task == 'classification' -%}
    {%- set prediction = driftmeter.quoted(monitor.prediction) -%}
    with counted as (

        select
            partition_date,
            group_value,
            count(*) as row_count,
            count(prediction) as predicted_count,
            avg(prediction::numeric)::double precision as prediction_mean,
            stddev_pop(prediction::numeric)::double precision as prediction_deviation,
            count(error) as labelled_count,
            avg(error)::double precision as error_mean,
            stddev_pop(error)::double precision as error_deviation,
            {%- for count, condition in {
                'selected_count': 'is_selected',
                'true_positive': 'is_selected and outcome = 1',
                'false_positive': 'is_selected and outcome = 0',
                'false_negative': 'not is_selected and outcome = 1',
                'true_negative': 'not is_selected and outcome = 0',
            }.items() %}
            {% if is_classifier %}count(*) filter (where {{ condition }}){% else %}null::bigint{% endif %} as {{ count }}
            {%- if not loop.last %},{% endif %}
            {%- endfor %}
        from (
            select
                partition_date,
                group_value,
                prediction,
                prediction >= 0.5 as is_selected,
                outcome,
                -- A sum of floats depends on the order of the rows.
                (prediction - outcome)::numeric as error
            from (
                select
                    partition_date,
                    coalesce(
                        {{ driftmeter.text_of(driftmeter.quoted(protected.name)) }}, '(missing)'
                    ) as group_value,
                    {{ driftmeter.finite_number(prediction) }} as prediction,
                    {%- if not monitor.get('target') %}
                    null::double precision as outcome
                    {%- elif is_classifier %}
                    case
                        {{ driftmeter.label_of(driftmeter.quoted(monitor.target) ~ '::text', 'null') }}
                        when 'true' then 1.0::double precision
                        when 'false' then 0.0::double precision
                    end as outcome
                    {%- else %}
                    {{ driftmeter.finite_number(driftmeter.quoted(monitor.target)) }} as outcome
                    {%- endif %}
                from {{ relation }}
                where {{ driftmeter.in_window(every=every) }}
            ) as read
        ) as scored
        group by partition_date, group_value

    )

    select
        {{ driftmeter.literal(name) }}::text as monitor,
        {{ driftmeter.batch_columns(name, 'days.partition_date') }},
        {{ driftmeter.literal(protected.name) }}::text as column_name,
        counted.group_value,
        coalesce(counted.row_count, 0)::bigint as row_count,
        counted.predicted_count,
        counted.prediction_mean,
        counted.prediction_deviation,
        counted.labelled_count,
        counted.error_mean,
        counted.error_deviation,
        counted.selected_count,
        counted.true_positive,
        counted.false_positive,
        counted.false_negative,
        counted.true_negative
    from ({{ driftmeter.days_in_window(relation, every) }}) as days
    left join counted on days.partition_date = counted.partition_date
{%- endmacro %}


{# A finite number as double precision, else null. #}
{% macro finite_number(column) -%}
    case
        when abs({{ column }}::double precision) < 'infinity' then {{ column }}::double precision
    end
{%- endmacro %}
