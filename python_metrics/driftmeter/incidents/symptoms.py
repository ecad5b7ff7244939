"""Faults of a column's values: missing, unseen, scaled, implausible.

Each finding proposes a repair, and is worth what the repair leaves of the change.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from driftmeter.incidents.change import ColumnValues, Mask, Symptom
from driftmeter.incidents.words import of_rows, shown, told_apart

# Growth of a share below this is not what a column's change is about.
LEAST_SHARE = 0.005
# A column that has more values than before is worth a word from here on.
LEAST_FILLED = 0.05
# All of a column at once is not a fault of rows but of the table.
ALL = 0.995
# A smaller factor is a change of the world more often than of the unit.
LEAST_FACTOR = 1.2
# Deciles, as a share of those that can tell, at which the factor must be about the same.
LEAST_ALIKE = 0.75
# By how much the ratio of medians may differ from it, on a logarithmic scale: of a known factor
# less, and of one that is told to four digits least.
MOST_APART, CONVERSION_APART, EXACT_APART = 0.12, 0.09, 0.03
# So much more must another factor explain than a conversion that people get wrong.
KNOWN_LEAD = 0.05
# Outliers are few; more than this share and the column has moved.
MOST_OUTLIERS = 0.12
# One absurd row is nobody's incident.
FEWEST_OUTLIERS = 3
# Of a day on which another unit began, so many rows have it, and the others are as usual: more of
# them than chance brings, in standard errors.
LEAST_BEYOND = 0.5
USUAL = (0.001, 0.999)
PLAIN_ERRORS = 3.0
# Well-known factors: what they turn into what, and the units that they convert.
LENGTHS = (
    "mile", "km", "kilomet", "met", "feet", "foot", "inch", "cm", "yard", "distance", "length",
    "height", "width",
)  # fmt: skip
WEIGHTS = ("kg", "kilogram", "gram", "pound", "lb", "ounce", "weight", "mass")
TIMES = ("second", "minute", "hour", "day", "duration")
MONEY = (
    "usd", "eur", "gbp", "dollar", "cent", "share", "percent", "%", "price", "amount",
    "cost", "income", "salary", "fee", "rate", "ratio",
)  # fmt: skip
CONVERSIONS: tuple[tuple[float, str, tuple[str, ...]], ...] = (
    (1.609344, "miles as kilometers", LENGTHS),
    (1 / 1.609344, "kilometers as miles", LENGTHS),
    (2.54, "inches as centimeters", LENGTHS),
    (1 / 2.54, "centimeters as inches", LENGTHS),
    (0.3048, "feet as meters", LENGTHS),
    (1 / 0.3048, "meters as feet", LENGTHS),
    (0.45359237, "pounds as kilograms", WEIGHTS),
    (1 / 0.45359237, "kilograms as pounds", WEIGHTS),
    (60.0, "minutes as seconds, or hours as minutes", TIMES),
    (1 / 60, "seconds as minutes, or minutes as hours", TIMES),
    (3600.0, "hours as seconds", TIMES),
    (1 / 3600, "seconds as hours", TIMES),
    (100.0, "dollars as cents, or shares as percent", MONEY),
    (0.01, "cents as dollars, or percent as shares", MONEY),
    (1000.0, "thousands as units", ()),
    (0.001, "units as thousands", ()),
    (10.0, "a decimal place", ()),
    (0.1, "a decimal place", ()),
)


def symptoms(change: ColumnValues) -> Iterator[Symptom]:
    """Every finding that could explain a column's change, in no order."""
    yield from _missing(change)
    if change.before.share[0] > ALL:
        # Values that the reference has none of are held against nothing.
        return
    if change.column.kind == "categorical":
        yield from _unseen(change)
    else:
        if change.may_be_scaled:
            yield from _scaled(change)
        yield from _outliers(change)


def _missing(change: ColumnValues) -> Iterator[Symptom]:
    before, now = change.before.share[0], change.now.share[0]
    if now - before < LEAST_SHARE and before - now < LEAST_FILLED:
        return
    rows = len(change.day)
    evidence = {"share": now, "reference_share": before, "direction": 1 if now > before else -1}
    if before > ALL:
        yield Symptom(
            "schema_change",
            1.0,
            f"has a value in {of_rows(1 - now, rows)}, reference {1 - before:.1%}: it was empty",
            # Nothing that somebody relied on is gone.
            {**evidence, "is_addition": True},
        )
        return
    if now > ALL:
        yield Symptom(
            "missing_values",
            1.0,
            f"has no value at all, reference {1 - before:.1%} known",
            {**evidence, "is_empty": True},
        )
        return
    explained = change.without(change.reference_bin == 0, change.day_bin == 0)
    of_text = {"length": " or blank", "norm": ""}
    blank = of_text.get(change.column.measure, " or has no words") if change.column.measure else ""
    yield Symptom(
        "missing_values",
        explained,
        f"is missing{blank} in {of_rows(now, rows)}, reference {before:.1%}"
        if now > before
        else f"has a value in {of_rows(1 - now, rows)}, reference {1 - before:.1%}",
        evidence,
        rows=change.day_bin == 0,
    )


def _unseen(change: ColumnValues) -> Iterator[Symptom]:
    unseen = change.day_bin == 1
    share = float(unseen.mean()) if len(unseen) else 0.0
    if share < LEAST_SHARE:
        return
    names = change.day[unseen].value_counts(normalize=True)
    evidence = {
        "share": share,
        "values": {str(name): float(part * share) for name, part in names.head(5).items()},
    }
    known = change.now.share[2:].sum()
    # In a part of the rows it is a few new values, as a group of one customer's brings.
    if known < 1 - ALL and not change.is_part:
        yield Symptom(
            "schema_change",
            1.0,
            f"holds no value that the reference had: {_quoted(names)} now, so its coding changed",
            evidence,
        )
        return
    is_accepted = change.column.accepted and names.index[0] in change.column.accepted
    yield Symptom(
        "unseen_category",
        change.without(change.reference_bin == 1, unseen),
        f"has {_quoted(names)} in {of_rows(share, len(unseen))}, which the reference never had"
        + ("" if is_accepted or not change.column.accepted else " and `accepted` does not name"),
        evidence,
        rows=unseen,
    )


def _quoted(names: "pd.Series[Any]") -> str:
    listed = ", ".join(repr(shown(name)) for name in names.index[:3])
    return f"{listed} and {len(names) - 3} more" if len(names) > 3 else listed


def _scaled(change: ColumnValues) -> Iterator[Symptom]:
    """Another unit of all rows; and of most, where the day began in the old one."""
    day = change.day.to_numpy(dtype=float)
    known = np.isfinite(day)
    yield from _other_unit(change, known)
    before = change.numbers_before
    low, high = np.quantile(before, USUAL) if len(before) else (0.0, 0.0)
    beyond = known & ((day < low) | (day > high))
    if LEAST_BEYOND * known.sum() < beyond.sum() <= known.sum() - FEWEST_OUTLIERS:
        for symptom in _other_unit(change, beyond):
            # Rows that the unit itself leaves within the range are no old ones.
            again = before * symptom.evidence["factor"]
            by_chance = float(np.mean((again >= low) & (again <= high))) * known.sum()
            if (known & ~beyond).sum() > by_chance + PLAIN_ERRORS * np.sqrt(by_chance):
                yield symptom


def _other_unit(change: ColumnValues, rows: Mask) -> Iterator[Symptom]:
    """The factor by which these rows of the day differ from the reference, if one does."""
    before, now = change.numbers_before, change.day.to_numpy(dtype=float)[rows]
    factor = _factor(before, now)
    if factor is None:
        return

    def explained_by(values: "pd.Series[Any]") -> float:
        return change.with_values(values.where(rows, change.day))

    known = _conversions(f"{change.column.unit or ''} {change.name}", factor)
    of_medians = float(np.median(now)) / (float(np.median(before)) or np.nan)
    # A factor that its own medians deny is none.
    possible = [
        tried
        for tried in [*known, *_candidates(factor, before, now)]
        if not of_medians > 0 or abs(np.log(of_medians / tried)) <= MOST_APART
    ]
    best, explained = 1.0, -1.0
    for tried in possible:
        left = explained_by(change.day / tried)
        # A well-known factor goes before a round one, and that before one of many digits.
        lead = 0.0 if tried in known else 0.02 if tried == factor else 0.01
        if best in known and tried not in known:
            lead = KNOWN_LEAD
        if left > explained + lead:
            best, explained = tried, left
    if max(best, 1 / best) < LEAST_FACTOR:
        return
    shifted = (change.day - (np.median(now) - np.median(before))).where(rows, change.day)
    is_shift = change.leaves_noise(shifted) and best not in known
    if is_shift or change.with_values(shifted) >= explained:
        # As many units more for every row: no factor does that. Few rows fit either, and then only
        # a well-known factor is likelier.
        return
    apart = abs(np.log(of_medians / best)) if of_medians > 0 else 0.0
    conversion = known.get(best) if apart < CONVERSION_APART else None
    is_exact = apart < EXACT_APART or conversion
    factor_shown = f"{best:.4g}" if is_exact else f"about {float(f'{of_medians:.2g}'):g}"
    middle, before_it = told_apart(float(np.median(now)), float(np.median(before)))
    is_part = len(now) < len(change.numbers_now)
    share = float(rows.mean())
    evidence = {
        "factor": best,
        "median": float(np.median(now)),
        "reference_median": float(np.median(before)),
        "conversion": conversion,
        "direction": 1 if best > 1 else -1,
        **({"share": share} if is_part else {}),
    }
    # Some rows of the new unit may lie within the usual range.
    where = f" in at least {of_rows(share, len(rows))}" if is_part else ""
    yield Symptom(
        "unit_change",
        explained,
        f"is {factor_shown} times what it was{where} (median {middle}{change.unit},"
        f" reference {before_it})" + (f" ({conversion}?)" if conversion else ""),
        evidence,
    )


def _factor(before: "np.ndarray[Any, Any]", now: "np.ndarray[Any, Any]") -> float | None:
    """Median ratio of the deciles that are not zero and have one sign; None where too few."""
    if len(before) < 20 or len(now) < 20:
        return None
    levels = np.arange(1, 10) / 10
    first, then = np.quantile(before, levels), np.quantile(now, levels)
    usable = (first * then > 0) & np.isfinite(first * then)
    if usable.sum() < 3:
        # Mostly zeros: the values beside them may still be in another unit.
        first, then = (
            np.quantile(values[values != 0], levels) if (values != 0).sum() >= 20 else levels * 0
            for values in (before, now)
        )
        usable = first * then > 0
        if usable.sum() < 3:
            return None
    ratios = np.log(then[usable] / first[usable])
    factor = float(np.median(ratios))
    # Another unit multiplies the small and the large alike; a season seldom does.
    is_alike = np.mean(np.abs(ratios - factor) < LEAST_FACTOR - 1) >= LEAST_ALIKE
    return float(np.exp(factor)) if is_alike and abs(factor) > np.log(1.1) else None


def _conversions(named: str, factor: float) -> dict[float, str]:
    """Well-known factors near this one of what the column's unit or name says that it holds."""
    return {
        value: words
        for value, words, units in CONVERSIONS
        if abs(np.log(value / factor)) < 0.12
        and (not units or any(word in named.lower() for word in units))
    }


def _candidates(
    factor: float, before: "np.ndarray[Any, Any]", now: "np.ndarray[Any, Any]"
) -> Iterator[float]:
    """Round factors near this one, the ratio of the commonest values, and itself."""
    for digits in (2, 3):
        yield float(f"{factor:.{digits}g}")
    common = [_commonest(values) for values in (before, now)]
    if common[0] and common[1] and abs(np.log(max(common[1] / common[0], 1e-9) / factor)) < 0.12:
        yield common[1] / common[0]
    yield factor


def _commonest(values: "np.ndarray[Any, Any]") -> float:
    distinct, count = np.unique(values[values > 0], return_counts=True)
    return float(distinct[count.argmax()]) if len(distinct) else 0.0


def _outliers(change: ColumnValues) -> Iterator[Symptom]:
    before = change.numbers_before
    if len(before) < 50:
        return
    low, middle, high = np.quantile(before, [USUAL[0], 0.5, USUAL[1]])
    if low == high:
        # Rain on four dry days: any value but the one is beyond them.
        return
    low, high = low - (middle - low), high + (high - middle)

    def absurd(values: "pd.Series[Any]") -> "np.ndarray[Any, np.dtype[np.bool_]]":
        number = values.to_numpy(dtype=float)
        is_absurd: np.ndarray[Any, np.dtype[np.bool_]] = (number < low) | (number > high)
        return is_absurd

    of_reference, of_day = absurd(change.reference), absurd(change.day)
    share = float(of_day.mean()) if len(of_day) else 0.0
    if share < max(2 * float(of_reference.mean()), 0.001) or share > MOST_OUTLIERS:
        return
    if of_day.sum() < FEWEST_OUTLIERS:
        return
    values = change.day.to_numpy(dtype=float)[of_day]
    typical = float(np.median(values))
    evidence = {
        "share": share,
        "reference_share": float(of_reference.mean()),
        "typical": typical,
        "reference_range": [float(low), float(high)],
        "direction": 1 if typical > middle else -1,
    }
    yield Symptom(
        "outliers",
        change.without(of_reference, of_day),
        f"has absurd values in {of_rows(share, len(of_day))} (about {typical:.4g}{change.unit};"
        f" 99.9% of the reference lies between {low:.3g} and {high:.3g})",
        evidence,
        rows=of_day,
    )
