"""On which days rows are due, by the days of the reference period that have rows."""

import calendar
import datetime as dt
import itertools
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from zoneinfo import ZoneInfo

from driftmeter.monitors.cadence import DAILY, ONE_DAY, Cadence
from driftmeter.monitors.days import every_day

# A weekday, or a day of the month, has a batch where more than this share of them had one.
REGULAR_SHARE = 2 / 3
# So long after a day has ended its rows are due; Dagster's schedule runs it then. Most batch jobs
# have written it by that time.
GRACE_HOURS = 6
# The same for the rows of an hour.
HOURS_OF_GRACE = 1


def newest_due_day(zone: ZoneInfo, now: dt.datetime, cadence: Cadence = DAILY) -> dt.date:
    """The newest batch whose rows are due, by the clock of a time zone."""
    if cadence.is_hourly:
        return cadence.ended_by(now - dt.timedelta(hours=HOURS_OF_GRACE))
    there = now.astimezone(zone).replace(tzinfo=None)
    return cadence.ended_before((there - dt.timedelta(hours=GRACE_HOURS)).date())


def due_days(
    reference: Collection[dt.date], first: dt.date, last: dt.date, cadence: Cadence = DAILY
) -> list[dt.date]:
    """Days of a span on which rows are due, in order.

    Rows come on the weekdays on which they came in the reference; where no weekday is regular, on
    its days of the month, counted from the month's first day or from its last. Where the reference
    shows none of these rhythms, rows are due once its longest step between two days with rows has
    passed without any. Of weeks and months each is due where most of the reference's had rows.

    Parameters
    ----------
    reference : collection of date
        Days of the reference that have rows. Fewer than two show no rhythm: then no day is due.
    first, last : date
        The span, both days included. Longest steps are counted from the day before the first: give
        the day after the newest one with rows.
    """
    came = sorted(set(reference))
    if len(came) < 2:
        return []
    if cadence != DAILY:
        return _due_batches(came, cadence.batches(first, last), cadence)
    span = every_day(first, last)
    whole = every_day(came[0], came[-1])
    rhythms = [
        (part, _regular(part, came, whole, least))
        for part, least in ((dt.date.weekday, 1), (_day_of_month, 2), (_days_to_month_end, 2))
    ]
    # The rhythm that says most of the days; of two that say as many the weekdays.
    part, regular = max(
        rhythms, key=lambda rhythm: sum(rhythm[0](day) in rhythm[1] for day in came)
    )
    if 2 * sum(part(day) in regular for day in came) > len(came):
        return [day for day in span if part(day) in regular]
    longest = max(later - sooner for sooner, later in itertools.pairwise(came))
    return [day for day in span if (day - first + ONE_DAY) % longest == dt.timedelta(0)]


def _due_batches(
    came: Sequence[dt.date], span: Sequence[dt.date], cadence: Cadence
) -> list[dt.date]:
    """Those of a span's weeks or months in which rows are due."""
    if cadence.is_hourly and (hours := _regular_hours(came, cadence)):
        return [batch for batch in span if cadence.level(batch) in hours]
    steps = [cadence.between(sooner, later) for sooner, later in itertools.pairwise(came)]
    if len(came) > REGULAR_SHARE * (sum(steps) + 1):
        return list(span)
    return [batch for number, batch in enumerate(span, 1) if number % max(steps) == 0]


def _regular_hours(came: Sequence[dt.date], cadence: Cadence) -> set[int]:
    """Hours of workdays, and of weekends, most of which had rows; none if that says too little."""
    whole = cadence.batches(came[0], came[-1])
    regular = _regular(cadence.level, came, whole, 1)
    told = sum(cadence.level(batch) in regular for batch in came)
    return regular if 2 * told > len(came) else set()


def _regular(
    part: Callable[[dt.date], int],
    came: Collection[dt.date],
    whole: Collection[dt.date],
    least: int,
) -> set[int]:
    """Weekdays, or days of the month, most of which had rows of those that were seen."""
    seen, had = Counter(map(part, whole)), Counter(map(part, came))
    regular = {key for key in had if had[key] >= least and had[key] / seen[key] > REGULAR_SHARE}
    # A reference of a few days has not seen every weekday: where it had rows daily, it would have.
    if part is dt.date.weekday and len(came) == len(whole):
        regular |= set(range(7))
    return regular


def _day_of_month(day: dt.date) -> int:
    return day.day


def _days_to_month_end(day: dt.date) -> int:
    return calendar.monthrange(day.year, day.month)[1] - day.day
