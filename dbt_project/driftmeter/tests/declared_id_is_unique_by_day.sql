{#
    The `id` that a monitor declares names one row a day. Every monitor of the run is tested; no
    project writes this test itself. It refers to the monitors of the run only: a run of one
    monitor excludes what refers to the others. And to column_summary, whose asset check it is in
    Dagster: it comes after the quality models, so that it keeps no day from being measured.
-#}
{{ config(meta={
    'dagster': {'ref': {'name': 'column_summary', 'package': 'driftmeter'}},
    'description': 'The declared id of each monitor occurs once on each day.',
}) }}
{%- do ref('column_summary') %}

with

{% for name in driftmeter.selected_monitors() -%}
{%- set id = driftmeter.quoted(driftmeter.monitor_config(name).id) -%}
{%- set every = driftmeter.cadence_of(name) -%}
repeated_{{ loop.index }} as (

    select
        partition_date,
        {{ 'partition_start' if every == 'hour' else 'null::timestamptz' }} as partition_start,
        {{ id }}::text as row_id,
        count(*) as occurrences
    from {{ ref(name) }}
    where
        {{ id }} is not null
        and {{ driftmeter.in_window(every=every) }}
    group by {{ driftmeter.own_batch(every) }}, {{ id }}
    having count(*) > 1

),

{% endfor -%}
repeated as (

    {% for name in driftmeter.selected_monitors() -%}
    select {{ driftmeter.literal(name) }}::text as monitor, * from repeated_{{ loop.index }}
    union all
    {% endfor -%}
    -- Typed, for a project without a monitor.
    select
        null::text as monitor,
        null::date as partition_date,
        null::timestamptz as partition_start,
        null::text as row_id,
        null::bigint as occurrences
    where false

)

select
    monitor,
    partition_date,
    partition_start,
    row_id,
    occurrences
from repeated
