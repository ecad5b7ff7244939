{{
    config(
        pre_hook=["{{ driftmeter.note_inputs() }}", "{{ driftmeter.plan_for_counts() }}"],
        post_hook="{{ driftmeter.publish_days() }}",
    )
}}

{%- for name in var('monitors') %}{% do ref(name) %}{% endfor -%}

with

{% for name in driftmeter.selected_monitors() -%}
summary_{{ loop.index }} as (

    {{ driftmeter.column_summary(name) }}

){{ ',' if not loop.last }}

{% endfor -%}
{% for name in driftmeter.selected_monitors() -%}
select {{ driftmeter.literal(name) }}::text as monitor, * from summary_{{ loop.index }}
{{ 'union all' if not loop.last }}
{% endfor -%}
