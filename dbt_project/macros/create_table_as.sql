{# dbt looks for this in the model's own project; it is the package's. #}
{% macro postgres__create_table_as(temporary, relation, sql) -%}
    {{ return(driftmeter.create_table_as(temporary, relation, sql)) }}
{%- endmacro %}
