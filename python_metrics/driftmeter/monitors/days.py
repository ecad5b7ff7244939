"""Days in a row."""

import datetime as dt

EVER = dt.date.min, dt.date.max


def every_day(first: dt.date, last: dt.date) -> list[dt.date]:
    """Days from the first to the last, both included."""
    return [first + dt.timedelta(days=number) for number in range((last - first).days + 1)]
