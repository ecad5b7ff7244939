with

predictions as (

    select *
    from {{ ref('stg_challenger_predictions') }}
    where {{ in_window() }}

)

select
    trip_id,
    partition_date,
    monitor,
    model_version,
    prediction
from predictions
