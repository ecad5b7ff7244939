{%- for name in var('monitors') %}{% do ref(name) %}{% endfor -%}

with

{% for name in selected_monitors() -%}
histogram_{{ loop.index }} as (

    {{ column_histogram(name) }}

){{ ',' if not loop.last }}

{% endfor -%}
{% for name in selected_monitors() -%}
select {{ literal(name) }}::text as monitor, * from histogram_{{ loop.index }}
{{ 'union all' if not loop.last }}
{% endfor -%}
