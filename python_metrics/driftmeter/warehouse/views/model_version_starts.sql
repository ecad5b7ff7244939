-- The first day that a version predicted. One row a monitor and version.
select
    monitor,
    model_version,
    min(partition_date) as first_day,
    min(partition_start) as first_start
from metrics.drift
where column_name is null and segment is null and model_version is not null
group by monitor, model_version
