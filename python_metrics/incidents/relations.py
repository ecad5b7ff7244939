"""Which two columns no longer go together, when every column alone looks as it did."""

import itertools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from python_metrics.calibration.counts import Floats
from python_metrics.incidents.breach import Breach
from python_metrics.incidents.change import Change
from python_metrics.incidents.mix import MOST_VALUES

if TYPE_CHECKING:
    from python_metrics.incidents.cause import Alarm

# A pair that changed by more standard errors than this is no accident of many pairs, and one that
# changed by less than this on Fisher's scale goes together about as before: days differ as much.
PLAIN = 6.0
LEAST = 0.5
# A column that is one value in more rows goes with others by a few rows only.
MOST_OF_ONE = 0.9
# Pairs grow with the square of the columns; this many of either kind are tried.
MOST_COLUMNS = 40


def correlation_shift(changes: Mapping[str, Change], together: "Alarm | None" = None) -> Breach:
    """The pair of columns whose association changed most, in standard errors.

    Numbers go by Spearman's rank correlation; a category enters as the mean rank that its values
    had in the reference, so that one measure holds for every pair.
    """
    before, now = _ranked(list(changes)[:MOST_COLUMNS], changes)
    best: tuple[float, str, str, float, float] | None = None
    with np.errstate(invalid="ignore", divide="ignore"):
        then, after = before.corr(min_periods=30), now.corr(min_periods=30)
        error = np.sqrt(1 / max(len(before) - 3, 1) + 1 / max(len(now) - 3, 1))
        for first, second in itertools.combinations(then.columns, 2):
            old, new = then.at[first, second], after.at[first, second]
            if not (np.isfinite(old) and np.isfinite(new)):
                continue
            size = abs(
                np.arctanh(np.clip(new, -0.999, 0.999)) - np.arctanh(np.clip(old, -0.999, 0.999))
            )
            if best is None or size > best[0]:
                best = (float(size), first, second, float(old), float(new))
    common = {"area": together.score, "threshold": together.threshold} if together else {}
    if best is None:
        return Breach(
            "correlation_shift",
            "The day can be told from the reference by all columns together, though none alone has"
            " changed.",
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
        strength=together.ratio if together else 1.0,
        evidence={
            **common,
            "correlation": new,
            "reference_correlation": old,
            "change": size,
            "errors": size / float(error),
        },
    )


def is_plain(breach: Breach) -> bool:
    """Whether a pair of columns was found that no longer go together."""
    found = breach.evidence
    return float(found.get("errors", 0.0)) > PLAIN and float(found["change"]) > LEAST


def _ranked(names: list[str], changes: Mapping[str, Change]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Numbers as ranks, categories as the mean rank of the column that they go with most."""
    before: dict[str, Floats] = {}
    now: dict[str, Floats] = {}
    numbers = [
        name
        for name in names
        if changes[name].column.kind == "numerical" and _varies(changes[name].reference)
    ]
    for name in numbers:
        before[name] = changes[name].reference.rank().to_numpy()
        now[name] = changes[name].day.rank().to_numpy()
    for name in names:
        known = changes[name].bins.categories or {}
        # Many values fit any column by chance, and one goes with none.
        if changes[name].column.kind == "numerical" or not 1 < len(known) <= MOST_VALUES:
            continue
        if not _varies(changes[name].reference):
            continue
        reference, day = changes[name].reference, changes[name].day
        score = _scores(reference, before)
        before[name] = reference.map(score).to_numpy(dtype=float)
        now[name] = day.map(score).to_numpy(dtype=float)
    return pd.DataFrame(before), pd.DataFrame(now)


def _varies(values: "pd.Series[Any]") -> bool:
    """Whether a rank correlation means anything: not where one value is nearly all rows."""
    shares = values.value_counts(normalize=True)
    return bool(len(shares) and shares.iloc[0] < MOST_OF_ONE)


def _scores(values: "pd.Series[Any]", numbers: Mapping[str, Any]) -> dict[str, float]:
    """Mean rank by category of the number that it goes with most."""
    best: tuple[float, dict[str, float]] = (-1.0, {})
    grouped = values.to_numpy()
    for ranks in numbers.values():
        series = pd.Series(ranks)
        if not series.notna().any():
            continue
        means = series.groupby(grouped).mean()
        spread = float(np.nanvar(pd.Series(grouped).map(means).to_numpy(dtype=float)))
        share = spread / max(float(np.nanvar(series)), 1e-300)
        if share > best[0]:
            best = (share, means.to_dict())
    return best[1] or {str(name): float(i) for i, name in enumerate(values.dropna().unique())}
