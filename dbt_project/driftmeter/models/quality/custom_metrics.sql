{#
    Metrics of the teams' own. After column_summary, which notes the rows that the days hold: rows
    that change meanwhile are found by the note then, and the day is stale.
-#}
{%- for name in var('monitors') %}{% do ref(name) %}{% endfor -%}
{%- do ref('column_summary') -%}

with

{% for part in driftmeter.custom_metrics_of_run() -%}
metric_{{ loop.index }} as (

    {{ driftmeter.custom_metric(part) }}

),

{% endfor -%}
metrics as (

    {% for part in driftmeter.custom_metrics_of_run() -%}
    select * from metric_{{ loop.index }}
    union all
    {% endfor -%}
    -- Typed, for a run whose monitors have no metric of their own.
    select
        null::text as monitor,
        null::date as partition_date,
        null::timestamptz as partition_start,
        null::text as segment,
        null::text as segment_value,
        null::text as metric,
        null::double precision as value,
        null::bigint as row_count,
        null::text as reason
    where false

)

select
    monitor,
    partition_date,
    partition_start,
    segment,
    segment_value,
    metric,
    value,
    row_count,
    reason
from metrics
