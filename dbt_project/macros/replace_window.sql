{#
    Incremental strategy `replace_window`: delete the days of this run, then append what the
    model selects for them, in one transaction. `delete+insert` and `merge` only touch keys that
    the new rows carry, so a row that vanished from a day, or a day that became empty, would stay.

    `meta.window_of` narrows what is deleted: `monitor`, the days of the monitors of this run;
    `reference`, whole monitors, those for which the model has new rows.
#}
{% macro get_incremental_replace_window_sql(arg_dict) %}
    {%- set target = arg_dict['target_relation'] -%}
    {%- set source = arg_dict['temp_relation'] -%}
    {%- set columns = arg_dict['dest_columns'] | map(attribute='quoted') | join(', ') -%}
    {%- set window_of = config.get('meta', {}).get('window_of', 'day') -%}

    delete from {{ target }}
    where
    {%- if window_of == 'reference' %}
        monitor in (select monitor from {{ source }})
    {%- else %}
        {{ in_window() }}
        {%- if window_of == 'monitor' %}
        and monitor in ('{{ selected_monitors() | join("', '") }}')
        {%- endif %}
    {%- endif %};

    insert into {{ target }} ({{ columns }})
    select {{ columns }}
    from {{ source }};
{% endmacro %}
