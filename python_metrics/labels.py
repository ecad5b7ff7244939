"""A classifier's label as text, as numbers: one way to spell true and false."""

from typing import Any

import pandas as pd

# As Postgres prints a boolean, and as others write one.
SPELLED = {"true": 1.0, "t": 1.0, "1": 1.0, "false": 0.0, "f": 0.0, "0": 0.0}


def as_numbers(labels: "pd.Series[Any]") -> "pd.Series[float]":
    """1 for true, 0 for false, NaN for what is neither."""
    numbers: pd.Series[float] = labels.astype("string").str.lower().map(SPELLED).astype("float64")
    return numbers


def as_words(labels: "pd.Series[Any]") -> "pd.Series[Any]":
    """``true`` and ``false``; what is neither stays as it is, in lower case."""
    words = {spelled: "true" if number else "false" for spelled, number in SPELLED.items()}
    return labels.astype("string").str.lower().replace(words).astype(object)
