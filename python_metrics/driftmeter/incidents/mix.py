"""Shares of categories that changed, in a column or behind the change of another column."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from driftmeter.incidents.change import ColumnValues, Symptom, weights_of
from driftmeter.incidents.words import of_rows, shown, told_apart

# Above so many values a column is no way to split rows.
MOST_VALUES = 30
SHOWN = 4
# Quantiles that the evidence of another distribution has.
LEVELS = {"p05": 0.05, "p25": 0.25, "median": 0.5, "p75": 0.75, "p95": 0.95}
# That a class does not come once is no accident if so many rows of it were to be expected.
FEWEST_EXPECTED = 14


def moved(change: ColumnValues) -> list[tuple[str, float, float]]:
    """Categories with their shares before and now, those that moved most first."""
    assert change.bins.categories is not None
    by_bin: dict[int, list[str]] = {}
    for name, place in change.bins.categories.items():
        by_bin.setdefault(place, []).append(name)
    moves = [
        (
            names[0] if len(names) == 1 else f"{len(names)} rare values",
            float(change.before.share[place]),
            float(change.now.share[place]),
        )
        for place, names in by_bin.items()
    ]
    return sorted(moves, key=lambda move: -abs(move[2] - move[1]))


def own_mix(change: ColumnValues) -> Symptom:
    """A category's own shares: what is left when no value is missing, new or wrong."""
    moves = moved(change)[:SHOWN]
    if not moves:
        return Symptom("mix_shift", 0.0, "holds other values than the reference", {})
    name, before, now = moves[0]
    evidence = {"direction": 1 if now > before else -1, "moved": _kept(moves)}
    return Symptom("mix_shift", 1.0, f"{name} {_said(moves[0], change)}", evidence, value=name)


def vanished_class(change: ColumnValues) -> Symptom | None:
    """A class that the model predicted in the reference, and now does not."""
    if not change.is_predicted or change.column.kind != "categorical":
        return None
    names = change.bins.categories or {}
    gone = [
        (name, before)
        for name, before, now in moved(change)
        # Rare values are one bin.
        if name in names and not now and before * len(change.day) >= FEWEST_EXPECTED
    ]
    if not gone:
        return None
    mix, (name, before) = own_mix(change), max(gone, key=lambda one: one[1])
    more = f", nor are {len(gone) - 1} more classes" if len(gone) > 1 else ""
    says = f"is no longer {name}{more}: none of {len(change.day):,} rows, reference {before:.1%}"
    return replace(mix, says=says, value=name, evidence={**mix.evidence, "direction": -1})


def _said(move: tuple[str, float, float], change: ColumnValues) -> str:
    _, before, now = move
    rows = of_rows(now, len(change.day))
    return f"{'rose' if now > before else 'fell'} from {before:.1%} to {rows}"


def _kept(moves: Sequence[tuple[str, float, float]]) -> list[dict[str, object]]:
    """As evidence has them."""
    return [
        {"value": value, "reference_share": before, "share": now} for value, before, now in moves
    ]


def splits(
    change: ColumnValues, others: Mapping[str, ColumnValues]
) -> Iterator[tuple[str, ColumnValues, Collection[str]]]:
    """Other columns that may split a column's rows, each with its values."""
    for name, other in others.items():
        values = other.bins.categories
        if name != change.name and values is not None and len(values) <= MOST_VALUES:
            yield name, other, values


def behind(change: ColumnValues, others: Mapping[str, ColumnValues]) -> Iterator[Symptom]:
    """Mixes of other columns that explain a number's change: same rates, other rows."""
    for name, other, _ in splits(change, others):
        if not other.is_plain:
            continue
        explained = change.reweighted(weights_of(other))
        if explained < 0.3:
            continue
        moves = moved(other)[:SHOWN]
        value, said = moves[0][0], _said(moves[0], other)
        yield Symptom(
            "mix_shift",
            explained,
            f"moved because {name} = {shown(value)} {said} ({explained:.0%} of the change)",
            {"explained": explained, "direction": change.direction, "moved": _kept(moves)},
            segment=name,
            value=value,
        )


def shape(change: ColumnValues) -> Symptom:
    """A number whose distribution moved for none of the reasons that are known by name."""
    before, now = change.numbers_before, change.numbers_now
    evidence: dict[str, Any] = {
        name: {
            "reference": float(np.quantile(before, level)) if len(before) else None,
            "day": float(np.quantile(now, level)) if len(now) else None,
        }
        for name, level in LEVELS.items()
    }
    evidence["direction"] = change.direction
    if not len(before) or not len(now):
        return Symptom("shape_shift", 0.0, "holds other values than the reference", evidence)
    among = ""
    if np.median(before) == np.median(now) and _mostly_one(before) and _mostly_one(now):
        # A fee that few rows pay: what the others are says nothing.
        usual = np.median(before)
        evidence["share_of_others"] = float(max((now != usual).mean(), (before != usual).mean()))
        among = f" where it is not {usual:g} ({(now != usual).mean():.1%} of rows, reference"
        among += f" {(before != usual).mean():.1%})"
        before, now = before[before != usual], now[now != usual]
        if not len(before) or not len(now):
            return Symptom("shape_shift", 0.0, f"has other values{among}", evidence)
    middle, then = np.median(before), np.median(now)
    quartiles = np.quantile(before, [0.75, 0.25]), np.quantile(now, [0.75, 0.25])
    spread, then_spread = (np.subtract(*each) for each in quartiles)
    now_at, before_at = told_apart(float(then), float(middle))
    now_wide, before_wide = told_apart(
        float(then_spread), float(spread), scale=float(np.abs(quartiles).max())
    )
    return Symptom(
        "shape_shift",
        0.0,
        f"has another distribution{among}: median {now_at}{change.unit}, reference {before_at};"
        f" middle half {now_wide} wide, reference {before_wide}",
        evidence,
    )


def _mostly_one(values: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> bool:
    return float((values == np.median(values)).mean()) > 0.75
