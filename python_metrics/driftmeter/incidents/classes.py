"""Which class an error of several classes is about: a new one, one that vanished, or two confused.

It ends the sentence of a loss, whatever that is put down to: the first of `RULES` that applies.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from driftmeter.incidents.mix import FEWEST_EXPECTED
from driftmeter.incidents.words import of_rows, shown
from driftmeter.quality.counts import Floats

# A class in fewer of the rows is not what an error is about.
LEAST_SHARE = 0.01
# By so much more of a class's rows must get another class, and by so many standard errors.
LEAST_RISE = 0.05
PLAIN_ERRORS = 4.0
# A class with fewer labelled rows on a day tells no share of them.
FEWEST_ROWS = 20


@dataclass(frozen=True)
class ClassFinding:
    """What is said of a class, as a clause, and its numbers."""

    says: str
    evidence: dict[str, Any]


@dataclass(frozen=True)
class Classes:
    """True and predicted classes of a day's labelled rows, and of those that are its normal.

    Attributes
    ----------
    before, now : pandas.DataFrame
        Columns ``actual`` and ``predicted``, text; labelled rows only.
    known : frozenset of str
        Every class that came true in the reference.
    """

    before: pd.DataFrame
    now: pd.DataFrame
    known: frozenset[str]

    @cached_property
    def names(self) -> list[str]:
        """Every class of either side."""
        return sorted({*np.unique(self.before), *np.unique(self.now)})

    def counts(self, rows: pd.DataFrame) -> Floats:
        """Rows by true and predicted class; shape (classes, classes)."""
        places = [pd.Categorical(rows[name], categories=self.names).codes for name in rows]
        counted = np.zeros((len(self.names), len(self.names)))
        np.add.at(counted, tuple(places), 1)
        return counted


def _new_class(classes: Classes) -> ClassFinding | None:
    labels = classes.now["actual"]
    new = labels[~labels.isin(classes.known)].value_counts(normalize=False)
    share = float(new.sum() / len(labels))
    if share < LEAST_SHARE:
        return None
    named = ", ".join(f"`{shown(name)}`" for name in new.index[:3])
    more = f" and {len(new) - 3} more" if len(new) > 3 else ""
    return ClassFinding(
        f"{named}{more} came true in {of_rows(share, len(labels))}, which the reference never had",
        {"rule": "new_class", "actual": [*map(str, new.index)], "share": share},
    )


def _vanished_class(classes: Classes) -> ClassFinding | None:
    before, now = (rows["predicted"].value_counts() for rows in (classes.before, classes.now))
    shares = before / before.sum()
    gone = shares[~shares.index.isin(now.index)].sort_index().sort_values(
        ascending=False, kind="stable"
    )  # fmt: skip
    gone = gone[(gone >= LEAST_SHARE) & (gone * len(classes.now) >= FEWEST_EXPECTED)]
    if gone.empty:
        return None
    name, share = str(gone.index[0]), float(gone.iloc[0])
    return ClassFinding(
        f"`{shown(name)}` is no longer predicted, reference {share:.1%} of rows",
        {"rule": "vanished_class", "predicted": name, "reference_share": share},
    )


def _confused_classes(classes: Classes) -> ClassFinding | None:
    before, now = classes.counts(classes.before), classes.counts(classes.now)
    of_before, of_now = before.sum(axis=1, keepdims=True), now.sum(axis=1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        was, share = before / of_before, now / of_now
        together = (before + now) / (of_before + of_now)
        error = np.sqrt(together * (1 - together) * (1 / of_before + 1 / of_now))
        is_plain = (share - was >= LEAST_RISE) & (share - was >= PLAIN_ERRORS * error)
    is_plain &= of_now >= FEWEST_ROWS
    np.fill_diagonal(is_plain, False)
    if not is_plain.any():
        return None
    # The pair of most rows that were right before.
    actual, predicted = np.unravel_index(
        np.argmax(np.where(is_plain, (share - was) * of_now, -1.0)), is_plain.shape
    )
    true, said = classes.names[int(actual)], classes.names[int(predicted)]
    shares = float(share[actual, predicted]), float(was[actual, predicted])
    return ClassFinding(
        f"`{shown(said)}` is now predicted for `{shown(true)}` in {shares[0]:.0%} of rows with that"
        f" label, reference {shares[1]:.0%}",
        {
            "rule": "confused_classes",
            "actual": true,
            "predicted": said,
            "share": shares[0],
            "reference_share": shares[1],
        },
    )


# What an error of several classes is about, in order; none where it is of all classes alike.
RULES: tuple[Callable[[Classes], ClassFinding | None], ...] = (
    _new_class,
    _vanished_class,
    _confused_classes,
)


def of_classes(classes: Classes) -> ClassFinding | None:
    """What the first of `RULES` that applies says; None without labelled rows."""
    if classes.before.empty or classes.now.empty:
        return None
    return next((found for rule in RULES if (found := rule(classes)) is not None), None)
