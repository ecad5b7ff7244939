with

predictions as (

    select * from {{ source('raw', 'challenger_predictions') }}

)

select
    monitor,
    model_version,
    partition_date,
    trip_id,
    prediction
from predictions
