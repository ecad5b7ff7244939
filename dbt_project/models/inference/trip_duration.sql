with

trips as (

    select *
    from {{ ref('trip_features') }}
    where {{ in_window() }}

),

predictions as (

    select *
    from {{ ref('stg_predictions') }}
    where monitor = 'trip_duration' and {{ in_window() }}

)

select
    trips.trip_id,
    trips.partition_date,
    trips.pickup_at,
    predictions.model_version,
    {{ trip_columns('trips') }},
    predictions.prediction as predicted_minutes,
    trips.duration_minutes
from trips
inner join predictions
    on
        trips.trip_id = predictions.trip_id
        and trips.partition_date = predictions.partition_date
