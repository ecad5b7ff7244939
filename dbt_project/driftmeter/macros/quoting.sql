{# A column's name as SQL takes it, whatever it is: reserved, with capitals, spaces or quotes. #}
{% macro quoted(name) -%}
    {{ return('"' ~ (name | string | replace('"', '""')) ~ '"') }}
{%- endmacro %}


{# A value of YAML as a text literal; true and false as Postgres prints them. #}
{% macro literal(value) -%}
    {%- set text = (value | string | lower) if value is boolean else (value | string) -%}
    {{ return("'" ~ (text | replace("'", "''")) ~ "'") }}
{%- endmacro %}


{% macro literals(values) -%}
    {%- set written = [] -%}
    {%- for value in values -%}{%- do written.append(driftmeter.literal(value)) -%}{%- endfor -%}
    {{ return(written | join(', ')) }}
{%- endmacro %}


{# A table or function of the schema of all that is measured, whatever it is called here. #}
{% macro in_metrics(name) -%}
    {{ env_var('DRIFTMETER_METRICS_SCHEMA', 'metrics') }}.{{ name }}
{%- endmacro %}
