{# The package's tables lie in `metrics`, whatever schemas the project that installs it uses. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ custom_schema_name or target.schema }}
{%- endmacro %}
