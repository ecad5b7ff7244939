"""Faults planted into days of an inference table, each with the diagnosis that is right."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from driftmeter.monitors.config import Monitor

# Columns whose values are amounts: where a unit, a shape or an absurd value can go wrong.
AMOUNTS = ("trip_distance_miles", "fare_usd", "total_usd")
CODES = ("payment_type", "rate_code_id", "vendor_id", "pickup_borough", "passenger_count")
SPLITS = ("vendor_id", "payment_type", "pickup_borough")
FACTORS = (1.5, 1.609344, 1 / 1.609344, 2.54, 60.0, 1 / 60, 100.0, 0.01, 1000.0, 0.4)


@dataclass(frozen=True)
class Planted:
    """A day with a fault in it.

    Attributes
    ----------
    kind : str
        The right diagnosis.
    column : str or None
        The column that it is in; None where the whole day is wrong.
    label : str
        What was planted, for people.
    state : str
        State of the day's partition.
    """

    kind: str
    column: str | None
    label: str
    rows: pd.DataFrame
    state: str = "fresh"
    value: str | None = None


Plant = Callable[[Monitor, pd.DataFrame, pd.DataFrame, np.random.Generator], Planted]


def missing_values(
    m: Monitor, ref: pd.DataFrame, day: pd.DataFrame, g: np.random.Generator
) -> Planted:
    """A share of one column is lost."""
    name = str(g.choice([n for n in m.features if ref[n].notna().mean() > 0.95]))
    share = g.uniform(0.08, 0.6)
    rows = day.assign(**{name: day[name].mask(g.random(len(day)) < share)})
    return Planted("missing_values", name, f"{share:.0%} of {name} lost", rows)


def unseen_category(
    m: Monitor, ref: pd.DataFrame, day: pd.DataFrame, g: np.random.Generator
) -> Planted:
    """A value that the reference never had."""
    name = str(g.choice([n for n in CODES if m.columns[n].kind == "categorical"]))
    share = g.uniform(0.05, 0.4)
    hit = g.random(len(day)) < share
    rows = day.assign(**{name: day[name].mask(hit, "Z9")})
    return Planted("unseen_category", name, f"{share:.0%} of {name} are Z9", rows)


def unit_change(
    m: Monitor, ref: pd.DataFrame, day: pd.DataFrame, g: np.random.Generator
) -> Planted:
    """A column in another unit."""
    name, factor = str(g.choice(AMOUNTS)), float(g.choice(FACTORS))
    rows = day.assign(**{name: day[name] * factor})
    return Planted("unit_change", name, f"{name} x {factor:.4g}", rows)


def outliers(m: Monitor, ref: pd.DataFrame, day: pd.DataFrame, g: np.random.Generator) -> Planted:
    """A few absurd values."""
    name, share = str(g.choice(AMOUNTS)), g.uniform(0.02, 0.08)
    hit = g.random(len(day)) < share
    absurd = float(ref[name].quantile(0.999)) * g.uniform(5, 500)
    rows = day.assign(**{name: day[name].mask(hit, absurd)})
    return Planted("outliers", name, f"{share:.1%} of {name} are {absurd:.3g}", rows)


def mix_shift(m: Monitor, ref: pd.DataFrame, day: pd.DataFrame, g: np.random.Generator) -> Planted:
    """Whole rows of one category come more often, and bring all their columns along."""
    name = str(g.choice(["payment_type", "pickup_borough", "vendor_id"]))
    share = day[name].value_counts(normalize=True)
    value = str(g.choice([v for v in share.index if 0.02 < share[v] < 0.6]))
    more = g.uniform(0.2, 0.4)
    kept = day[g.random(len(day)) >= more]
    like = ref[ref[name] == value].sample(len(day) - len(kept), random_state=int(g.integers(2**31)))
    rows = pd.concat([kept, like], ignore_index=True)
    return Planted("mix_shift", name, f"{more:.0%} more of {name} {value}", rows, value=value)


def segment(m: Monitor, ref: pd.DataFrame, day: pd.DataFrame, g: np.random.Generator) -> Planted:
    """One segment's amounts in another unit."""
    name = str(g.choice(AMOUNTS))
    usable = [
        (by, value)
        for by in SPLITS
        for value, rows in day[by].value_counts().items()
        if rows >= 60 and rows < 0.65 * len(day)
    ]
    by, value = usable[int(g.integers(len(usable)))]
    share = float((day[by] == value).mean())
    factor = float(g.choice([2.0, 2.54, 0.3, 10.0, 60.0]))
    rows = day.assign(**{name: day[name].where(day[by] != value, day[name] * factor)})
    label = f"{name} x {factor:.3g} where {by} = {value} ({share:.0%})"
    return Planted("segment", name, label, rows, value=value)


def shape_shift(
    m: Monitor, ref: pd.DataFrame, day: pd.DataFrame, g: np.random.Generator
) -> Planted:
    """An amount that moved or widened, by no factor."""
    name = str(g.choice(AMOUNTS))
    spread = float(np.subtract(*ref[name].quantile([0.75, 0.25])))
    middle = float(ref[name].median())
    if g.random() < 0.5:
        by = g.uniform(0.6, 1.2) * spread
        return Planted(
            "shape_shift", name, f"{name} + {by:.3g}", day.assign(**{name: day[name] + by})
        )
    tight = g.uniform(0.1, 0.4)
    values = middle + (day[name] - middle) * tight
    return Planted("shape_shift", name, f"{name} shrunk to {tight:.0%} about its median",
                   day.assign(**{name: values}))  # fmt: skip


def correlation_shift(
    m: Monitor, ref: pd.DataFrame, day: pd.DataFrame, g: np.random.Generator
) -> Planted:
    """Values of one or three columns on other rows, as a wrong join does; each looks the same."""
    amounts = [["trip_distance_miles"], ["fare_usd"], ["fare_usd", "total_usd", "tip_usd"]]
    names = amounts[int(g.integers(3))]
    order = g.permutation(len(day))
    rows = day.assign(**{name: day[name].to_numpy()[order] for name in names})
    return Planted("correlation_shift", names[0], f"{', '.join(names)} on other rows", rows)


def concept_drift(
    m: Monitor, ref: pd.DataFrame, day: pd.DataFrame, g: np.random.Generator
) -> Planted:
    """The same inputs, another outcome."""
    factor = g.uniform(1.35, 1.8)
    rows = day.assign(**{str(m.target): day[str(m.target)] * factor})
    return Planted("concept_drift", m.target, f"trips take {factor:.2f} times as long", rows)


def performance_drop(
    m: Monitor, ref: pd.DataFrame, day: pd.DataFrame, g: np.random.Generator
) -> Planted:
    """The same inputs, another model: its predictions are off."""
    how = int(g.integers(3))
    prediction = day[m.prediction].to_numpy()
    if how == 0:
        other = g.permutation(prediction)
    elif how == 1:
        other = np.full(len(day), float(ref[m.prediction].mean()))
    else:
        other = prediction * g.uniform(1.6, 2.5)
    label = ("predictions on other rows", "one prediction for all", "predictions scaled")[how]
    return Planted("performance_drop", m.prediction, label, day.assign(**{m.prediction: other}))


def volume(m: Monitor, ref: pd.DataFrame, day: pd.DataFrame, g: np.random.Generator) -> Planted:
    """Half the rows, or twice as many."""
    share = float(g.choice([0.3, 0.5, 2.0]))
    rows = day.sample(frac=share, replace=share > 1, random_state=int(g.integers(2**31)))
    return Planted("volume", None, f"{share:.0%} of the rows", rows.reset_index(drop=True))


def schema_change(
    m: Monitor, ref: pd.DataFrame, day: pd.DataFrame, g: np.random.Generator
) -> Planted:
    """A column without any value, or coded otherwise."""
    if g.random() < 0.5:
        name = str(g.choice([n for n in m.features if ref[n].notna().mean() > 0.95]))
        empty = None if m.columns[name].kind == "categorical" else np.nan
        return Planted("missing_values", name, f"{name} empty", day.assign(**{name: empty}))
    name = str(g.choice([n for n in CODES if m.columns[n].kind == "categorical"]))
    rows = day.assign(**{name: "code " + day[name].astype("string")})
    return Planted("schema_change", name, f"{name} recoded", rows)


def _of_state(kind: str, state: str, label: str) -> Plant:
    def plant(m: Monitor, ref: pd.DataFrame, day: pd.DataFrame, g: np.random.Generator) -> Planted:
        return Planted(kind, None, label, day if state == "stale" else day.iloc[:0], state)

    return plant


PLANTS: dict[str, Plant] = {
    "missing_values": missing_values,
    "unseen_category": unseen_category,
    "unit_change": unit_change,
    "outliers": outliers,
    "mix_shift": mix_shift,
    "segment": segment,
    "shape_shift": shape_shift,
    "correlation_shift": correlation_shift,
    "concept_drift": concept_drift,
    "performance_drop": performance_drop,
    "volume": volume,
    "missing_day": _of_state("missing_day", "missing", "the day never comes"),
    "empty_day": _of_state("empty_day", "empty", "the day comes without a row"),
    "late_data": _of_state("late_data", "stale", "rows come after it was computed"),
    "schema_change": schema_change,
}
