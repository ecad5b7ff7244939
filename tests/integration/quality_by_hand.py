"""Profile and histogram of a day computed in numpy: what dbt's SQL is held against."""

import math
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd

Value = float | int | str | bool | Decimal | None
QUANTILES = {f"p{level:02}": level / 100 for level in (1, 5, 25, 50, 75, 95, 99)}
# Cuts of a number's bins: every 5%, and finer in the tails.
CUTS = sorted([*(step / 20 for step in range(21)), 0.001, 0.01, 0.99, 0.999])
NULLS, NEW = -1, 0


@dataclass(frozen=True)
class Column:
    """A monitored column, as its YAML declares it."""

    name: str
    is_number: bool
    range: tuple[float, float] | None = None
    accepted: tuple[str, ...] = ()


@dataclass(frozen=True)
class Bins:
    """A column's bins: cuts of a number, or categories in order."""

    cuts: tuple[float, ...] = ()
    categories: tuple[str, ...] = ()

    def bounds(self, number: int) -> tuple[float | None, float | None]:
        """Lowest and highest value of a number's bin."""
        if number == NULLS or not self.cuts:
            return None, None
        low = self.cuts[number - 1] if number > 0 else None
        return low, self.cuts[number] if number < len(self.cuts) else None


def profile(
    rows: Sequence[Mapping[str, Value]], columns: Iterable[Column]
) -> dict[tuple[str | None, str], float | None]:
    """Metrics of some rows, by column (None: the whole row) and name."""
    ids = [row["id"] for row in rows if row["id"] is not None]
    metrics: dict[tuple[str | None, str], float | None] = {
        (None, "row_count"): len(rows),
        (None, "duplicate_share"): 1 - len(set(ids)) / len(ids) if ids else None,
    }
    for column in columns:
        values = [row[column.name] for row in rows]
        for name, value in _of_column(column, values).items():
            metrics[column.name, name] = value
    return metrics


def _of_column(column: Column, values: list[Value]) -> dict[str, float | None]:
    known = [value for value in values if not is_missing(value)]
    metrics: dict[str, float | None] = {
        "null_count": len(values) - len(known),
        "null_share": _share(len(values) - len(known), len(values)),
        "distinct_count": len({_text_of(value) for value in known}) if values else None,
    }
    if column.accepted:
        refused = [value for value in known if _text_of(value) not in column.accepted]
        metrics["unaccepted_share"] = _share(len(refused), len(known))
    if not column.is_number:
        return metrics
    numbers = [float(value) for value in known]  # type: ignore[arg-type]
    finite = np.array([number for number in numbers if math.isfinite(number)])
    metrics |= {
        "zero_share": _share(sum(number == 0 for number in numbers), len(known)),
        "mean": _mean(known) if len(finite) else None,
        "stddev": _stddev(known) if len(finite) > 1 else None,
        "min": min(numbers, default=None),
        "max": max(numbers, default=None),
    }
    for name, level in QUANTILES.items():
        metrics[name] = float(np.quantile(finite, level)) if len(finite) else None
    if column.range:
        low, high = column.range
        out = sum(not low <= number <= high for number in numbers)
        metrics["out_of_range_share"] = _share(out, len(known))
    return metrics


def _mean(known: Iterable[Value]) -> float:
    exact = _fractions(known)
    return float(sum(exact) / len(exact))


def _stddev(known: Iterable[Value]) -> float:
    """At most the largest double."""
    exact = _fractions(known)
    mean = sum(exact) / len(exact)
    variance = sum((number - mean) ** 2 for number in exact) / (len(exact) - 1)
    scale = max(map(abs, exact)) or Fraction(1)
    stddev = Fraction(math.sqrt(variance / scale**2)) * scale
    return float(min(stddev, Fraction(sys.float_info.max)))


def _fractions(known: Iterable[Value]) -> list[Fraction]:
    """Finite numbers with every digit that they have: sums of these are exact."""
    return [Fraction(value) for value in known if math.isfinite(value)]  # type: ignore[arg-type]


def bins_of(column: Column, values: Iterable[Value]) -> Bins:
    """A column's bins from its values on the reference days."""
    known = [value for value in values if not is_missing(value)]
    if not column.is_number:
        counts = Counter(map(_text_of, known))
        return Bins(categories=tuple(sorted(counts, key=lambda name: (-counts[name], name))))
    finite = [float(value) for value in known if math.isfinite(value)]  # type: ignore[arg-type]
    quantiles = [float(np.quantile(finite, level, method="inverted_cdf")) for level in CUTS]
    atoms = {cut for cut, times in Counter(quantiles).items() if times > 1} | {quantiles[-1]}
    # A hair above a value that holds two quantiles: the value has a bin of its own.
    hairs = {atom + max(abs(atom), 1) * 1e-9 for atom in atoms}
    return Bins(cuts=tuple(sorted({*quantiles, *hairs})))


def histogram(
    column: Column, bins: Bins, values: Iterable[Value]
) -> Counter[tuple[int, str | None]]:
    """Rows by bin, and by category for what the reference never had."""
    return Counter(_bin_of(column, bins, value) for value in values)


def unseen_share(counts: Counter[tuple[int, str | None]]) -> float | None:
    """Share of known values whose category the reference never had."""
    known = {key: rows for key, rows in counts.items() if key[0] != NULLS}
    return _share(sum(rows for key, rows in known.items() if key[0] == NEW), sum(known.values()))


def _bin_of(column: Column, bins: Bins, value: Value) -> tuple[int, str | None]:
    if is_missing(value):
        return NULLS, None
    if column.is_number:
        return int(np.searchsorted(bins.cuts, float(value), side="right")), None  # type: ignore[arg-type]
    name = _text_of(value)
    return (bins.categories.index(name) + 1 if name in bins.categories else NEW), name


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def is_missing(value: Value) -> bool:
    """Null and NaN are missing."""
    return bool(pd.isna(value))  # type: ignore[arg-type]


def _text_of(value: Value) -> str:
    """A value as Postgres prints it, where 0 and -0 are one."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float | Decimal):
        return str(Decimal(value).normalize() + 0)
    return str(value)
