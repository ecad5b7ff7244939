{#
    How a value of an inference table is read, whatever the type of its column. Null and NaN are
    missing. Python reads alike: python_metrics/driftmeter/arrival/values.py and labels.py.
#}

{# A number as double precision. #}
{% macro number_of(column) -%}
    nullif({{ column }}::double precision, 'NaN')
{%- endmacro %}


{#
    The digits of a number, as numeric: all of a whole one, and 17 of a double, where Postgres by
    itself keeps 15 and takes twice as long. A real is read as the double that it is elsewhere.
#}
{% macro exact_number(column) -%}
    case
        when pg_typeof({{ column }}) in ('bigint'::regtype, 'numeric'::regtype)
            then {{ column }}::text
        else nullif({{ column }}::double precision, 'NaN')::text
    end::numeric
{%- endmacro %}


{# A numeric as double precision, where it may be more than the largest of these. #}
{% macro as_double(number) -%}
    case
                    when {{ number }} > '1.7976931348623157e308'::numeric
                        then '1.7976931348623157e308'::double precision
                    else ({{ number }})::double precision
                end
{%- endmacro %}


{# As text, as Postgres prints it. In a column of text NaN is a text like any other. #}
{% macro text_of(column) -%}
    {#- Text is the commonest, so that to compare comes before to ask for the type. -#}
    case
        when {{ column }}::text <> 'NaN' or not {{ driftmeter.has_nan(column) }}
            then {{ column }}::text
    end
{%- endmacro %}


{# Whether a column is of a type that has a NaN. #}
{% macro has_nan(column) -%}
    pg_typeof({{ column }}) in (
        'real'::regtype, 'double precision'::regtype, 'numeric'::regtype
    )
{%- endmacro %}


{# Whether a value is null or NaN. #}
{% macro is_missing(column) -%}
    ({{ column }} is null or ({{ driftmeter.has_nan(column) }} and {{ column }}::text = 'NaN'))
{%- endmacro %}


{# A column of `monitor_columns` as text; a label as true and false, and else as it is. #}
{% macro category_of(column, value=none) -%}
    {%- set value = value or column.alias -%}
    {%- if column.get('is_label') -%}
        {{ driftmeter.label_of(value ~ '::text', driftmeter.text_of(value)) }}
    {%- else -%}
        {{ driftmeter.text_of(value) }}
    {%- endif -%}
{%- endmacro %}


{# Words that are true and false, the commonest first: they are looked for in this order. #}
{% macro label_words() -%}
    {{ return({
        '1': 'true', '0': 'false', 'true': 'true', 'false': 'false', 'yes': 'true', 'no': 'false',
        't': 'true', 'f': 'false', 'y': 'true', 'n': 'false', 'on': 'true', 'off': 'false',
        '-0': 'false',
    }) }}
{%- endmacro %}


{#
    A label spelled true or false; `neither` where it is neither. A number may have decimals that
    are all zero. Values are looked for as they are first, since to trim a text takes longer.
#}
{% macro label_of(text, neither) -%}
    {%- set trimmed = "btrim(" ~ text ~ ", E' \\t\\n\\r')" -%}
    {%- set words, numbers = driftmeter.label_words(), {'1.': 'true', '0.': 'false', '-0.': 'false'} -%}
    {%- set decimals = driftmeter.label_cases("rtrim(" ~ trimmed ~ ", '0')", numbers, neither) -%}
    {%- set spelled = driftmeter.label_cases(
        "lower(" ~ trimmed ~ ' collate "C")', words, neither
    ) -%}
    {%- set otherwise -%}
        case
            when {{ text }} like '%.%'
                then {{ driftmeter.label_cases("rtrim(" ~ text ~ ", '0')", numbers, decimals) }}
            else {{ spelled }}
        end
    {%- endset -%}
    {{ driftmeter.label_cases(text, words, otherwise) }}
{%- endmacro %}


{% macro label_cases(text, words, otherwise) -%}
    case {{ text }}
    {%- for word, label in words.items() %} when '{{ word }}' then '{{ label }}'{% endfor %}
    else {{ otherwise }} end
{%- endmacro %}
