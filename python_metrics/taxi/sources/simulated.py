"""Simulated taxi trips: seeded, any day alone, with the dirt of real data and planted faults.

A day's trips depend on the seed and that day only, so any day can be drawn alone and again. What
does not change from day to day (where the zones are, how popular they are) depends on the seed.
"""

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from taxi.sources.base import REJECTED, TRIPS, Batch, SourceFile
from taxi.sources.faults import DEFAULT_SCHEDULE, Fault

FIRST_DAY, LAST_DAY = dt.date(2018, 1, 1), dt.date(2027, 12, 31)
ZONES = 263
DIGIT = 9
# Trips an hour of the day, relative: quiet at 4, busy at 18; weekends start late and end late.
WORKDAY = np.array(
    [2.1, 1.3, 0.9, 0.6, 0.5, 0.6, 1.7, 3.2, 4.2, 4.3, 4.1, 4.2, 4.4, 4.4, 4.7, 4.6, 4.1, 4.8, 5.9,
     6.1, 5.6, 5.3, 4.8, 3.6]
)  # fmt: skip
WEEKEND = np.array(
    [5.1, 4.4, 3.5, 2.5, 1.6, 0.7, 0.8, 1.2, 1.9, 2.9, 3.8, 4.4, 4.8, 4.9, 4.9, 4.8, 4.6, 4.9, 5.3,
     5.2, 4.8, 4.8, 4.9, 4.6]
)  # fmt: skip
VOLUME_BY_WEEKDAY = np.array([0.93, 1.0, 1.04, 1.08, 1.1, 1.04, 0.86])
PASSENGERS = ([0, 1, 2, 3, 4, 5, 6], [0.02, 0.71, 0.15, 0.04, 0.02, 0.04, 0.02])
PAYMENTS = ([1, 2, 3, 4], [0.72, 0.27, 0.006, 0.004])
RATE_CODES = ([1, 2, 3, 4, 5, 99], [0.968, 0.022, 0.002, 0.001, 0.0065, 0.0005])


@dataclass(frozen=True)
class City:
    """Where the zones are (miles) and how likely a trip begins or ends in each."""

    x: np.ndarray
    y: np.ndarray
    pickup_share: np.ndarray
    dropoff_share: np.ndarray


class SimulatedSource:
    """Trips made up from a seed.

    Parameters
    ----------
    seed : int
        The same seed gives the same trips, day by day.
    trips_per_day : int
        On an average weekday.
    schedule : sequence of Fault
        What goes wrong, and when; empty for calm days only.
    as_of : datetime.date, optional
        The day on which the source is read: rows that come late are not there before their time.
        None means long after.
    """

    name = "simulated"

    def __init__(
        self,
        seed: int = 7,
        trips_per_day: int = 1000,
        schedule: Sequence[Fault] = DEFAULT_SCHEDULE,
        as_of: dt.date | None = None,
    ) -> None:
        self.seed, self.trips_per_day, self.as_of = seed, trips_per_day, as_of
        self.schedule = tuple(schedule)
        self.signature = f"simulated:seed={seed}:trips_per_day={trips_per_day}"
        self._city = _city(np.random.default_rng([seed, 0]))

    def days(self) -> Sequence[dt.date]:
        """Every day but those whose planted fault is that they never come."""
        span = (LAST_DAY - FIRST_DAY).days + 1
        every = (FIRST_DAY + dt.timedelta(days=number) for number in range(span))
        return [day for day in every if not self._has(day, "missing_day")]

    def faults_on(self, day: dt.date) -> list[Fault]:
        """The faults planted on a day: the truth."""
        return [fault for fault in self.schedule if fault.is_on(day)]

    def read_day(self, day: dt.date) -> Batch | None:
        """One day's trips, rejected rows and the one file they count as."""
        if not FIRST_DAY <= day <= LAST_DAY or self._has(day, "missing_day"):
            return None
        rng = np.random.default_rng([self.seed, day.toordinal()])
        mean = self.trips_per_day * VOLUME_BY_WEEKDAY[day.weekday()] * rng.normal(1, 0.02)
        count = 0 if self._has(day, "empty_day") else int(rng.poisson(max(mean, 0)))
        trips = self._draw(day, count, rng)
        for number, fault in enumerate(self.schedule):
            if fault.is_on(day):
                # Its own stream: one fault more must not change the others.
                fault.apply(trips, np.random.default_rng([self.seed, day.toordinal(), number]))
        return self._batch(day, self._arrived(day, trips))

    def late_arrivals(self) -> Mapping[dt.date, dt.date]:
        """Days with late rows, and when the last of them are there."""
        arrivals: dict[dt.date, dt.date] = {}
        for fault in self.schedule:
            length = (fault.to_date - fault.from_date).days + 1 if fault.kind == "late_data" else 0
            for day in (fault.from_date + dt.timedelta(days=number) for number in range(length)):
                arrivals[day] = max(fault.arrival(day), arrivals.get(day, FIRST_DAY))
        return arrivals

    def _has(self, day: dt.date, kind: str) -> bool:
        return any(fault.kind == kind and fault.is_on(day) for fault in self.schedule)

    def _draw(self, day: dt.date, count: int, rng: np.random.Generator) -> pd.DataFrame:
        city = self._city
        by_hour = (WEEKEND if day.weekday() >= 5 else WORKDAY) * rng.normal(1, 0.03, 24)
        hour = rng.choice(24, count, p=by_hour / by_hour.sum())
        pickup_at = hour * 3600 + rng.integers(0, 3600, count)
        pickup = rng.choice(ZONES, count, p=city.pickup_share)
        dropoff = rng.choice(ZONES, count, p=city.dropoff_share)
        apart = np.hypot(city.x[pickup] - city.x[dropoff], city.y[pickup] - city.y[dropoff])
        miles = np.round((0.35 + 1.3 * apart) * rng.lognormal(0, 0.25, count), 2)
        rush = by_hour / by_hour.max()
        miles_an_hour = (19 - 9 * rush[hour]) * (0.75 + 0.45 * np.tanh(miles / 6))
        weather = rng.normal(1, 0.02)
        minutes = (1.5 + 60 * miles / miles_an_hour) * weather * rng.lognormal(0, 0.2, count)
        payment = rng.choice(PAYMENTS[0], count, p=PAYMENTS[1])
        rate = rng.choice(RATE_CODES[0], count, p=RATE_CODES[1])
        slow_minutes = np.clip(minutes - miles * 3, 0, None)
        fare = np.round((2.5 + 2.5 * miles + 0.5 * slow_minutes) * 2) / 2
        fare = np.where(rate == 2, 52.0, fare)
        night, evening = (hour >= 20) | (hour < 6), (hour >= 16) & (hour < 20)
        extra = np.where(night, 0.5, np.where(evening & (day.weekday() < 5), 1.0, 0.0))
        tolls = np.where((miles > 8) & (rng.random(count) < 0.4), 5.76, 0.0)
        congestion = np.where(rng.random(count) < 0.93, 2.5, 0.0)
        generous = 0.06 * night + 0.04 * (city.pickup_share[pickup] > np.median(city.pickup_share))
        share = np.clip(rng.normal(0.19 + generous, 0.06, count), 0, 0.6)
        tips = rng.random(count) < 0.95
        tip = np.where((payment == 1) & tips, np.round(fare * share, 2), 0.0)
        start = np.datetime64(day, "s") + pickup_at.astype("timedelta64[s]")
        trips = pd.DataFrame(
            {
                "vendor_id": rng.choice([1, 2], count, p=[0.37, 0.63]).astype(float),
                "pickup_datetime": start,
                "dropoff_datetime": start + (minutes * 60).astype("timedelta64[s]"),
                "passenger_count": rng.choice(PASSENGERS[0], count, p=PASSENGERS[1]).astype(float),
                "trip_distance": miles,
                "rate_code_id": rate.astype(float),
                "store_and_fwd_flag": np.where(rng.random(count) < 0.005, "Y", "N"),
                "pickup_location_id": pickup + 1.0,
                "dropoff_location_id": dropoff + 1.0,
                "payment_type": payment.astype(float),
                "fare_amount": fare,
                "extra": extra,
                "mta_tax": np.full(count, 0.5),
                "tip_amount": tip,
                "tolls_amount": tolls,
                "improvement_surcharge": np.full(count, 0.3),
                "congestion_surcharge": congestion,
            }
        )
        paid = ["fare_amount", "extra", "mta_tax", "tip_amount", "tolls_amount"]
        paid += ["improvement_surcharge", "congestion_surcharge"]
        trips["total_amount"] = np.round(trips[paid].sum(axis=1), 2)
        _add_dirt(trips, rng)
        return trips

    def _arrived(self, day: dt.date, trips: pd.DataFrame) -> pd.DataFrame:
        """The rows that are there on the day the source is read."""
        is_there = np.ones(len(trips), dtype=bool)
        for number, fault in enumerate(self.schedule):
            if fault.kind == "late_data" and fault.is_on(day) and self.as_of is not None:
                rng = np.random.default_rng([self.seed, day.toordinal(), number])
                is_late = rng.random(len(trips)) < fault.size
                if self.as_of < fault.arrival(day):
                    is_there &= ~is_late
        return trips[is_there]

    def _batch(self, day: dt.date, trips: pd.DataFrame) -> Batch:
        file = f"simulated_{day}"
        trips = trips.assign(
            partition_date=day,
            row_number=trips.index + 1,
            trip_id=(DIGIT * 10**8 + int(f"{day:%Y%m%d}")) * 10**8 + trips.index + 1,
            taxi="yellow",
            source_file=file,
            airport_fee=np.nan,
            cbd_congestion_fee=np.nan,
            ehail_fee=np.nan,
            trip_type=np.nan,
        )
        no_time = trips["pickup_datetime"].isna()
        far_off = ~no_time & (trips["pickup_datetime"].dt.normalize() != pd.Timestamp(day))
        unusable = trips[no_time | far_off]
        rejected = {
            "partition_date": unusable["partition_date"].to_list(),
            "source_file": unusable["source_file"].to_list(),
            "row_number": unusable["row_number"].to_list(),
            "reason": np.where(
                no_time[unusable.index],
                "no pickup time",
                "pickup is more than a day outside the file's month",
            ).tolist(),
            "record": [
                json.dumps(record, default=str)
                for record in unusable.astype(object)
                .where(unusable.notna(), None)
                .to_dict("records")
            ],
        }
        good = trips[~(no_time | far_off)]
        return Batch(
            trips=pa.Table.from_pandas(good[TRIPS.names], schema=TRIPS, preserve_index=False),
            rejected=pa.table(rejected, schema=REJECTED),
            files=[
                SourceFile(file, len(trips), {day.isoformat(): len(trips)} if len(trips) else {})
            ],
        )


def _city(rng: np.random.Generator) -> City:
    """Zones scattered over a city; a few, near the middle, draw most trips."""
    radius, angle = rng.gamma(2.0, 2.2, ZONES), rng.uniform(0, 2 * np.pi, ZONES)
    centre = np.exp(-radius / 2.2)
    pickup = centre * rng.lognormal(0, 0.7, ZONES)
    dropoff = np.exp(-radius / 3.0) * rng.lognormal(0, 0.6, ZONES)
    # JFK (132) and LaGuardia (138) lie far out and are busy.
    for zone, far in ((131, 11.0), (137, 7.0)):
        radius[zone], pickup[zone] = far, 0.025 * pickup.sum()
        dropoff[zone] = 0.02 * dropoff.sum()
    return City(
        x=radius * np.cos(angle),
        y=radius * np.sin(angle),
        pickup_share=pickup / pickup.sum(),
        dropoff_share=dropoff / dropoff.sum(),
    )


def _add_dirt(trips: pd.DataFrame, rng: np.random.Generator) -> None:
    """What real files hold, at about its real rate: refunds, left-on meters, wrong clocks."""

    def some(share: float) -> np.ndarray:
        return np.asarray(rng.random(len(trips)) < share)

    refunds = some(0.002)
    for column in ("fare_amount", "mta_tax", "improvement_surcharge", "total_amount"):
        trips.loc[refunds, column] *= -1
    trips.loc[some(0.007), "trip_distance"] = 0.0
    trips.loc[some(0.00002), "trip_distance"] = 46_826.0
    for column in ("passenger_count", "rate_code_id", "store_and_fwd_flag"):
        trips.loc[some(0.003), column] = None
    day, second = np.timedelta64(86_350, "s"), np.timedelta64(1, "s")
    left_on, backwards = some(0.002), some(0.0003)
    trips.loc[left_on, "dropoff_datetime"] = trips.loc[left_on, "pickup_datetime"] + day
    trips.loc[backwards, "dropoff_datetime"] = trips.loc[backwards, "pickup_datetime"] - second
    trips.loc[some(0.0005), "pickup_datetime"] = np.datetime64("2008-12-31T23:02:00")
    trips.loc[some(0.0003), "pickup_datetime"] = np.datetime64("NaT")
