{# dbt looks for a strategy in the model's own project; this one is the package's. #}
{% macro get_incremental_replace_window_sql(arg_dict) -%}
    {{ return(driftmeter.get_incremental_replace_window_sql(arg_dict)) }}
{%- endmacro %}
