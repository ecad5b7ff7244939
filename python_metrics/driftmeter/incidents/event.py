"""Tells what changed together as one: a breach of several columns whose changes began on one day.

One event seldom changes one column: a feed that ends takes all of its columns, a holiday has fewer
rows of another mix. Two columns that change on one day for reasons of their own stay two breaches.
"""

from collections.abc import Sequence
from typing import Any

from driftmeter.incidents.breach import KEPT, Breach

# So many columns that change at once, none explained by another, are one event.
MANY = 3
# Factors that differ by less are one.
SAME_FACTOR = 0.03
SHOWN = 3
# What tells a cause from another on later days.
TELLING = ("direction", "moved", "values", "within", "parts")


def one_event(breaches: Sequence[Breach]) -> list[Breach]:
    """A day's breaches of columns, those of one event as one.

    Parameters
    ----------
    breaches : sequence of Breach
        The most important first.
    """
    is_one = len(breaches) >= MANY or (len(breaches) == 2 and _is_same(*breaches))
    return [_at_once(breaches)] if is_one else list(breaches)


def with_volume(breaches: Sequence[Breach]) -> list[Breach]:
    """Breaches of a day, in which other rows than usual are put down to their unusual number."""
    volume = next((breach for breach in breaches if breach.kind == "volume"), None)
    mixed = [breach for breach in breaches if breach.family == "distribution"]
    if volume is None or not mixed:
        return list(breaches)
    together = Breach(
        "volume",
        f"{volume.diagnosis.removesuffix('.')}; with it {_listed(mixed)}.",
        columns=_columns(mixed),
        strength=volume.strength,
        evidence={**volume.evidence, "parts": [_part(each) for each in (volume, *mixed)]},
    )
    left = [breach for breach in breaches if breach is not volume and breach not in mixed]
    return [together, *left]


def _is_same(one: Breach, other: Breach) -> bool:
    """Whether two columns changed alike: neither has any value, or both by one factor."""
    if one.kind != other.kind:
        return False
    if one.kind == "unit_change":
        ratio = float(one.evidence["factor"]) / float(other.evidence["factor"])
        return abs(ratio - 1) < SAME_FACTOR
    are_empty = one.evidence.get("is_empty") and other.evidence.get("is_empty")
    return one.kind == "schema_change" or bool(are_empty)


def _at_once(breaches: Sequence[Breach]) -> Breach:
    """One breach of several, led by the first, whose kind and column it has."""
    first = breaches[0]
    columns = _columns(breaches)
    return Breach(
        first.kind,
        f"{len(columns)} columns changed at once: {_listed(breaches)}.",
        column_name=first.column_name,
        columns=columns,
        strength=first.strength,
        evidence={**first.evidence, "parts": [_part(breach) for breach in breaches]},
    )


def _columns(breaches: Sequence[Breach]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for breach in breaches for name in breach.columns))


def _listed(breaches: Sequence[Breach]) -> str:
    said = "; ".join(breach.diagnosis.removesuffix(".") for breach in breaches[:SHOWN])
    more = len(breaches) - SHOWN
    return f"{said}; and {more} more" if more > 0 else said


def _part(breach: Breach) -> dict[str, Any]:
    """A breach as evidence keeps it, from which `Breach.causes` is read again."""
    telling = {key: breach.evidence[key] for key in TELLING if key in breach.evidence}
    kept = {name: getattr(breach, name) for name in KEPT}
    return {**kept, "columns": breach.columns, "evidence": telling}
