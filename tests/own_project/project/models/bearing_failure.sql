-- The chance that a bearing fails within a month, a row an inspection.
select
    inspection,
    inspected_at,
    model,
    vibration,
    oil_temperature,
    maker,
    site,
    probability,
    has_failed
from scada.bearing_failure
