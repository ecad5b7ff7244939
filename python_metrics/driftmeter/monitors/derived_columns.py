"""Columns of text and vectors: what is measured of each, as columns derived from it."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

Measure = Literal["length", "new words", "script", "language", "norm"]
# Of a text or a vector: the kind of each derived column, and its unit.
MEASURES: Mapping[str, Mapping[Measure, tuple[str, str | None]]] = {
    "text": {
        "length": ("numerical", "characters"),
        "new words": ("numerical", None),
        "script": ("categorical", None),
        "language": ("categorical", None),
    },
    "vector": {"norm": ("numerical", None)},
}
# Postgres's types of vectors, the last one of pgvector.
VECTORS = frozenset({"real[]", "double precision[]", "vector"})
# Numbers of a vector's fixed projection, as the function of the warehouse gives them.
PROJECTED = 8


def known_kind(kind: object) -> object:
    """Refuse what is none of the kinds that YAML may name."""
    if kind not in ("numerical", "categorical"):
        raise ValueError(f"is numerical, categorical, text or vector, not {kind!r}")
    return kind


def derived_name(column: str, measure: Measure) -> str:
    """The name of a derived column: ``review: length``."""
    return f"{column}: {measure}"


def projected_names(vector: str) -> list[str]:
    """Names of the numbers of a vector's projection, which the domain classifier alone reads."""
    return [f"{vector}: projection {number}" for number in range(1, PROJECTED + 1)]


def with_derived(features: object) -> object:
    """Declared features, with the columns that are derived of it in the place of each text."""
    if not isinstance(features, Mapping):
        return features
    every: dict[object, object] = {}
    for name, about in features.items():
        for derived, column in _columns(str(name), about):
            if derived in every:
                raise ValueError(
                    f"{derived!r} is what is measured of a text or vector: a column of this name"
                    " cannot be monitored beside it"
                )
            every[derived] = column
    return every


def _columns(name: str, about: object) -> Iterator[tuple[str, object]]:
    kind = about.get("kind") if isinstance(about, Mapping) else None
    if not isinstance(about, Mapping) or not isinstance(kind, str) or kind not in MEASURES:
        yield name, about
        return
    shared: dict[str, Any] = {key: value for key, value in about.items() if key != "kind"}
    if unfit := sorted(shared.keys() - {"max_null_share"}):
        raise ValueError(f"{name}: a {kind} has no `{unfit[0]}`, only `max_null_share`")
    for measure, (of_kind, unit) in MEASURES[kind].items():
        column = {"kind": of_kind, "unit": unit, "of": name, "measure": measure}
        # Missing is the text, and not one more time its language.
        is_first = measure in ("length", "norm")
        yield derived_name(name, measure), {**column, **(shared if is_first else {})}
