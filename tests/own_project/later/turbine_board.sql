-- What the farm's own report reads.
select
    partition_date,
    avg(actual_kw) as mean_kw
from {{ ref('turbine_power') }}
group by partition_date
