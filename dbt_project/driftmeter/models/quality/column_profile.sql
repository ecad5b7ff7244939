{%- for name in var('monitors') %}{% do ref(name) %}{% endfor -%}

with

{% for name in driftmeter.selected_monitors() -%}
profile_{{ loop.index }} as (

    {{ driftmeter.column_profile(name) }}

),

{% endfor -%}
unseen as (

    select
        monitor,
        model_version,
        partition_date,
        segment,
        segment_value,
        column_name,
        'unseen_share'::text as metric,
        coalesce(sum(row_count) filter (where bin = 0), 0)
        / nullif(sum(row_count) filter (where bin >= 0), 0)::double precision as value
    from {{ ref('column_histogram') }}
    where
        monitor in ({{ driftmeter.literals(driftmeter.selected_monitors()) }})
        and {{ driftmeter.in_window() }}
    group by
        monitor,
        model_version,
        partition_date,
        segment,
        segment_value,
        column_name
    having bool_or(category is not null)

)

{% for name in driftmeter.selected_monitors() -%}
select {{ driftmeter.literal(name) }}::text as monitor, * from profile_{{ loop.index }}
union all
{% endfor -%}
select * from unseen
