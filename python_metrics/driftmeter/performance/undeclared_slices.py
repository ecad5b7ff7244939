"""Slices of a day that nobody declared: where its new rows are, its loss, and its missing labels.

A tree of two levels is grown on one half of the day's rows, so that each of its leaves is a slice
of at most two conditions; what is said of a slice is counted on the other half, whose rows chose
nothing. Slices raise no alarm: they say where to look.
"""

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import fisher_exact, ttest_ind
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from driftmeter.drift.encoding import most_frequent
from driftmeter.drift.threads import one_thread
from driftmeter.monitors.config import Monitor
from driftmeter.performance.losses import cap_of, row_losses
from driftmeter.quality.counts import Floats

Rows = npt.NDArray[np.bool_]
# Slices of each question that are named at most.
MOST_SLICES = 3
# Rows that a leaf holds at least: a share of its half, and so many.
LEAST_SHARE = 0.02
LEAST_ROWS = 20
# A slice has so many times its share of the reference's rows; or of the day's loss, so many times
# its share of the rows and of the reference's loss.
LEAST_RATIO = 1.5
# Chance of naming any slice of a calm day and question; it is split over the nodes of a tree.
LEVEL = 0.05
NODES = 6
LIMITS = ("<=", ">")
# What slices of each question have, for people.
HEADINGS: Mapping[str, str] = {
    "rows": "More rows than in the reference period",
    "loss": "More of the loss than of the rows, and than in the reference period",
    "labels": "More missing labels than in the day's other rows, and than in the reference period",
}
# Of a regression's loss what is above this quantile counts as this: one row is no slice.
CAPPED = 0.995
SEED = 7


@dataclass(frozen=True)
class Condition:
    """One condition on a column.

    Attributes
    ----------
    operator : {'=', '<>', '<=', '>', 'is missing', 'is known'}
    value : str, float or None
        None where the operator asks for none.
    """

    column: str
    operator: str
    value: str | float | None = None

    def holds(self, rows: pd.DataFrame) -> Rows:
        """Which rows it is true of; shape (rows,)."""
        values = rows[self.column]
        match self.operator:
            case "=":
                found = values == self.value
            case "<>":
                found = values.notna() & (values != self.value)
            case "<=":
                found = values <= self.value
            case ">":
                found = values > self.value
            case "is missing":
                found = values.isna()
            case _:
                found = values.notna()
        held: Rows = found.to_numpy(dtype=bool)
        return held

    def __str__(self) -> str:
        if self.value is None:
            return f"{self.column} {self.operator}"
        value = f"{self.value:,.6g}" if isinstance(self.value, float) else repr(self.value)
        return f"{self.column} {self.operator} {value}"


Conditions = tuple[Condition, ...]
# A node below the root, and the leaves below it.
Branch = tuple[Conditions, list[Conditions]]


@dataclass(frozen=True)
class Slice:
    """Rows of a day that a tree found, counted on rows that the tree did not see.

    Attributes
    ----------
    question : {'rows', 'loss', 'labels'}
        Whether there are more such rows than in the reference, more of the day's loss in them, or
        more of them without a label.
    share, reference_share : float
        Of the rows of the day, and of the reference, 0 to 1.
    loss_share, reference_loss_share : float or None
        Of the loss of labelled rows.
    p_value : float
        Of Fisher's exact test, or Welch's test of the mean loss against that of the other rows.
    missing_share, other_missing_share, reference_missing_share : float or None
        Share without a label: of these rows, of the day's other rows, and of the reference's such
        rows, where it has any.
    """

    question: Literal["rows", "loss", "labels"]
    conditions: Conditions
    share: float
    reference_share: float
    p_value: float
    loss_share: float | None = None
    reference_loss_share: float | None = None
    missing_share: float | None = None
    other_missing_share: float | None = None
    reference_missing_share: float | None = None

    @property
    def where(self) -> str:
        """Its conditions: ``origin = 'JFK' and visib <= 2``."""
        return " and ".join(map(str, self.conditions))

    def __str__(self) -> str:
        said = f"{self.where}: {self.share:.1%} of rows, reference {self.reference_share:.1%}"
        if self.missing_share is not None:
            usual = self.reference_missing_share
            others = f"{self.other_missing_share:.0%} of the day's other rows"
            known = "" if usual is None else f", {usual:.0%} of the reference's"
            return f"{said}; no label in {self.missing_share:.0%} of them, {others}{known}"
        if self.loss_share is None:
            return said
        loss = f"{self.loss_share:.0%} of the loss"
        if self.reference_loss_share is not None:
            loss += f", reference {self.reference_loss_share:.0%}"
        return f"{said}; {loss}"

    def as_record(self) -> dict[str, object]:
        """What scripts read."""
        return {**asdict(self), "where": self.where}


def slices_of(
    monitor: Monitor, reference: pd.DataFrame, day: pd.DataFrame, *, is_due: bool = True
) -> list[Slice]:
    """Slices of a day, those of more rows first; empty where nothing stands out.

    Parameters
    ----------
    reference, day : pandas.DataFrame
        One column a monitored column, as `read_rows` gives them.
    is_due : bool
        Whether the day's labels should have come; until then it is not asked which are missing.
    """
    names = [name for name in monitor.columns if name != monitor.target]
    chosen = _halves(day, names)
    found = [*_of_rows(names, reference, day, chosen)]
    if monitor.target is not None:
        found += _of_loss(monitor, names, reference, day, chosen)
    if monitor.target is not None and is_due:
        found += _of_labels(monitor.target, names, reference, day, chosen)
    return found


def _of_rows(
    names: list[str], reference: pd.DataFrame, day: pd.DataFrame, chosen: Rows
) -> Iterator[Slice]:
    """Slices that are a larger part of the day than of the reference."""
    usual = _halves(reference, names)
    rows = pd.concat([reference[usual], day[chosen]], ignore_index=True)
    is_day = np.repeat([0, 1], [int(usual.sum()), int(chosen.sum())])
    if min(len(reference) - usual.sum(), usual.sum(), chosen.sum()) < LEAST_ROWS:
        return
    tree = DecisionTreeClassifier(
        max_depth=2, min_samples_leaf=_least(len(rows)), class_weight="balanced", random_state=SEED
    )
    held, other = day[~chosen], reference[~usual]

    def counted(conditions: Conditions) -> Slice | None:
        here, there = _all_hold(conditions, held), _all_hold(conditions, other)
        p_value = _fisher(here, there)
        share, usually = float(here.mean()), float(there.mean())
        stands_out = share >= LEAST_SHARE and share > LEAST_RATIO * usually
        if p_value >= LEVEL / NODES or not stands_out:
            return None
        return Slice("rows", conditions, share, usually, p_value)

    found = _named(_branches(tree, names, rows, is_day), counted)
    yield from sorted(found, key=lambda each: each.reference_share - each.share)[:MOST_SLICES]


def _of_loss(
    monitor: Monitor, names: list[str], reference: pd.DataFrame, day: pd.DataFrame, chosen: Rows
) -> Iterator[Slice]:
    """Slices that hold a larger part of the day's loss than of its rows."""
    loss, usual = row_losses(monitor, day), row_losses(monitor, reference)
    is_known = np.isfinite(loss)
    if (is_known & chosen).sum() < 2 * LEAST_ROWS or (is_known & ~chosen).sum() < 2 * LEAST_ROWS:
        return
    capped = np.minimum(loss, cap_of(monitor, loss[is_known], CAPPED))
    grown = is_known & chosen
    tree = DecisionTreeRegressor(
        max_depth=2, min_samples_leaf=_least(int(grown.sum())), random_state=SEED
    )
    held = is_known & ~chosen
    rows, lost, tested = day[held], loss[held], capped[held]
    known = np.isfinite(usual)
    total = float(usual[known].sum())

    def counted(conditions: Conditions) -> Slice | None:
        here, there = _all_hold(conditions, rows), _all_hold(conditions, reference)
        if min(here.sum(), (~here).sum()) < 2 or not lost.sum():
            return None
        with warnings.catch_warnings():
            # Losses of a slice may all be alike, of classes above all.
            warnings.simplefilter("ignore", RuntimeWarning)
            test = ttest_ind(tested[here], tested[~here], equal_var=False, alternative="greater")
        share, loss_share = float(here.mean()), float(lost[here].sum() / lost.sum())
        usually = float(usual[known & there].sum()) / total if total else None
        # Rows that are hard to predict are so on other days too: those say nothing of this one.
        if not test.pvalue < LEVEL / NODES or loss_share <= LEAST_RATIO * max(share, usually or 0):
            return None
        return Slice(
            "loss", conditions, share, float(there.mean()), float(test.pvalue), loss_share, usually
        )

    grown_rows = day[grown].reset_index(drop=True)
    found = _named(_branches(tree, names, grown_rows, capped[grown]), counted)
    yield from sorted(found, key=lambda each: -(each.loss_share or 0.0))[:MOST_SLICES]


def _of_labels(
    target: str, names: list[str], reference: pd.DataFrame, day: pd.DataFrame, chosen: Rows
) -> Iterator[Slice]:
    """Slices in which more labels are missing than in the day's other rows and the reference."""
    lacks = day[target].isna().to_numpy(dtype=bool)
    usually = reference[target].isna().to_numpy(dtype=bool)
    counts = [(each & half).sum() for each in (lacks, ~lacks) for half in (chosen, ~chosen)]
    if min(*counts, len(reference)) < LEAST_ROWS:
        return
    tree = DecisionTreeClassifier(
        max_depth=2, min_samples_leaf=_least(int(chosen.sum())), random_state=SEED
    )
    held, held_lacks = day[~chosen], lacks[~chosen]

    def counted(conditions: Conditions) -> Slice | None:
        here, there = _all_hold(conditions, held), _all_hold(conditions, reference)
        sides = [held_lacks[here], held_lacks[~here], usually[there]]
        if min(len(side) for side in sides[:2]) == 0:
            return None
        missing, others = (float(side.mean()) for side in sides[:2])
        usual = float(sides[2].mean()) if len(sides[2]) else None
        # Of rows that never have a label nothing is new.
        known = [(sides[1], others), *([] if usual is None else [(sides[2], usual)])]
        p_value = max(_fisher(sides[0], side) for side, _ in known)
        if p_value >= LEVEL / NODES or any(missing <= LEAST_RATIO * each for _, each in known):
            return None
        return Slice(
            "labels", conditions, float(here.mean()), float(there.mean()), p_value,
            missing_share=missing, other_missing_share=others, reference_missing_share=usual,
        )  # fmt: skip

    grown_rows = day[chosen].reset_index(drop=True)
    outcome = lacks[chosen].astype(np.int64)
    found = _named(_branches(tree, names, grown_rows, outcome), counted)
    order = sorted(found, key=lambda each: -each.share * (each.missing_share or 0.0))
    yield from order[:MOST_SLICES]


def _fisher(side: Rows, other: Rows) -> float:
    """P-value of as many more true ones on one side, by Fisher's exact test."""
    counts = [[int(each.sum()), int((~each).sum())] for each in (side, other)]
    return float(fisher_exact(counts, "greater").pvalue)


def _named(
    branches: Iterable[Branch], counted: Callable[[Conditions], Slice | None]
) -> Iterator[Slice]:
    """Slices that stand out: a branch by itself where both of its leaves do, or neither."""
    for branch, leaves in branches:
        found = [each for each in map(counted, leaves) if each]
        if len(found) == 1:
            yield found[0]
        elif whole := counted(branch):
            yield whole


def _least(rows: int) -> int:
    return max(LEAST_ROWS, round(LEAST_SHARE * rows))


def _halves(rows: pd.DataFrame, names: list[str]) -> Rows:
    """About half of the rows, chosen by what they hold: the same whatever their order."""
    hashes = pd.util.hash_pandas_object(rows[names].astype(str), index=False)
    half: Rows = (hashes % 2 == 0).to_numpy(dtype=bool)
    return half


def _all_hold(conditions: Conditions, rows: pd.DataFrame) -> Rows:
    held: Rows = np.logical_and.reduce([condition.holds(rows) for condition in conditions])
    return held


def _branches(
    tree: DecisionTreeClassifier | DecisionTreeRegressor,
    names: list[str],
    rows: pd.DataFrame,
    outcome: npt.NDArray[np.int64] | Floats,
) -> Iterator[Branch]:
    """Each branch of a tree that is fitted to the rows, and its leaves if it has any."""
    questions, coded = _questions(names, rows)
    if not questions:
        return
    with one_thread():
        grown = tree.fit(coded, outcome).tree_

    def below(node: int) -> list[tuple[int, Condition]]:
        if grown.children_left[node] == grown.children_right[node]:
            return []
        no, yes = questions[grown.feature[node]]
        if no.operator in LIMITS:
            limit = grown.threshold[node]
            if not (coded[:, grown.feature[node]] % 1).any():
                # Between whole numbers it lies halfway.
                limit = np.floor(limit)
            limit = float(f"{limit:.3g}")
            no, yes = (Condition(each.column, each.operator, limit) for each in (no, yes))
        return [(grown.children_left[node], no), (grown.children_right[node], yes)]

    for node, first in below(0):
        yield (first,), [_tightest(first, second) for _, second in below(node)]


def _tightest(first: Condition, second: Condition) -> Conditions:
    """Both, or the second alone where it is a tighter limit of the same column."""
    is_tighter = (first.column, first.operator) == (second.column, second.operator)
    return (second,) if is_tighter and first.operator in LIMITS else (first, second)


def _questions(
    names: list[str], rows: pd.DataFrame
) -> tuple[list[tuple[Condition, Condition]], Floats]:
    """What a tree may ask: what holds below its threshold and above it, and the numbers it cuts."""
    questions, coded = [], []
    for name in names:
        values, other = rows[name], None
        if values.isna().any() and values.notna().any():
            questions.append((Condition(name, "is known"), Condition(name, "is missing")))
            coded.append(values.isna().to_numpy(dtype=float))
        if pd.api.types.is_numeric_dtype(values):
            finite = values.where(np.isfinite(values))
            if finite.nunique() > 1:
                questions.append((Condition(name, "<="), Condition(name, ">")))
                coded.append(finite.fillna(finite.median()).to_numpy(dtype=float))
            continue
        frequent = most_frequent(values)
        if len(frequent) == 2:
            other, *frequent = frequent
        for value in frequent:
            is_other = Condition(name, "=", other) if other else Condition(name, "<>", value)
            questions.append((is_other, Condition(name, "=", value)))
            coded.append((values == value).to_numpy(dtype=float))
    return questions, np.column_stack(coded) if coded else np.empty((len(rows), 0))
