"""Bins of numbers at quantiles of the reference, as the macro reference_bins makes them."""

import numpy as np

from driftmeter.quality.counts import Floats


def cuts_of(values: Floats, levels: Floats) -> Floats:
    """Ascending cuts; a value that many rows share, and the highest, is a bin of its own.

    Parameters
    ----------
    values : array of float
        What is not finite is left out; of nothing there is no cut.
    levels : array of float
        Of the quantiles, ascending, 0 to 1.
    """
    known = np.sort(values[np.isfinite(values)])
    if not len(known):
        return np.empty(0)
    # As Postgres' percentile_disc: the first value whose share of rows below it reaches the level.
    places = np.maximum(np.ceil(np.round(levels * len(known), 9)).astype(int) - 1, 0)
    quantiles, number = np.unique(known[places], return_counts=True)
    atoms = quantiles[(number > 1) | (quantiles == known[-1])]
    # An atom ends a hair above itself.
    cuts: Floats = np.union1d(quantiles, atoms + np.maximum(np.abs(atoms), 1) * 1e-9)
    return cuts
