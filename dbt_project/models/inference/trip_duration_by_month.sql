{{ config(materialized='view_by_name') }}

with

trips as (

    select * from {{ ref('trip_duration') }}

)

select
    trips.trip_id,
    date_trunc('month', trips.partition_date)::date as partition_date,
    trips.pickup_at,
    trips.model_version,
    {{ trip_columns('trips') }},
    trips.predicted_minutes
from trips
