-- What `driftmeter power` found, with each size in words: in points of a share, or of a
-- mean in its unit and in standard deviations. One row a row of findable_changes.
select
    *,
    min(batches) over (partition by monitor) as fewest_batches,
    case
        when size is null then 'not found'
        when usual is not null then '+' || round((100 * size)::numeric, 1) || ' points'
        when spread_in_unit is null then round(size::numeric, 2) || ' sd'
        else concat_ws(
            ' ',
            round(
                (size * spread_in_unit)::numeric,
                greatest(0, 2 - floor(log(size * spread_in_unit))::int)
            ),
            unit,
            '(' || round(size::numeric, 2) || ' sd)'
        )
    end as size_in_words
from metrics.findable_changes
