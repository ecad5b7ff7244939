"""How often a model scores: each batch is a day, a week from Monday on, or a calendar month.

A batch is known everywhere by its first day, the inference table's ``partition_date``. Windows and
baselines count batches, and spans of days hold the batches that begin in them.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Literal

Every = Literal["day", "week", "month"]
DAYS_A_MONTH = 365.25 / 12
WEEK = dt.timedelta(weeks=1)
ONE_DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Cadence:
    """Batches of one length, in the order of the calendar.

    Attributes
    ----------
    every : {'day', 'week', 'month'}
    """

    every: Every = "day"

    @property
    def days(self) -> float:
        """Days of a batch, on average."""
        return {"day": 1.0, "week": 7.0, "month": DAYS_A_MONTH}[self.every]

    @property
    def quiet(self) -> int:
        """Batches on which nothing is left of an incident, after which it is over."""
        return {"day": 7, "week": 2, "month": 1}[self.every]

    def start(self, day: dt.date) -> dt.date:
        """First day of the batch that holds a day."""
        if self.every == "week":
            return day - dt.timedelta(days=day.weekday())
        return day.replace(day=1) if self.every == "month" else day

    def after(self, batch: dt.date, count: int = 1) -> dt.date:
        """First day of the batch so many after one; before it, of a negative count.

        The calendar ends with the years 1 and 9999, and so do batches.
        """
        try:
            if self.every == "month":
                months = batch.year * 12 + batch.month - 1 + count
                return dt.date(months // 12, months % 12 + 1, 1)
            return self.start(batch) + count * (WEEK if self.every == "week" else ONE_DAY)
        except (OverflowError, ValueError):
            return dt.date.max if count > 0 else dt.date.min

    def last_day(self, batch: dt.date) -> dt.date:
        """Last day of a batch."""
        return batch if self.every == "day" else self.after(batch) - ONE_DAY

    def batches(self, first: dt.date, last: dt.date) -> list[dt.date]:
        """Batches that begin on the days from the first to the last, both included."""
        if self.every != "month":
            step = 7 if self.every == "week" else 1
            begins = first + dt.timedelta(days=-first.weekday() % 7) if step == 7 else first
            offsets = range(0, (last - begins).days + 1, step)
            return [begins + dt.timedelta(days=at) for at in offsets]
        begins = first if first.day == 1 else self.after(first)
        count = 12 * (last.year - begins.year) + last.month - begins.month + 1
        return [self.after(begins, number) for number in range(max(count, 0))]

    def between(self, earlier: dt.date, later: dt.date) -> int:
        """How many batches the later one is after the earlier."""
        if self.every == "month":
            return 12 * (later.year - earlier.year) + later.month - earlier.month
        apart = (self.start(later) - self.start(earlier)).days
        return apart // 7 if self.every == "week" else apart

    def ended_before(self, day: dt.date) -> dt.date:
        """The newest batch of which the last day is before a day."""
        return self.after(self.start(day), -1)

    def ending_within(self, first: dt.date, last: dt.date) -> list[dt.date]:
        """Batches that have their last day from the first day to the last: they end in the span."""
        touched = self.batches(self.start(first), last)
        return [batch for batch in touched if self.last_day(batch) <= last]

    def level(self, batch: dt.date) -> int:
        """Which of a statistic's seven levels a batch has: of days their weekday, Monday is 0."""
        return batch.weekday() if self.every == "day" else 0

    def name(self, batch: dt.date) -> str:
        """A batch in a sentence: 2026-04-06, week of 2026-04-06, April 2026."""
        if self.every == "week":
            return f"week of {batch}"
        return f"{batch:%B %Y}" if self.every == "month" else str(batch)

    def named(self, batch: dt.date) -> str:
        """The same with its article: 2026-04-06, the week of 2026-04-06, April 2026."""
        return f"{'the ' if self.every == 'week' else ''}{self.name(batch)}"

    def on(self, batch: dt.date) -> str:
        """When, in a sentence: on 2026-04-06, in the week of 2026-04-06, in April 2026."""
        return f"{'on' if self.every == 'day' else 'in'} {self.named(batch)}"

    def usual(self, batch: dt.date) -> str:
        """What a batch is compared with, in a sentence: a Monday, a week, a month."""
        return f"a {batch:%A}" if self.every == "day" else f"a {self.every}"

    def counted(self, count: int) -> str:
        """A number of batches in a sentence: 1 day, 1,200 weeks."""
        return f"1 {self.every}" if count == 1 else f"{count:,} {self.every}s"


DAILY = Cadence()
