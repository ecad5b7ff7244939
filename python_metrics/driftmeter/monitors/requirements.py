"""What a reference period needs so that days can be judged."""

from driftmeter.monitors.cadence import DAILY, Cadence

# Fewer days do not tell a level from a day (benchmarks/young.py).
LEAST_DAYS = 3
# From so many days on, the reference alone tells how days vary. Fewer are held against what all
# columns of the monitor show and what is usual, and thresholds are wider.
ENOUGH_DAYS = 28
# So many groups of a protected column are compared with the others, those with the most rows.
MOST_GROUPS = 20


def too_few_days(days: int, cadence: Cadence = DAILY, *, grows: bool = False) -> str:
    """Why no day is judged against a reference period with so few days that have rows.

    Parameters
    ----------
    grows : bool
        Whether calm days that come will be added to it.
    """
    have = cadence.counted(days)
    fix = f"It grows as {cadence.every}s come" if grows else "Widen `reference` in its YAML"
    return f"its reference period has {have} with rows and a threshold needs {LEAST_DAYS}. {fix}"


def no_value() -> str:
    """Why a column is judged on no day: the reference period has no value of it."""
    return (
        "the reference period has no value of it."
        " Choose a reference period that has, or remove columns that are always empty"
    )
