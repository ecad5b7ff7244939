"""Which two columns no longer go together, when every column alone looks as it did."""

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from python_metrics.incidents.breach import Breach
from python_metrics.incidents.change import Change

# Pairs grow with the square of the columns; this many of either kind are tried.
MOST_COLUMNS = 40


def correlation_shift(changes: Mapping[str, Change], area: float, threshold: float) -> Breach:
    """The pair of columns whose association changed most, in standard errors.

    Numbers go by Spearman's rank correlation; a category enters as the mean rank that its values
    had in the reference, so that one measure holds for every pair.
    """
    names = list(changes)[:MOST_COLUMNS]
    before, now = _ranked(names, changes)
    best: tuple[float, str, str, float, float] | None = None
    with np.errstate(invalid="ignore", divide="ignore"):
        then, after = before.corr(min_periods=30), now.corr(min_periods=30)
        error = np.sqrt(1 / max(len(before) - 3, 1) + 1 / max(len(now) - 3, 1))
        for first, second in itertools.combinations(names, 2):
            old, new = then.at[first, second], after.at[first, second]
            if not (np.isfinite(old) and np.isfinite(new)):
                continue
            size = abs(
                np.arctanh(np.clip(new, -0.999, 0.999)) - np.arctanh(np.clip(old, -0.999, 0.999))
            )
            if best is None or size / error > best[0]:
                best = (float(size / error), first, second, float(old), float(new))
    common = {"area": area, "threshold": threshold}
    if best is None:
        return Breach(
            "correlation_shift",
            f"The day can be told from the reference (area {area:.2f}, threshold {threshold:.2f}),"
            " though no column alone has changed.",
            strength=1.0,
            evidence=common,
        )
    size, first, second, old, new = best
    return Breach(
        "correlation_shift",
        f"{first} and {second} no longer go together as they did: rank correlation {new:.2f},"
        f" reference {old:.2f}, while each alone looks the same.",
        column_name=first,
        columns=(first, second),
        strength=area / threshold,
        evidence={**common, "correlation": new, "reference_correlation": old, "errors": size},
    )


def _ranked(names: list[str], changes: Mapping[str, Change]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Numbers as ranks, categories as the mean normal score of the columns they go with."""
    before, now = {}, {}
    numbers = [name for name in names if changes[name].column.kind == "numerical"]
    for name in numbers:
        before[name] = changes[name].reference.rank().to_numpy()
        now[name] = changes[name].day.rank().to_numpy()
    for name in names:
        if name in numbers:
            continue
        reference, day = changes[name].reference, changes[name].day
        score = _scores(reference, before)
        before[name] = reference.map(score).to_numpy(dtype=float)
        now[name] = day.map(score).to_numpy(dtype=float)
    return pd.DataFrame(before), pd.DataFrame(now)


def _scores(values: "pd.Series[Any]", numbers: Mapping[str, Any]) -> dict[str, float]:
    """Mean rank by category of the number that it goes with most."""
    best: tuple[float, dict[str, float]] = (-1.0, {})
    grouped = values.to_numpy()
    for ranks in numbers.values():
        series = pd.Series(ranks)
        means = series.groupby(grouped).mean()
        spread = float(np.nanvar(pd.Series(grouped).map(means).to_numpy(dtype=float)))
        share = spread / max(float(np.nanvar(series)), 1e-300)
        if share > best[0]:
            best = (share, means.to_dict())
    return best[1] or {str(name): float(i) for i, name in enumerate(values.dropna().unique())}
