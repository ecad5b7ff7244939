with

trips as (

    select *
    from {{ ref('stg_trips') }}
    where {{ driftmeter.in_window() }}

),

zones as (

    select * from {{ ref('taxi_zones') }}

),

derived as (

    select
        trips.*,
        extract(
            hour from trips.pickup_at at time zone '{{ var("trips_timezone") }}'
        )::integer as pickup_hour,
        extract(epoch from trips.dropoff_at - trips.pickup_at)::double precision
        / 60 as duration_minutes,
        pickup.borough as pickup_borough,
        dropoff.borough as dropoff_borough,
        -- A share of nothing, or of a refund, is no share.
        case
            when trips.fare_usd > 0 then trips.tip_usd / trips.fare_usd
        end as tip_share
    from trips
    left join zones as pickup
        on trips.pickup_location_id = pickup.location_id
    left join zones as dropoff
        on trips.dropoff_location_id = dropoff.location_id

)

select * from derived
