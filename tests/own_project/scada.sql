-- What the farm's own jobs write: 42 calm days from 2 March 2026, then 14 days with faults.
-- Random by hash, so that every run has the same rows.
create schema scada;

create function scada.uniform(place bigint, salt integer) returns double precision
immutable language sql as $$
    select ((hashint8extended(place, salt) & 2147483647) + 0.5) / 2147483648
$$;

create function scada.normal(place bigint, salt integer) returns double precision
immutable language sql as $$
    select
        sqrt(-2 * ln(scada.uniform(place, salt)))
        * cos(2 * pi() * scada.uniform(place, salt + 1000))
$$;

-- `day` counts from the first day after the reference; `at` spreads rows over the local day.
create view scada.slots as
select
    number,
    number / 160 - 42 as day,
    date '2026-03-02' + (number / 160)::integer as local_day,
    (date '2026-03-02' + (number / 160)::integer + number % 160 * interval '9 minutes')
    at time zone 'Europe/Copenhagen' as happened_at
from generate_series(0::bigint, 56 * 160 - 1) as number;

create table scada.turbine_power as
with

measured as (

    select
        slots.*,
        greatest(8 + 3 * scada.normal(number, 1), 0) as wind_speed,
        10 + 4 * scada.normal(number, 2) as air_temperature,
        -- From the 9th day on the blades stand otherwise: a change that lasts.
        5 + 2 * scada.normal(number, 3) + case when day >= 8 then 3 else 0 end as pitch_degrees,
        30 * scada.normal(number, 4) as chance
    from scada.slots

)

select
    'R' || number as reading,
    happened_at as observed_at,
    local_day as partition_date,
    case when day < 5 then 'v1' else 'v2' end as version,
    -- The 4th day in kilometres an hour.
    wind_speed * case when day = 3 then 3.6 else 1 end as wind_speed,
    -- The 7th day without a thermometer on many turbines.
    case when day = 6 and number % 5 < 2 then null else air_temperature end as air_temperature,
    pitch_degrees,
    90 * wind_speed + 5 * air_temperature - 10 * pitch_degrees + 10 * scada.normal(number, 5)
    as predicted_kw,
    -- On the 11th and the 12th day ice takes power that no input tells of.
    90 * wind_speed + 5 * air_temperature - 10 * pitch_degrees + chance
    - case when day in (10, 11) then 150 else 0 end as actual_kw
from measured
-- Nothing came on the 10th day.
where day <> 9;

create table scada.bearing_failure as
with

inspected as (

    select
        slots.*,
        (array['north', 'south', 'coast'])[1 + floor(3 * scada.uniform(number, 11))] as site,
        (array['skf', 'nsk', 'fag'])[1 + floor(3 * scada.uniform(number, 12) ^ 1.5)] as maker,
        scada.normal(number, 13) as shaking,
        60 + 6 * scada.normal(number, 14) as oil_temperature
    from scada.slots

),

scored as (

    select
        *,
        1 / (1 + exp(
            1.5 - 1.2 * shaking - 0.1 * (oil_temperature - 60) - (maker = 'fag')::integer
        )) as chance
    from inspected

)

select
    'I' || number as inspection,
    happened_at as inspected_at,
    case when day < 4 then 'b1' else 'b2' end as model,
    -- The 8th day: the sensors of one site are loose.
    2 + shaking / 2 + case when day = 7 and site = 'coast' then 1.5 else 0 end as vibration,
    oil_temperature,
    -- The 5th day: a maker nobody has seen.
    case when day = 4 and number % 6 = 0 then 'timken' else maker end as maker,
    site,
    chance as probability,
    scada.uniform(number, 15) < chance as has_failed
from scored
-- The 11th day: a third of the inspections.
where day <> 10 or number % 3 = 0;

-- A challenger that is worse, for the days after the reference.
create table scada.turbine_power_trial as
select
    reading as reading_id,
    partition_date,
    'trial' as model_version,
    predicted_kw + 60 * scada.normal(hashtextextended(reading, 0), 21) as prediction
from scada.turbine_power
where partition_date >= '2026-04-13';
