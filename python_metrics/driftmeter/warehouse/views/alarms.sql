-- The one ledger of alarms: every count of alarms and of days with one reads it.
-- One row an alarm.
select
    monitor,
    partition_date,
    partition_start,
    case
        when column_name is null then 'classifier'
        when segment is null then 'columns'
        else 'segments'
    end as budget,
    column_name,
    segment,
    segment_value,
    score_ratio as ratio
from metrics.drift_scored
where is_drifted
union all
select
    monitor,
    partition_date,
    partition_start,
    'error' as budget,
    metric as column_name,
    null as segment,
    null as segment_value,
    case metric
        when 'excess_error' then 1 + value
        else value / nullif(reference_value, 0)
    end as ratio
from metrics.performance
where is_alarm
union all
select
    monitor,
    partition_date,
    partition_start,
    'metrics' as budget,
    metric as column_name,
    segment,
    segment_value,
    abs(value - expected) / nullif(deviation, 0) as ratio
from metrics.custom_metric_verdicts
where is_alarm
union all
select
    monitor,
    partition_date,
    partition_start,
    'groups' as budget,
    metric as column_name,
    column_name as segment,
    group_value as segment_value,
    abs(difference - expected) / nullif(deviation, 0) as ratio
from metrics.group_verdicts
where is_alarm
union all
select
    monitor,
    partition_date,
    partition_start,
    'volume' as budget,
    null as column_name,
    null as segment,
    null as segment_value,
    null as ratio
from metrics.breaches
where kind = 'volume'
