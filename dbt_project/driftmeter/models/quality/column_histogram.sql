{%- for name in var('monitors') %}{% do ref(name) %}{% endfor -%}

with

{% for name in driftmeter.selected_monitors() -%}
histogram_{{ loop.index }} as (

    {{ driftmeter.column_histogram(name) }}

){{ ',' if not loop.last }}

{% endfor -%}
{% for name in driftmeter.selected_monitors() -%}
select {{ driftmeter.literal(name) }}::text as monitor, * from histogram_{{ loop.index }}
{{ 'union all' if not loop.last }}
{% endfor -%}
