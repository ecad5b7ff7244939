"""Columns as numbers for trees: categories by rank, missing values far below all."""

import numpy as np
import pandas as pd

from driftmeter.quality.counts import Floats

# Categories beyond these are one.
MOST_CATEGORIES = 30
MISSING = -1e12


class Encoding:
    """Codes a frame's columns as its reference's were.

    Parameters
    ----------
    reference : pandas.DataFrame
        Text is a category, all else a number.
    """

    def __init__(self, reference: pd.DataFrame) -> None:
        self._categories = {
            name: most_frequent(reference[name])
            for name in reference.columns
            if not pd.api.types.is_numeric_dtype(reference[name])
        }

    def encode(self, frame: pd.DataFrame) -> Floats:
        """Numbers as they are, categories by their rank; shape (rows, columns)."""
        columns = []
        for name in frame.columns:
            if name in self._categories:
                codes = pd.Categorical(frame[name], categories=self._categories[name]).codes
                other = np.where(frame[name].isna(), np.nan, float(MOST_CATEGORIES))
                columns.append(np.where(codes >= 0, codes, other).astype(float))
            else:
                columns.append(frame[name].to_numpy(dtype=float))
        # A value of its own for what is missing, which trees can cut off.
        coded: Floats = np.nan_to_num(
            np.column_stack(columns), nan=MISSING, posinf=-MISSING, neginf=MISSING
        )
        return coded


def most_frequent(values: pd.Series) -> list[str]:
    """The most frequent categories; those as frequent as each other by name."""
    counts = values.value_counts()
    return sorted(counts.index, key=lambda name: (-counts[name], name))[:MOST_CATEGORIES]
