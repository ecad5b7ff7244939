"""Faults that the simulator plants, each with a label: the truth that detectors are scored by."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

KINDS = (
    "missing_values",
    "unseen_category",
    "unit_change",
    "outliers",
    "mix_shift",
    "segment",
    "concept_drift",
    "missing_day",
    "empty_day",
    "late_data",
)


@dataclass(frozen=True)
class Fault:
    """One planted fault.

    Attributes
    ----------
    kind : str
        One of `KINDS`.
    from_date, to_date : datetime.date
        First and last day.
    column : str
        Column of raw.trips that it changes, or that says which rows it changes.
    size : float
        Share of rows for missing values, unseen categories, outliers, mix and late rows; a factor
        for unit changes, segments and concept drift.
    value : float
        The new category, the outlier, or the category that gains or goes wrong.
    delay_days : int
        Days until late rows are there.
    """

    kind: str
    from_date: dt.date
    to_date: dt.date
    column: str = ""
    size: float = 0.0
    value: float = 0.0
    delay_days: int = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"{self.kind!r} is no kind of fault; the kinds are {', '.join(KINDS)}")

    def is_on(self, day: dt.date) -> bool:
        """Whether the fault is there on a day."""
        return self.from_date <= day <= self.to_date

    @property
    def label(self) -> str:
        """What was planted, in one sentence."""
        name, size, value = self.column, self.size, self.value
        return {
            "missing_values": f"{size:.0%} of {name} go missing",
            "unseen_category": f"{size:.0%} of {name} become the new value {value:g}",
            "unit_change": f"{name} is multiplied by {size:g}",
            "outliers": f"{size:.1%} of {name} become {value:g}",
            "mix_shift": f"{size:.0%} of the trips turn to {name} {value:g}",
            "segment": f"trip_distance of {name} {value:g} is multiplied by {size:g}",
            "concept_drift": f"trips take {size:g} times as long for the same inputs",
            "missing_day": "the day never comes",
            "empty_day": "the day comes and holds no trip",
            "late_data": f"{size:.0%} of the trips come {self.delay_days} days late",
        }[self.kind]

    def arrival(self, day: dt.date) -> dt.date:
        """When the late rows of a day are there."""
        return day + dt.timedelta(days=self.delay_days)

    def label_by(self, day: dt.date, today: dt.date) -> str:
        """What became of it on a day, for somebody who looks at that day from a later one."""
        if self.kind == "late_data" and today < self.arrival(day):
            return f"{self.size:.0%} of the trips are not here yet"
        return self.label

    def apply(self, trips: pd.DataFrame, rng: np.random.Generator) -> None:
        """Change a day's trips in place; faults of whole days and late rows change nothing here."""
        hit = rng.random(len(trips)) < self.size
        if self.kind == "missing_values":
            trips.loc[hit, self.column] = np.nan
        elif self.kind in ("unseen_category", "outliers", "mix_shift"):
            trips.loc[hit, self.column] = self.value
        elif self.kind == "unit_change":
            trips[self.column] *= self.size
        elif self.kind == "segment":
            trips.loc[trips[self.column] == self.value, "trip_distance"] *= self.size
        elif self.kind == "concept_drift":
            lasted = trips["dropoff_datetime"] - trips["pickup_datetime"]
            trips["dropoff_datetime"] = trips["pickup_datetime"] + lasted * self.size


def _april(kind: str, first: int, last: int, **about: object) -> Fault:
    return Fault(kind, dt.date(2019, 4, first), dt.date(2019, 4, last), **about)  # type: ignore[arg-type]


# All ten kinds within three weeks, with calm days before, between and after.
DEFAULT_SCHEDULE: Sequence[Fault] = (
    _april("missing_values", 3, 3, column="passenger_count", size=0.35),
    _april("unseen_category", 5, 5, column="payment_type", size=0.15, value=6),
    _april("unit_change", 7, 7, column="trip_distance", size=1.609344),
    _april("outliers", 9, 9, column="fare_amount", size=0.01, value=5000),
    _april("mix_shift", 11, 11, column="pickup_location_id", size=0.30, value=132),
    _april("segment", 13, 13, column="vendor_id", size=1.5, value=2),
    _april("concept_drift", 15, 16, size=1.4),
    _april("missing_day", 17, 17),
    _april("empty_day", 18, 18),
    _april("late_data", 20, 20, size=0.25, delay_days=3),
)
