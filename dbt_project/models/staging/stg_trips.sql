with

trips as (

    select * from {{ source('raw', 'trips') }}

)

select
    trip_id,
    partition_date,
    taxi,
    vendor_id,
    pickup_datetime at time zone '{{ var("trips_timezone") }}' as pickup_at,
    dropoff_datetime at time zone '{{ var("trips_timezone") }}' as dropoff_at,
    passenger_count,
    trip_distance as trip_distance_miles,
    rate_code_id,
    store_and_fwd_flag,
    pickup_location_id,
    dropoff_location_id,
    payment_type,
    trip_type,
    fare_amount as fare_usd,
    extra as extra_usd,
    mta_tax as mta_tax_usd,
    tip_amount as tip_usd,
    tolls_amount as tolls_usd,
    improvement_surcharge as improvement_surcharge_usd,
    total_amount as total_usd,
    congestion_surcharge as congestion_surcharge_usd,
    airport_fee as airport_fee_usd,
    cbd_congestion_fee as cbd_congestion_fee_usd,
    ehail_fee as ehail_fee_usd
from trips
