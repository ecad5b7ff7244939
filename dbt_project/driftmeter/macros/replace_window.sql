{#
    Incremental strategy `replace_window`: delete the days of this run, then append what the
    model selects for them, in one transaction. `delete+insert` and `merge` only touch keys that
    the new rows carry, so a row that vanished from a day, or a day that became empty, would stay.

    Only rows of the run's days are appended, whatever the model selects: days that were not
    deleted would be there twice. Without a window only days that the new rows hold are replaced: a
    day whose source rows are gone keeps what it has.

    `meta.window_of` narrows what is deleted: `monitor`, the days of the monitors of this run;
    `reference`, whole monitors, those for which the model has new rows.
#}
{% macro get_incremental_replace_window_sql(arg_dict) %}
    {%- set target = arg_dict['target_relation'] -%}
    {%- set source = arg_dict['temp_relation'] -%}
    {%- set names = [] -%}
    {%- for column in arg_dict['dest_columns'] -%}
        {%- do names.append(driftmeter.quoted(column.name)) -%}
    {%- endfor -%}
    {%- set columns = names | join(', ') -%}
    {%- set window_of = config.get('meta', {}).get('window_of', 'day') -%}
    {%- if window_of != 'reference' -%}{{ driftmeter.refuse_rows_without_day(source) }}
    {{ driftmeter.make_months(target, source) }};
    {%- endif %}

    delete from {{ target }}
    where
    {%- if window_of == 'reference' %}
        monitor in (select monitor from {{ source }})
    {%- else %}
        {%- if window_of == 'monitor' %}
        {{ driftmeter.of_monitors_in_window(source) }}
        {%- elif driftmeter.has_window() %}
        {{ driftmeter.in_window() }}
        {%- else %}
        partition_date in (select partition_date from {{ source }})
        {%- endif %}
    {%- endif %};

    insert into {{ target }} ({{ columns }})
    select {{ columns }}
    from {{ source }}
    {%- if window_of == 'monitor' %}
    where {{ driftmeter.of_monitors_in_window(source) }}
    {%- elif window_of != 'reference' %}
    where {{ driftmeter.in_window() }}
    {%- endif %};
{% endmacro %}


{# Whether a row is of a monitor of this run and of its days, or of its weeks or months. #}
{% macro of_monitors_in_window(source) -%}
    {%- set by_cadence = {} -%}
    {%- for name in driftmeter.selected_monitors() -%}
        {%- do by_cadence.setdefault(driftmeter.cadence_of(name), []).append(name) -%}
    {%- endfor -%}
    (
    {%- for every, names in by_cadence.items() %}
        (
            monitor in ({{ driftmeter.literals(names) }})
            {%- if driftmeter.has_window() %}
            and {{ driftmeter.in_window(every=every) }}
            {%- else %}
            and {{ 'partition_start' if every == 'hour' else 'partition_date' }} in (
                select {{ 'partition_start' if every == 'hour' else 'partition_date' }}
                from {{ source }}
            )
            {%- endif %}
        )
        {{ 'or' if not loop.last }}
    {%- else %}
        false
    {%- endfor %}
    )
{%- endmacro %}


{# Rows without a day are in no window, and would be lost without a word. #}
{% macro refuse_rows_without_day(relation) %}
    {%- set rows = run_query(
        'select count(*) from ' ~ relation ~ ' where partition_date is null'
    ).columns[0][0] -%}
    {%- if rows > 0 -%}
        {{ exceptions.raise_compiler_error(
            this.identifier ~ ': ' ~ rows ~ ' rows have no partition_date. '
            ~ 'Give each row the day of its timestamp, or leave it out of the model'
        ) }}
    {%- endif -%}
{% endmacro %}
