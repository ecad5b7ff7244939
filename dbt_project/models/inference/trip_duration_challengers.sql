with

predictions as (

    select *
    from {{ ref('stg_challenger_predictions') }}
    where monitor = 'trip_duration' and {{ driftmeter.in_window() }}

)

select
    trip_id,
    partition_date,
    model_version,
    prediction
from predictions
