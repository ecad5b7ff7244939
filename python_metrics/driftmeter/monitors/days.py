"""Days in a row, and how sentences count them."""

import datetime as dt

from driftmeter.monitors.cadence import DAILY, Cadence

EVER = dt.date.min, dt.date.max


def every_day(first: dt.date, last: dt.date) -> list[dt.date]:
    """Days from the first to the last, both included."""
    return DAILY.batches(first, last)


def counted_days(count: int) -> str:
    """A number of days in a sentence: 1 day, 1,200 days."""
    return DAILY.counted(count)


def days_within(count: int, first: dt.date, last: dt.date, cadence: Cadence = DAILY) -> str:
    """So many days, or batches, of a span: the span and its days, or how many of a longer one.

    Of one day its date, whatever the span.
    """
    if count <= 1:
        return cadence.name(first)
    if count == cadence.between(first, last) + 1:
        return f"{cadence.name(first)} to {cadence.name(last)} ({cadence.counted(count)})"
    return f"{cadence.counted(count)} between {cadence.name(first)} and {cadence.name(last)}"
