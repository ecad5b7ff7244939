-- Days with an alarm, and which parts of the budget spoke. One row a monitor and
-- batch.
select
    monitor,
    partition_date,
    partition_start,
    count(*) as alarms,
    array_agg(distinct budget order by budget) as budgets
from metrics.alarms
group by monitor, partition_date, partition_start
