{{ config(meta={'window_of': 'reference'}, pre_hook="{{ driftmeter.note_words() }}") }}

{#
    Bins of the histograms, fixed by each monitor's reference days. They are made anew whenever
    the days of a run touch the reference, and left alone by every other run.
-#}
{%- for name in var('monitors') %}{% do ref(name) %}{% endfor -%}

with

{% for name in driftmeter.monitors_with_reference_in_window() -%}
bins_{{ loop.index }} as (

    {{ driftmeter.reference_bins(name) }}

),

{% endfor -%}
bins as (

    {% for name in driftmeter.monitors_with_reference_in_window() -%}
    select {{ driftmeter.literal(name) }}::text as monitor, * from bins_{{ loop.index }}
    union all
    {% endfor -%}
    -- Typed, for a run that touches no reference.
    select
        null::text as monitor,
        null::text as column_name,
        null::integer as bin,
        null::double precision as bin_low,
        null::double precision as bin_high,
        null::text as category
    where false

)

select
    monitor,
    column_name,
    bin::integer as bin,
    bin_low,
    bin_high,
    category
from bins
