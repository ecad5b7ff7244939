-- Nothing that a monitor is made of: the farm's own to build.
select count(*) as readings
from scada.turbine_power
