"""Days in a row, and how sentences count them."""

import datetime as dt

EVER = dt.date.min, dt.date.max


def every_day(first: dt.date, last: dt.date) -> list[dt.date]:
    """Days from the first to the last, both included."""
    return [first + dt.timedelta(days=number) for number in range((last - first).days + 1)]


def counted_days(count: int) -> str:
    """A number of days in a sentence: 1 day, 1,200 days."""
    return "1 day" if count == 1 else f"{count:,} days"


def days_within(count: int, first: dt.date, last: dt.date) -> str:
    """So many days of a span: the span and its days, or how many of a longer one.

    Of one day its date, whatever the span.
    """
    if count <= 1:
        return str(first)
    if count == (last - first).days + 1:
        return f"{first} to {last} ({counted_days(count)})"
    return f"{counted_days(count)} between {first} and {last}"
