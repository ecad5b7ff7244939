{#
    Groups that must be treated alike. After column_summary, which notes the rows that the days
    hold: rows that change meanwhile are found by the note then, and the day is stale.
-#}
{%- for name in var('monitors') %}{% do ref(name) %}{% endfor -%}
{%- do ref('column_summary') -%}

with

{% for protected in driftmeter.protected_columns_of_run() -%}
column_{{ loop.index }} as (

    {{ driftmeter.group_counts(protected) }}

),

{% endfor -%}
counts as (

    {% for protected in driftmeter.protected_columns_of_run() -%}
    select * from column_{{ loop.index }}
    union all
    {% endfor -%}
    -- Typed, for a run whose monitors have no protected column.
    select
        null::text as monitor,
        null::date as partition_date,
        null::timestamptz as partition_start,
        null::text as column_name,
        null::text as group_value,
        null::bigint as row_count,
        null::bigint as predicted_count,
        null::double precision as prediction_mean,
        null::double precision as prediction_deviation,
        null::bigint as labelled_count,
        null::double precision as error_mean,
        null::double precision as error_deviation,
        null::bigint as selected_count,
        null::bigint as true_positive,
        null::bigint as false_positive,
        null::bigint as false_negative,
        null::bigint as true_negative
    where false

)

select
    monitor,
    partition_date,
    partition_start,
    column_name,
    group_value,
    row_count,
    predicted_count,
    prediction_mean,
    prediction_deviation,
    labelled_count,
    error_mean,
    error_deviation,
    selected_count,
    true_positive,
    false_positive,
    false_negative,
    true_negative
from counts
