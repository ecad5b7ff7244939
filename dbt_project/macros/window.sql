{# The days of this run: `start_date` to before `end_date`; with neither, every day there is. #}
{% macro has_window() -%}
    {{ return(var('start_date') != '' and var('end_date') != '') }}
{%- endmacro %}


{% macro in_window(column='partition_date') -%}
    {%- if has_window() -%}
        {{ column }} >= date '{{ var("start_date") }}'
        and {{ column }} < date '{{ var("end_date") }}'
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}


{# One row a day, so that a day with no rows is still a day. #}
{% macro days_in_window(relation) -%}
    {%- if has_window() -%}
        select days::date as partition_date
        from
            generate_series(
                date '{{ var("start_date") }}',
                date '{{ var("end_date") }}' - 1,
                interval '1 day'
            ) as days
    {%- else -%}
        select
            generate_series(
                min(partition_date), max(partition_date), interval '1 day'
            )::date as partition_date
        from {{ relation }}
    {%- endif -%}
{%- endmacro %}
