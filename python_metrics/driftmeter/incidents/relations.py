"""Finds two columns whose correlation changed although each column alone looks the same."""

import itertools
import warnings
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from driftmeter.incidents.alarm import Alarm
from driftmeter.incidents.breach import Breach
from driftmeter.incidents.mix import MOST_VALUES
from driftmeter.monitors.config import Column
from driftmeter.quality.counts import Floats, Ints

# A pair that changed by more standard errors than this of its rows is no accident of many pairs,
# nor one that changed by more than so many of how it varies from day to day; and one that changed
# by less than this on Fisher's scale goes together about as before.
PLAIN_ERRORS = 6.0
ERRORS_OF_DAYS = 4.0
LEAST_FISHER = 0.5
# A change that other calm or earlier rows have by so much of it is none of today's.
KNOWN = 0.5
# A column that is one value in more rows goes with others by a few rows only.
MOST_SHARE_OF_ONE = 0.9
# Pairs grow with the square of the columns; this many of either kind are tried.
MOST_COLUMNS = 40
# The spread of correlations between so few days is not known.
FEWEST_DAYS = 7
# A correlation of fewer rows that have both values is none.
FEWEST_PAIRS = 30


@dataclass(frozen=True)
class Relations:
    """How the reference's columns go together, computed once: every day is held against the same.

    Attributes
    ----------
    scores : dict of str to dict or None
        Columns that have a rank: None for a number, for a category the mean rank that its values
        had in the reference.
    correlation : pandas.DataFrame
        Of these columns' ranks.
    rows : int
        Of the reference.
    wandering : pandas.DataFrame
        By how much each correlation differs from day to day, on Fisher's scale, beyond what the
        rows of a day explain; a variance, 0 where days are not known.
    """

    scores: dict[str, dict[str, float] | None]
    correlation: pd.DataFrame
    rows: int
    wandering: pd.DataFrame


def fit_relations(
    columns: Mapping[str, Column], reference: pd.DataFrame, days: Ints | None = None
) -> Relations:
    """Rank correlations of the reference's columns.

    Numbers go by Spearman's rank correlation; a category enters as the mean rank that its values
    have of the number that it goes with most, so that one measure holds for every pair.

    Parameters
    ----------
    reference : pandas.DataFrame
        Rows of the whole reference, one column a monitored column.
    days : array of int, shape (rows,), optional
        Of each row. How columns go together wanders from day to day as levels do: one day's weather
        is one value of the season's.
    """
    names = [name for name in list(columns)[:MOST_COLUMNS] if _varies(reference[name])]
    numbers = [name for name in names if columns[name].kind == "numerical"]
    scores: dict[str, dict[str, float] | None] = dict.fromkeys(numbers)
    ranks = {name: reference[name].rank().to_numpy() for name in numbers}
    for name in names:
        # Many values fit any column by chance, and one goes with none.
        if name not in scores and 1 < reference[name].nunique() <= MOST_VALUES:
            scores[name] = _scores(reference[name], ranks)
    correlation = _ranks(scores, reference).corr(min_periods=FEWEST_PAIRS)
    return Relations(scores, correlation, len(reference), _wandering(scores, reference, days))


def _wandering(
    scores: Mapping[str, Mapping[str, float] | None], reference: pd.DataFrame, days: Ints | None
) -> pd.DataFrame:
    """Variance between days of each pair's correlation, less that of the rows of a day."""
    parts = [] if days is None else [reference[days == day] for day in np.unique(days)]
    parts = [part for part in parts if len(part) >= FEWEST_PAIRS]
    names = list(scores)
    if len(parts) < FEWEST_DAYS:
        return pd.DataFrame(0.0, index=names, columns=names)
    by_day = [
        np.arctanh(_ranks(scores, part).corr(min_periods=FEWEST_PAIRS).clip(-0.999, 0.999))
        for part in parts
    ]
    of_rows = float(np.mean([1 / (len(part) - 3) for part in parts]))
    with warnings.catch_warnings():
        # A pair that no day has rows enough of.
        warnings.simplefilter("ignore", RuntimeWarning)
        variance = np.nanvar(np.array(by_day), axis=0, ddof=1)
    between = np.maximum(np.nan_to_num(variance) - of_rows, 0.0)
    return pd.DataFrame(between, index=names, columns=names)


def correlation_shift(
    relations: Relations,
    day: pd.DataFrame,
    together: Alarm | None = None,
    *,
    moved: Collection[str] = (),
    without: Collection[str] = (),
    beside: Sequence[pd.DataFrame] = (),
) -> Breach:
    """The pair of columns whose association changed most, beside rows and days.

    Parameters
    ----------
    day : pandas.DataFrame
        The day's rows.
    together : Alarm, optional
        That of all columns together.
    moved : collection of str
        Columns that changed by themselves, which the sentence must not deny.
    without : collection of str
        Columns whose own change moves their relations to others.
    beside : sequence of pandas.DataFrame
        Other rows that a pair must have been as in the whole reference in: a pair that such
        weekdays, or the days just before, have as changed is no news.
    """
    best: tuple[float, float, str, str, float, float] | None = None
    before = relations.correlation
    now = _ranks(relations.scores, day).corr(min_periods=FEWEST_PAIRS)
    others = [
        _ranks(relations.scores, rows).corr(min_periods=FEWEST_PAIRS).fillna(before)
        for rows in beside
    ]
    of_rows = 1 / max(relations.rows - 3, 1) + 1 / max(len(day) - 3, 1)
    for first, second in itertools.combinations(before.columns, 2):
        old, new = float(before.at[first, second]), float(now.at[first, second])
        if first in without or second in without or not (np.isfinite(old) and np.isfinite(new)):
            continue
        size = abs(float(_fisher(new) - _fisher(old)))
        known = (float(other.at[first, second]) for other in others)
        if any(abs(_fisher(new) - _fisher(other)) < (1 - KNOWN) * size for other in known):
            continue
        plain = _how_plain(size, of_rows, relations.wandering.at[first, second])
        if best is None or plain > best[0]:
            best = (plain, size, first, second, old, new)
    common = {"area": together.score, "threshold": together.threshold} if together else {}
    if best is None or best[0] <= 1:
        alone = "" if moved else ", though none alone has changed"
        return Breach(
            "correlation_shift",
            f"The day can be told from the reference by all columns together{alone}.",
            strength=1.0,
            evidence=common,
        )
    _, size, first, second, old, new = best
    between = relations.wandering.at[first, second]
    changed = [name for name in (first, second) if name in moved]
    alone = f"{' and '.join(changed)} changed alone too" if changed else "each alone looks the same"
    return Breach(
        "correlation_shift",
        f"{first} and {second} no longer go together as they did: rank correlation {new:.2f},"
        f" reference {old:.2f}, while {alone}.",
        column_name=first,
        columns=(first, second),
        strength=together.ratio if together else 1.0,
        evidence={
            **common,
            "correlation": new,
            "reference_correlation": old,
            "change": size,
            "errors": size / float(np.sqrt(of_rows + between)),
        },
    )


def has_parted(
    relations: Relations, pair: Sequence[str], reference: pd.DataFrame, day: pd.DataFrame
) -> bool:
    """Whether two columns no longer go together in some rows as such rows of the reference do."""
    scores = {name: relations.scores[name] for name in pair}
    old, new = (
        float(_ranks(scores, rows).corr(min_periods=FEWEST_PAIRS).iat[0, 1])
        for rows in (reference, day)
    )
    size = abs(float(_fisher(new) - _fisher(old)))
    of_rows = 1 / max(len(reference) - 3, 1) + 1 / max(len(day) - 3, 1)
    between = relations.wandering.at[pair[0], pair[1]]
    return _how_plain(size, of_rows, between) > 1


def _how_plain(size: float, of_rows: float, between: float) -> float:
    """How many times the least plain change one is; more than 1 is told, NaN is not."""
    by_rows = size / np.sqrt(of_rows) / PLAIN_ERRORS
    by_days = size / np.sqrt(of_rows + between) / ERRORS_OF_DAYS
    return float(min(by_rows, by_days, size / LEAST_FISHER))


def is_plain(breach: Breach) -> bool:
    """Whether a pair of columns was found that no longer go together."""
    return "errors" in breach.evidence


def _fisher(correlation: float) -> float:
    return float(np.arctanh(np.clip(correlation, -0.999, 0.999)))


def _ranks(scores: Mapping[str, Mapping[str, float] | None], rows: pd.DataFrame) -> pd.DataFrame:
    """Numbers as ranks, categories as their scores; NaN where missing or unknown."""
    return pd.DataFrame(
        {
            name: (rows[name].rank() if known is None else rows[name].map(known)).to_numpy(float)
            for name, known in scores.items()
        }
    )


def _varies(values: "pd.Series[Any]") -> bool:
    """Whether a rank correlation means anything: not where one value is nearly all rows."""
    shares = values.value_counts(normalize=True)
    return bool(len(shares) and shares.iloc[0] < MOST_SHARE_OF_ONE)


def _scores(values: "pd.Series[Any]", numbers: Mapping[str, Floats]) -> dict[str, float]:
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
    return best[1] or {
        str(name): float(i) for i, name in enumerate(sorted(values.dropna().unique()))
    }
