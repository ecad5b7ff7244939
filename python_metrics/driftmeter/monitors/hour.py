"""The key of an hourly batch: the instant at which it begins, as the clock of its zone shows it."""

import datetime as dt
from zoneinfo import ZoneInfo


class Hour(dt.datetime):
    """An hour, known by the instant at which it begins.

    It has the offset from UTC that its zone has then, so that the hour that is there twice in
    autumn is two keys. Beside a day it is within it: neither before nor after, and no equal of it.
    """

    @classmethod
    def of(cls, instant: dt.datetime, zone: dt.tzinfo) -> "Hour":
        """The key of an instant, by the clock of a zone."""
        local = instant.astimezone(zone)
        offset = dt.timezone(local.utcoffset() or dt.timedelta(0))
        return cls.combine(local.date(), local.time(), offset)

    @classmethod
    def first_of(cls, day: dt.date, zone: dt.tzinfo) -> "Hour":
        """The hour with which a day begins; where the clock skips midnight, the one after it."""
        midnight = dt.datetime.combine(day, dt.time(), zone)
        return cls.of(midnight.astimezone(dt.timezone.utc), zone)

    def __lt__(self, other: dt.date) -> bool:
        if isinstance(other, dt.datetime):
            return super().__lt__(_plain(other))
        return self.date() < other

    def __le__(self, other: dt.date) -> bool:
        if isinstance(other, dt.datetime):
            return super().__le__(_plain(other))
        return self.date() <= other

    def __gt__(self, other: dt.date) -> bool:
        if isinstance(other, dt.datetime):
            return super().__gt__(_plain(other))
        return self.date() > other

    def __ge__(self, other: dt.date) -> bool:
        if isinstance(other, dt.datetime):
            return super().__ge__(_plain(other))
        return self.date() >= other

    def __eq__(self, other: object) -> bool:
        return super().__eq__(_plain(other)) if isinstance(other, dt.datetime) else False

    def __hash__(self) -> int:
        return super().__hash__()

    def __format__(self, form: str) -> str:
        """As sentences tell it where the clock shows it once; a driver takes all of it."""
        return self.strftime(form or "%Y-%m-%d %H:%M")

    def __reduce_ex__(self, protocol: object) -> tuple[object, ...]:
        return _again, (self.isoformat(),)


def _plain(instant: dt.datetime) -> dt.datetime:
    """An instant of a library's own class, such as pandas', as Python's."""
    if type(instant) in (Hour, dt.datetime):
        return instant
    return dt.datetime.fromtimestamp(instant.timestamp(), dt.timezone.utc)


def _again(text: str) -> Hour:
    return Hour.fromisoformat(text)


def day_of(batch: dt.date) -> dt.date:
    """The calendar day of a batch, or of an hour."""
    return batch.date() if isinstance(batch, dt.datetime) else batch


def is_twice(hour: dt.datetime, zone: ZoneInfo) -> bool:
    """Whether the clock of a zone shows an hour's beginning twice."""
    local = hour.astimezone(zone)
    twin = local.replace(fold=1 - local.fold)
    # An hour that the clock skips has two offsets too, and is no time that it shows.
    return twin.utcoffset() != local.utcoffset() and (
        twin.astimezone(dt.timezone.utc).astimezone(zone).replace(tzinfo=None)
        == local.replace(tzinfo=None)
    )
