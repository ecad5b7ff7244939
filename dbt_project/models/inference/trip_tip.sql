with

trips as (

    select *
    from {{ ref('trip_features') }}
    where {{ driftmeter.in_window() }}

),

predictions as (

    select *
    from {{ ref('stg_predictions') }}
    where monitor = 'trip_tip' and {{ driftmeter.in_window() }}

),

labels as (

    select *
    from {{ ref('stg_labels') }}
    where {{ driftmeter.in_window() }}

)

select
    trips.trip_id,
    trips.partition_date,
    trips.pickup_at,
    predictions.model_version,
    {{ trip_columns('trips') }},
    predictions.prediction as generous_tip_probability,
    case
        when labels.has_landed is not false then trips.tip_share >= 0.2
    end as is_generous_tip
from trips
inner join predictions
    on
        trips.trip_id = predictions.trip_id
        and trips.partition_date = predictions.partition_date
left join labels
    on
        trips.trip_id = labels.trip_id
        and trips.partition_date = labels.partition_date
