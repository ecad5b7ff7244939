with

trips as (

    select *
    from {{ ref('trip_features') }}
    where {{ in_window() }}

),

predictions as (

    select *
    from {{ ref('stg_predictions') }}
    where monitor = 'trip_tip' and {{ in_window() }}

)

select
    trips.trip_id,
    trips.partition_date,
    trips.pickup_at,
    predictions.model_version,
    {{ trip_columns('trips') }},
    predictions.prediction as generous_tip_probability,
    trips.tip_share >= 0.2 as is_generous_tip
from trips
inner join predictions
    on
        trips.trip_id = predictions.trip_id
        and trips.partition_date = predictions.partition_date
