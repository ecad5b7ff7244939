"""What a monitor's YAML says of days that are known to differ: events, holidays and changes."""

import datetime as dt
from collections.abc import Mapping
from functools import lru_cache

from pydantic import Field, model_validator

from driftmeter.monitors.cadence import ONE_DAY
from driftmeter.monitors.strict import Strict


class OfDay(Strict):
    """A block with the key `on`, which YAML 1.1, as dbt reads it, takes for the word true."""

    @model_validator(mode="before")
    @classmethod
    def _read_on(cls, block: object) -> object:
        if not isinstance(block, Mapping):
            return block
        words = (True, "true", "True")
        return {"on" if key in words else key: value for key, value in block.items()}


class KnownEvent(OfDay):
    """A day or a span that is known to differ, such as a holiday or a promotion.

    Attributes
    ----------
    on : date, optional
        The day, or else `from` and `to` name the first and the last, both included.
    what : str
        Its name. Days of one name are compared with each other where the reference has three.
    """

    on: dt.date | None = None
    from_date: dt.date | None = Field(default=None, alias="from")
    to_date: dt.date | None = Field(default=None, alias="to")
    what: str = Field(min_length=1)

    @model_validator(mode="after")
    def _names_its_days(self) -> "KnownEvent":
        span = (self.from_date, self.to_date)
        if (self.on is None) == (span == (None, None)) or (self.on is None and None in span):
            raise ValueError(f"{self.what!r} needs either `on`, or `from` and `to`")
        if self.on is None and self.first > self.last:
            raise ValueError(f"{self.what!r}: from {self.first} is after to {self.last}")
        return self

    @property
    def first(self) -> dt.date:
        """Its first day."""
        return self.on or self.from_date or dt.date.min

    @property
    def last(self) -> dt.date:
        """Its last day."""
        return self.on or self.to_date or dt.date.max


class DeclaredChange(OfDay):
    """A change that is meant to last: from its day on its columns are compared with days since.

    Attributes
    ----------
    on : date
        The first day of the new normal.
    columns : tuple of str
        The columns that change, and no others.
    what : str
        What changes, for people.
    """

    on: dt.date
    columns: tuple[str, ...] = Field(min_length=1)
    what: str = Field(min_length=1)


def event_of(
    day: dt.date,
    expected: tuple[KnownEvent, ...],
    calendar: str | None = None,
    last_day: dt.date | None = None,
) -> str | None:
    """The name of the known event that a day is part of, or that a longer batch has, or None.

    Declared events go before holidays, and a holiday before the day beside another one.

    Parameters
    ----------
    last_day : date, optional
        Of a batch that begins on the day and is longer. Days beside its holidays are like others.
    """
    last = last_day or day
    for event in expected:
        if event.first <= last and day <= event.last:
            return event.what
    if calendar is None:
        return None
    if last > day:
        within = (day + number * ONE_DAY for number in range((last - day).days + 1))
        return next(filter(None, (_holiday(calendar, each) for each in within)), None)
    places = ((day, ""), (day + ONE_DAY, "day before "), (day - ONE_DAY, "day after "))
    named = (
        f"{beside}{name}" for holiday, beside in places if (name := _holiday(calendar, holiday))
    )
    return next(named, None)


def check_calendar(name: str) -> None:
    """Raise a ValueError with the fix if no calendar has this name."""
    try:
        _holidays(name, 2026)
    except NotImplementedError:
        raise ValueError(
            f"{name!r} is no calendar: write a country's code such as US, or one with its part"
            " such as US-NY"
        ) from None


def _holiday(calendar: str, day: dt.date) -> str | None:
    return _holidays(calendar, day.year).get(day)


@lru_cache(maxsize=256)
def _holidays(calendar: str, year: int) -> Mapping[dt.date, str]:
    # Imported here: most monitors have no calendar.
    import holidays

    country, _, part = calendar.partition("-")
    named = holidays.country_holidays(
        country, subdiv=part or None, years=[year], expand=False, language="en_US"
    )
    return dict(named)
