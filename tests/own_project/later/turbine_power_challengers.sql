-- Another version's forecasts of the same readings, which nobody acts on yet.
select
    reading_id,
    partition_date,
    model_version,
    prediction
from scada.turbine_power_trial
