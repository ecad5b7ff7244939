-- Columns in alarm by what their drift can do to the prediction. One row a day and
-- column.
select
    breaches.monitor,
    breaches.partition_date,
    breaches.partition_start,
    ranked.value ->> 'column' as column_name,
    max((ranked.value ->> 'score_ratio')::double precision) as score_ratio,
    max((ranked.value ->> 'importance')::double precision) as importance,
    max((ranked.value ->> 'weight')::double precision) as weight
from metrics.breaches
cross join jsonb_array_elements(breaches.evidence -> 'ranking') as ranked (value)
group by
    breaches.monitor,
    breaches.partition_date,
    breaches.partition_start,
    ranked.value ->> 'column'
