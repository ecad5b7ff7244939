{# A model's schema is the name of its folder, not that name behind the profile's schema. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ custom_schema_name or target.schema }}
{%- endmacro %}
