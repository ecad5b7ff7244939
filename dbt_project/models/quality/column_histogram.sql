{%- for name in var('monitors') %}{% do ref(name) %}{% endfor -%}

with

{% for name in selected_monitors() -%}
histogram_of_{{ name }} as (

    {{ column_histogram(name) }}

){{ ',' if not loop.last }}

{% endfor -%}
{% for name in selected_monitors() -%}
select '{{ name }}'::text as monitor, * from histogram_of_{{ name }}
{{ 'union all' if not loop.last }}
{% endfor -%}
