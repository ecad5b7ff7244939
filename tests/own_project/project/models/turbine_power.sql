-- What the forecast said of each reading, and what the turbine then gave.
select
    reading,
    observed_at,
    partition_date,
    version,
    wind_speed,
    air_temperature,
    pitch_degrees,
    predicted_kw,
    actual_kw
from scada.turbine_power
