"""What a reference period needs so that days can be judged."""

from driftmeter.monitors.days import counted_days

# Fewer days tell too little of how days wander.
LEAST_DAYS = 28


def too_few_days(days: int) -> str:
    """Why no day is judged against a reference period with so few days that have rows."""
    have = counted_days(days)
    return (
        f"its reference period has {have} with rows and a threshold needs {LEAST_DAYS}."
        " Widen `reference` in its YAML"
    )


def too_few_values(min_rows: int) -> str:
    """Why a column is judged on no day: the reference period knows too little of it."""
    return (
        f"most days of the reference period have fewer than {min_rows} known values."
        " Choose a reference period that has more, lower `min_rows` in the YAML, or remove"
        " columns that are always empty"
    )
