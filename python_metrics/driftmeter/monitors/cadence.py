"""How often a model scores: each batch is an hour, a day, a week from Monday on, or a month.

A batch is known everywhere by its first day, the inference table's ``partition_date``; an hour by
the instant at which it begins, ``partition_start``. Windows and baselines count batches, and spans
of days hold the batches that begin in them.
"""

import datetime as dt
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal
from zoneinfo import ZoneInfo

from driftmeter.monitors.hour import Hour, day_of, is_twice

Every = Literal["hour", "day", "week", "month"]
DAYS_A_MONTH = 365.25 / 12
WEEK = dt.timedelta(weeks=1)
ONE_DAY = dt.timedelta(days=1)
ONE_HOUR = dt.timedelta(hours=1)
UTC = ZoneInfo("UTC")
# Hours of a day, on a workday and at the weekend.
HOURS = 24
# Months of a year.
MONTHS = 12
# Of a weekday, an hour of the day, or a month of the year, so many must have been seen.
FEWEST_OF_A_LEVEL = 3


@dataclass(frozen=True)
class Cadence:
    """Batches of one length, in the order of the calendar.

    Attributes
    ----------
    every : {'hour', 'day', 'week', 'month'}
    zone : ZoneInfo
        Whose clock tells of hours. Batches of days need none: they have dates.
    """

    every: Every = "day"
    zone: ZoneInfo = UTC

    @classmethod
    def of(cls, every: Every, timezone: str) -> "Cadence":
        """That of a monitor, by what `metrics.monitors` has of it."""
        return cls(every, ZoneInfo(timezone)) if every == "hour" else cls(every)

    @property
    def is_hourly(self) -> bool:
        """Whether a batch is an hour, which a date does not name."""
        return self.every == "hour"

    @property
    def days(self) -> float:
        """Days of a batch, on average."""
        return {"hour": 1 / HOURS, "day": 1.0, "week": 7.0, "month": DAYS_A_MONTH}[self.every]

    @property
    def quiet(self) -> int:
        """Batches on which nothing is left of an incident, after which it is over."""
        return {"hour": 24, "day": 7, "week": 2, "month": 1}[self.every]

    def start(self, day: dt.date) -> dt.date:
        """First day of the batch that holds a day; of hours the first one of a day."""
        if self.is_hourly:
            if not isinstance(day, dt.datetime):
                return Hour.first_of(day, self.zone)
            local = Hour.of(day, self.zone)
            return local.replace(minute=0, second=0, microsecond=0)
        if self.every == "week":
            return day - dt.timedelta(days=day.weekday())
        return day.replace(day=1) if self.every == "month" else day

    def last(self, day: dt.date) -> dt.date:
        """The batch that holds a day; of hours the last one of a day."""
        if self.is_hourly and not isinstance(day, dt.datetime):
            return self.after(Hour.first_of(self._next_day(day), self.zone), -1)
        return self.start(day)

    def after(self, batch: dt.date, count: int = 1) -> dt.date:
        """First day of the batch so many after one; before it, of a negative count.

        The calendar ends with the years 1 and 9999, and so do batches.
        """
        try:
            if self.is_hourly:
                begun = self.start(batch)
                assert isinstance(begun, Hour)
                instant = begun.astimezone(dt.timezone.utc) + count * ONE_HOUR
                return Hour.of(instant, self.zone)
            if self.every == "month":
                months = batch.year * 12 + batch.month - 1 + count
                return dt.date(months // 12, months % 12 + 1, 1)
            return self.start(batch) + count * (WEEK if self.every == "week" else ONE_DAY)
        except (OverflowError, ValueError):
            return dt.date.max if count > 0 else dt.date.min

    def last_day(self, batch: dt.date) -> dt.date:
        """Last day of a batch."""
        if self.is_hourly:
            return day_of(batch)
        return batch if self.every == "day" else self.after(batch) - ONE_DAY

    def batches(self, first: dt.date, last: dt.date) -> list[dt.date]:
        """Batches that begin on the days from the first to the last, both included."""
        if self.is_hourly:
            begins, ends = self.start(first), self.last(last)
            return [self.after(begins, number) for number in range(self.between(begins, ends) + 1)]
        if self.every != "month":
            step = 7 if self.every == "week" else 1
            begins = first + dt.timedelta(days=-first.weekday() % 7) if step == 7 else first
            offsets = range(0, (last - begins).days + 1, step)
            return [begins + dt.timedelta(days=at) for at in offsets]
        begins = first if first.day == 1 else self.after(first)
        count = 12 * (last.year - begins.year) + last.month - begins.month + 1
        return [self.after(begins, number) for number in range(max(count, 0))]

    def bounds(self, first: dt.date, last: dt.date) -> tuple[dt.date, dt.date]:
        """The span as batches are known: of hours from the first one of a day to the last."""
        if not self.is_hourly:
            return first, last
        begins = first if first == dt.date.min else self.start(first)
        return begins, last if last == dt.date.max else self.last(last)

    def between(self, earlier: dt.date, later: dt.date) -> int:
        """How many batches the later one is after the earlier."""
        if self.every == "month":
            return 12 * (later.year - earlier.year) + later.month - earlier.month
        apart = self.start(later) - self.start(earlier)
        if self.is_hourly:
            return round(apart / ONE_HOUR)
        return apart.days // 7 if self.every == "week" else apart.days

    def ended_before(self, day: dt.date) -> dt.date:
        """The newest batch of which the last day is before a day."""
        return self.after(self.start(day), -1)

    def ended_by(self, now: dt.datetime) -> dt.date:
        """The newest batch that has ended at a moment, by the clock of its zone."""
        if self.is_hourly:
            return self.after(now, -1)
        return self.ended_before(now.date())

    def ending_within(self, first: dt.date, last: dt.date) -> list[dt.date]:
        """Batches that have their last day from the first day to the last: they end in the span."""
        if self.is_hourly:
            return self.batches(first, last)
        touched = self.batches(self.start(first), last)
        return [batch for batch in touched if self.last_day(batch) <= last]

    def level(self, batch: dt.date) -> int:
        """Which of a statistic's levels a batch has: of days their weekday, Monday is 0.

        Of hours the hour of the day, and 24 more on Saturdays and Sundays. Of months the month of
        the year, January is 0.
        """
        if self.is_hourly:
            local = Hour.of(batch, self.zone)  # type: ignore[arg-type]
            return local.hour + HOURS * (local.weekday() >= 5)
        if self.every == "month":
            return batch.month - 1
        return batch.weekday() if self.every == "day" else 0

    @property
    def levels(self) -> int:
        """How many levels a statistic has; that of weeks is one and is not fitted."""
        return {"hour": 2 * HOURS, "month": MONTHS}.get(self.every, 7)

    def tells_months(self, batches: Iterable[dt.date]) -> bool:
        """Whether batches are months of years enough, so that each has a level of its own."""
        if self.every != "month":
            return False
        seen = Counter(batch.month for batch in batches)
        return len(seen) == MONTHS and min(seen.values()) >= FEWEST_OF_A_LEVEL

    def name(self, batch: dt.date) -> str:
        """A batch in a sentence: 2026-04-06 14:00, 2026-04-06, week of 2026-04-06, April 2026."""
        if self.is_hourly:
            return self._hour(batch)
        if self.every == "week":
            return f"week of {batch}"
        return f"{batch:%B %Y}" if self.every == "month" else str(batch)

    def named(self, batch: dt.date) -> str:
        """The same with its article: 2026-04-06, the week of 2026-04-06, April 2026."""
        return f"{'the ' if self.every == 'week' else ''}{self.name(batch)}"

    def on(self, batch: dt.date) -> str:
        """When, in a sentence: at 2026-04-06 14:00, on 2026-04-06, in the week of 2026-04-06."""
        return f"{self._word} {self.named(batch)}"

    def on_usual(self, batch: dt.date, *, of_month: bool = False) -> str:
        """When a batch like this one was: at 14:00 on a workday, on a Monday, in a week.

        Parameters
        ----------
        of_month : bool
            Whether a month is compared with the same one of other years: in an April.
        """
        if self.is_hourly:
            local = Hour.of(batch, self.zone)  # type: ignore[arg-type]
            kind = "on a weekend" if local.weekday() >= 5 else "on a workday"
            return f"{self._word} {local:%H:%M} {kind}"
        if of_month:
            article = "an" if f"{batch:%B}"[0] in "AO" else "a"
            return f"{self._word} {article} {batch:%B}"
        return f"{self._word} a {batch:%A}" if self.every == "day" else f"{self._word} {self.one}"

    @property
    def _word(self) -> str:
        return {"hour": "at", "day": "on"}.get(self.every, "in")

    @property
    def one(self) -> str:
        """A batch with its article: a day, an hour."""
        return f"an {self.every}" if self.is_hourly else f"a {self.every}"

    @property
    def before(self) -> str:
        """When the batches before one were, in a sentence: on the days before."""
        return f"{self._word} the {self.every}s before"

    def counted(self, count: int) -> str:
        """A number of batches in a sentence: 1 day, 1,200 weeks."""
        return f"1 {self.every}" if count == 1 else f"{count:,} {self.every}s"

    def _hour(self, batch: dt.date) -> str:
        if not isinstance(batch, dt.datetime):
            return str(batch)
        local = Hour.of(batch, self.zone)
        # The clock shows it twice when it is turned back: the offset tells which it is.
        offset = f"{local:%z}" if is_twice(local, self.zone) else ""
        return f"{local}{offset and ' ' + offset[:3] + ':' + offset[3:]}"

    def _next_day(self, day: dt.date) -> dt.date:
        return day + ONE_DAY if day < dt.date.max else day


DAILY = Cadence()
