{# Tables that are split by month, by functions that `driftmeter up` puts into the warehouse. #}

{#
    Hook after a model with a row a loan or a login: splits its table by month, once. A table
    with views over it, or with a key that lacks the day, stays whole, and so does one that lies on
    all machines of a Citus.
#}
{% macro split_by_month(relation) -%}
    {%- if not var('distributed', false) and driftmeter.is_prepared() -%}
    select {{ driftmeter.in_metrics('split_by_month') }}(
        {{ driftmeter.literal(relation) }}::regclass
    )
    {%- endif -%}
{%- endmacro %}


{# Make the months of a model's new rows that its table does not have, where it is split. #}
{% macro make_months(target, source) -%}
    {%- if driftmeter.is_prepared() -%}
    select {{ driftmeter.in_metrics('make_months') }}(
        {{ driftmeter.literal(target) }}::regclass,
        array(select distinct partition_date from {{ source }})
    )
    {%- endif -%}
{%- endmacro %}


{#
    Hook after a model that others join in this run: statistics of the days that it wrote. Without
    them Postgres takes a new table for empty.
#}
{% macro analyze_months(relation) -%}
    {%- if driftmeter.is_prepared() -%}
    select {{ driftmeter.in_metrics('analyze_months') }}(
        {{ driftmeter.literal(relation) }}::regclass,
        array({{ driftmeter.days_in_window(relation) }})
    )
    {%- else -%}
    analyze {{ relation }}
    {%- endif -%}
{%- endmacro %}
