"""Cards that a model of several classes offers: a monitor, and rows of a day."""

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd

from driftmeter.monitors.config import Monitor

FIRST = dt.date(2026, 1, 1)
REFERENCE = [FIRST + dt.timedelta(days=number) for number in range(60)]
DAY = dt.date(2026, 3, 10)
CARDS = ("highstreet", "prepaid", "upmarket")


def monitor(classes: tuple[str, ...] = CARDS, **changes: Any) -> Monitor:
    return Monitor.model_validate(
        {
            "name": "cards",
            "owner": "team",
            "task": "multiclass",
            "timestamp": "at",
            "id": "id",
            "prediction": "predicted",
            "target": "actual",
            "probabilities": {name: f"p_{name}" for name in classes},
            "model_version": "version",
            "features": {"income": {"kind": "numerical"}, "channel": {"kind": "categorical"}},
            "segments": ["channel"],
            "reference": {"from": str(REFERENCE[0]), "to": str(REFERENCE[-1])},
            "label_delay_days": 20,
            **changes,
        }
    )


def rows(day: dt.date, count: int, classes: tuple[str, ...] = CARDS) -> pd.DataFrame:
    """Cards whose chances follow from the income; probabilities are to two digits, as printed."""
    generator = np.random.default_rng([7, day.toordinal()])
    income = generator.normal(0, 1, count)
    # So many classes are told apart as well as three.
    slope = np.linspace(-2, 2, len(classes)) * (len(classes) / 3) ** 2
    odds = np.exp(np.outer(income, slope) + generator.normal(0, 0.5, (count, len(classes))))
    chances = odds / odds.sum(axis=1, keepdims=True)
    said = np.round(chances, 2)
    drawn = (chances.cumsum(axis=1) < generator.random((count, 1))).sum(axis=1)
    names = np.array(classes, dtype=object)
    return pd.DataFrame(
        {
            "id": np.arange(count),
            "partition_date": day,
            "version": "v1",
            "income": income,
            "channel": generator.choice(["web", "store"], count, p=[0.7, 0.3]),
            "predicted": names[said.argmax(axis=1)],
            "actual": names[np.minimum(drawn, len(classes) - 1)],
            **{f"p_{name}": said[:, at] for at, name in enumerate(classes)},
        }
    )
