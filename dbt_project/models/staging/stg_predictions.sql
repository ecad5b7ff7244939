with

predictions as (

    select * from {{ source('raw', 'predictions') }}

)

select
    monitor,
    model_version,
    partition_date,
    trip_id,
    prediction
from predictions
