"""Ages as people write them: 90d, 8w, 13m, 3y."""

import datetime as dt
import re

from driftmeter.errors import DriftmeterError

DAYS = {"d": 1, "w": 7}
MONTHS = {"m": 1, "y": 12}


def first_kept(age: str, newest: dt.date, where: str) -> dt.date:
    """The first day that stays: that of the month in which the age, counted back, begins.

    Parameters
    ----------
    age : str
        A number of days, weeks, months or years, such as ``400d`` or ``3y``.
    newest : date
        The day from which is counted; it is the first day of the age.
    where : str
        The option or field that holds it, for errors.

    Raises
    ------
    DriftmeterError
        If it is no such age.
    """
    written = re.fullmatch(r"([1-9]\d{0,4})([dwmy])", age.strip())
    try:
        if written is None:
            raise ValueError
        number, unit = int(written[1]), written[2]
        if unit in DAYS:
            return (newest - dt.timedelta(days=number * DAYS[unit] - 1)).replace(day=1)
        months = 12 * newest.year + newest.month - 1 - number * MONTHS[unit]
        return dt.date(months // 12, months % 12 + 1, 1)
    except (ValueError, OverflowError) as error:
        raise DriftmeterError(
            f"{age!r} is not an age",
            where=where,
            fix="write days, weeks, months or years, such as 90d or 3y",
        ) from error
