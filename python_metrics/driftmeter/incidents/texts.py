"""What became of the texts of a column: their length, words, script and language."""

from dataclasses import replace

import numpy as np

from driftmeter.incidents.change import ColumnValues, Symptom
from driftmeter.incidents.mix import moved, own_mix, shape
from driftmeter.incidents.words import of_rows, shown, told_apart

# What tells most of a text: texts of another script or language have other words and lengths.
FIRST_OF_TEXTS = ("script", "language")
# Medians of lengths nearer to each other are told as a distribution.
LEAST_FACTOR = 1.1
LANGUAGES = {
    "cs": "Czech", "da-nb": "Danish or Norwegian", "de": "German", "el": "Greek",
    "en": "English", "es": "Spanish", "fi": "Finnish", "fr": "French", "hu": "Hungarian",
    "it": "Italian", "nl": "Dutch", "pl": "Polish", "pt": "Portuguese", "ro": "Romanian",
    "ru": "Russian", "sv": "Swedish", "tr": "Turkish", "uk": "Ukrainian",
    "unknown": "a language that is not recognised",
}  # fmt: skip


def text_finding(change: ColumnValues, plain: Symptom | None) -> Symptom | None:
    """What is told of a text or a vector by a column that is derived of it; None for no words.

    Parameters
    ----------
    plain : Symptom or None
        What is wrong with the column's values in all rows.
    """
    if change.column.of is None:
        return None
    is_absent = plain is not None and "values" not in plain.evidence
    if plain is not None and is_absent and plain.kind in ("missing_values", "schema_change"):
        return replace(plain, subject=change.column.of)
    found = None
    if change.column.measure == "length":
        found = None if plain and plain.kind == "outliers" else _longer(change)
    elif change.column.measure == "new words":
        found = _other_words(change) or _other_shares(change, plain)
    elif change.column.kind == "categorical":
        found = _another_writing(change, plain or own_mix(change))
    return found


def _longer(change: ColumnValues) -> Symptom | None:
    before, now = change.numbers_before, change.numbers_now
    if not len(before) or not len(now):
        return None
    factor = float(np.median(now) / np.median(before))
    if 1 / LEAST_FACTOR < factor < LEAST_FACTOR:
        return None
    length, usual = told_apart(float(np.median(now)), float(np.median(before)))
    says = f"is now {factor:.2g} times as long: median {length}{change.unit}, reference {usual}"
    return replace(shape(change), says=says, subject=change.column.of)


def _other_words(change: ColumnValues) -> Symptom | None:
    before, now = change.numbers_before, change.numbers_now
    if change.direction <= 0 or now.mean() <= before.mean():
        return None
    examples = [repr(shown(word)) for word in change.examples()] if change.examples else []
    said = f": for example {', '.join(examples)}" if examples else ""
    found = shape(change)
    return replace(
        found,
        says=f"never occurred in the reference period, usually {before.mean():.1%}{said}",
        subject=f"{now.mean():.1%} of the words of {change.column.of}",
        evidence={
            **found.evidence,
            "mean": {"reference": float(before.mean()), "day": float(now.mean())},
        },
    )


def _other_shares(change: ColumnValues, plain: Symptom | None) -> Symptom | None:
    """New words that are spread otherwise over the texts, though there are no more of them."""
    before, now = change.numbers_before, change.numbers_now
    if plain is not None or not len(before) or not len(now):
        return None
    quarters = [np.quantile(values, [0.25, 0.5, 0.75]) for values in (before, now)]
    (low, middle, high), (now_low, now_middle, now_high) = quarters
    says = (
        f"has another share of new words: half of its texts have {now_low:.1%} to {now_high:.1%},"
        f" reference {low:.1%} to {high:.1%}; median {now_middle:.1%}, reference {middle:.1%}"
    )
    return replace(shape(change), says=says, subject=change.column.of)


def _another_writing(change: ColumnValues, found: Symptom) -> Symptom | None:
    """The script or language that gained most rows."""
    unseen = (change.day_bin == 1) & change.day.notna().to_numpy()
    came = change.day[unseen].value_counts() / max(len(change.day), 1)
    shares = {
        **{str(name): (0.0, float(share)) for name, share in came.items()},
        **{name: (before, now) for name, before, now in moved(change)},
    }
    name, (before, now) = max(
        shares.items(), key=lambda one: one[1][1] - one[1][0], default=("", (0.0, 0.0))
    )
    if now <= before:
        return None
    written = f"{name} script" if change.column.measure == "script" else LANGUAGES.get(name, name)
    says = f"is now in {written} in {of_rows(now, len(change.day))}, reference {before:.1%}"
    return replace(
        found,
        # That all texts are of another is no other coding of them.
        kind="unseen_category" if found.kind == "schema_change" else found.kind,
        says=says,
        subject=change.column.of,
        value=found.value and name,
    )


def place_of(measure: str | None) -> int:
    """How early a measure is told among those of its text."""
    return FIRST_OF_TEXTS.index(measure) if measure in FIRST_OF_TEXTS else len(FIRST_OF_TEXTS)


def is_all_of_the_text(measure: str | None, kind: str) -> bool:
    """Whether what was found of a measure changes whatever else is derived of its text."""
    return measure in FIRST_OF_TEXTS or (measure is not None and kind == "missing_values")
