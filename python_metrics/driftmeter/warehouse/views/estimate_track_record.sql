-- How far estimates can be trusted: those of final days, beside what came true.
-- One row a monitor, metric and segment.
select
    estimated.monitor,
    estimated.metric,
    estimated.segment,
    estimated.segment_value,
    count(*) as days,
    avg(
        (realised.value between estimated.lower and estimated.upper)::integer
    ) as share_inside,
    avg(abs(estimated.value - realised.value)) as mean_distance,
    avg(abs(realised.reference_value - realised.value)) as mean_distance_of_reference
from metrics.performance as estimated
inner join metrics.performance as realised
    on
        estimated.monitor = realised.monitor
        and estimated.partition_date = realised.partition_date
        and estimated.partition_start = realised.partition_start
        and estimated.metric = realised.metric
        and estimated.model_version is not distinct from realised.model_version
        and estimated.segment is not distinct from realised.segment
        and estimated.segment_value is not distinct from realised.segment_value
where
    estimated.kind = 'estimated'
    and realised.kind = 'realised'
    and realised.state = 'final'
    and estimated.lower is not null
    and realised.value is not null
group by 1, 2, 3, 4
