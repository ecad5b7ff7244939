select
    null::text as score_id,
    null::date as partition_date,
    null::text as version,
    null::double precision as amount,
    null::text as grade,
    null::integer as branch,
    null::text as note,
    null::double precision as risk
where false
