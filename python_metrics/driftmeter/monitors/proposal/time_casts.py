"""Times that are written as numbers or as text, and the casts with which the view reads them.

A number is taken for a time where its name says so and all its values lie in this century: seconds,
milli-, micro- and nanoseconds since 1970, and days as 20260131, are then far apart. A text is one
where it is written as ISO 8601 has it.
"""

import dataclasses
from collections.abc import Collection, Mapping

import sqlalchemy as sa

from driftmeter.monitors.proposal.names import is_time_name
from driftmeter.monitors.proposal.table import FRACTIONS, SAMPLE_ROWS, TEXTS, TableColumn, run

# The years 2000 to 2100, in seconds.
FIRST, LAST = 946_684_800, 4_102_444_800
# Seconds, milli-, micro- and nanoseconds.
UNITS = (1, 10**3, 10**6, 10**9)
# The same years, as days.
FIRST_DAY, LAST_DAY = 20_000_101, 21_001_231
DAY = r"\d{4}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])"
ISO_DAY = r"\d{4}-?(0[1-9]|1[0-2])-?(0[1-9]|[12]\d|3[01])"
ISO_TIME = r"[T ]\d\d:\d\d(:\d\d(\.\d+)?)?"
ZONE = r" ?(Z|UTC|[+-]\d\d(:?\d\d)?)"


def read_times(
    session: sa.Connection,
    origin: str,
    columns: Mapping[str, TableColumn],
    given: Collection[str | None],
) -> dict[str, TableColumn]:
    """The same columns; those that are times by name and values have a cast, and its type.

    Parameters
    ----------
    origin : str
        What is read, as a ``from`` clause has it.
    given : collection of str or None
        Columns that a person says are times: their names need not say so too.
    """
    read = dict(columns)
    for name, column in columns.items():
        if not column.known or not (is_time_name(name) or name in given):
            continue
        if column.is_number:
            cast = _cast_of_number(session, origin, column)
        elif column.data_type in TEXTS:
            cast = _cast_of_text(session, origin, column)
        else:
            continue
        if cast is not None:
            data_type, sql = cast
            read[name] = dataclasses.replace(
                column, data_type=data_type, sql=sql, lowest=None, highest=None, values=()
            )
    return read


def _cast_of_number(
    session: sa.Connection, origin: str, column: TableColumn
) -> tuple[str, str] | None:
    if column.lowest is None or column.highest is None:
        return None
    value = column.sql
    if column.data_type in FRACTIONS:
        # No time is NaN.
        value = f"nullif({value}, 'NaN')"
    for factor in UNITS:
        if factor * FIRST <= column.lowest and column.highest <= factor * LAST:
            return "timestamp with time zone", _moment(value, factor)
    if column.lowest >= FIRST_DAY and column.highest <= LAST_DAY:
        text = f"{value}::text"
        if _all_like(session, origin, text, DAY)[0]:
            return "date", f"to_date({text}, 'YYYYMMDD')"
    return None


def _cast_of_text(
    session: sa.Connection, origin: str, column: TableColumn
) -> tuple[str, str] | None:
    # A file that was loaded has an empty text where it knows no time.
    value = f"nullif({column.sql}, '')"
    patterns = (ISO_DAY, f"{ISO_DAY}({ISO_TIME})?", f"{ISO_DAY}{ISO_TIME}{ZONE}")
    epochs = (rf"[1-4]\d{{9}}\d{{{digits}}}" for digits in (0, 3, 6, 9))
    are_days, have_no_zone, have_zone, *are_epochs = _all_like(
        session, origin, value, *patterns, *epochs
    )
    for factor, are_numbers in zip(UNITS, are_epochs, strict=True):
        if are_numbers:
            return "timestamp with time zone", _moment(f"{value}::bigint", factor)
    if are_days:
        return "date", f"{value}::date"
    if have_no_zone:
        return "timestamp without time zone", f"{value}::timestamp"
    return ("timestamp with time zone", f"{value}::timestamptz") if have_zone else None


def _moment(number: str, factor: int) -> str:
    """SQL for the time that a number of parts of a second since 1970 says."""
    return f"to_timestamp({number if factor == 1 else f'{number} / {factor}.0'})"


def _all_like(session: sa.Connection, origin: str, text: str, *patterns: str) -> list[bool]:
    """Whether all values among the first rows are written so, for each pattern."""
    asked = ", ".join(f"bool_and({text} ~ '^{pattern}$')" for pattern in patterns)
    select = f"select {asked} from (select * from {origin} limit {SAMPLE_ROWS}) as rows"
    return [bool(found) for found in run(session, select).one()]
