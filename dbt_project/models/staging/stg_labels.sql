with

late as (

    select * from {{ source('raw', 'late_labels') }}

),

taken as (

    select * from {{ source('raw', 'labels_taken') }}

)

select
    late.trip_id,
    late.partition_date,
    -- One that never lands has no day.
    coalesce(late.lands_on <= taken.taken_on, false) as has_landed
from late
inner join taken
    on late.partition_date = taken.partition_date
