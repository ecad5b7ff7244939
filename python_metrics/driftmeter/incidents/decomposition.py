"""Divides the change of a metric over segments: other shares, or other values in them.

With shares w and rates r of segments before (0) and now (1), the change of the mean is split as

    mix_s  = (w1 - w0) * ((r0 + r1) / 2 - m),    m the mean of both overall rates
    rate_s = (w0 + w1) / 2 * (r1 - r0)

which sums over segments to the change exactly (Kitagawa 1955; centred on m so that a segment that
grows counts for how far it is from the rest). A segment that is new or gone has no rate on one
side; it is taken to behave as it does on the other, so that all of its part is mix.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class SegmentShare:
    """One segment's part of a change.

    Attributes
    ----------
    mix, rate : float
        In the metric's own unit; all parts sum to the change.
    share_before, share_now, rate_before, rate_now : float
        Rates are NaN where the segment has no rows.
    """

    value: str
    mix: float
    rate: float
    share_before: float
    share_now: float
    rate_before: float
    rate_now: float


def decompose(
    before: "pd.Series[float]",
    segment_before: "pd.Series[str]",
    now: "pd.Series[float]",
    segment_now: "pd.Series[str]",
) -> list[SegmentShare]:
    """Parts of the change of a mean, the largest first.

    Parameters
    ----------
    before, now : pandas.Series of float
        The metric's value on each row; rows without one count for nothing.
    segment_before, segment_now : pandas.Series of str
        The segment of each row; rows without one are a segment.
    """
    sides = []
    for values, segment in ((before, segment_before), (now, segment_now)):
        known = np.isfinite(values.to_numpy(dtype=float))
        names = segment.astype(object).where(segment.notna(), "(missing)").to_numpy()[known]
        grouped = pd.Series(values.to_numpy(dtype=float)[known]).groupby(names)
        sides.append((grouped.size() / max(known.sum(), 1), grouped.mean()))
    (share_0, rate_0), (share_1, rate_1) = sides
    middle = ((share_0 * rate_0).sum() + (share_1 * rate_1).sum()) / 2
    parts = []
    for name in share_0.index.union(share_1.index):
        w0, w1 = float(share_0.get(name, 0.0)), float(share_1.get(name, 0.0))
        r0, r1 = float(rate_0.get(name, np.nan)), float(rate_1.get(name, np.nan))
        a, b = (r1 if np.isnan(r0) else r0), (r0 if np.isnan(r1) else r1)
        parts.append(
            SegmentShare(
                str(name), (w1 - w0) * ((a + b) / 2 - middle), (w0 + w1) / 2 * (b - a),
                w0, w1, r0, r1,
            )
        )  # fmt: skip
    return sorted(parts, key=lambda part: -abs(part.mix + part.rate))
