"""A monitor's calibration, and the file that keeps it for the next run."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from driftmeter.alarms.column import ColumnNull
from driftmeter.alarms.day_null import DayNull
from driftmeter.alarms.statistics import Scale
from driftmeter.monitors.requirements import LEAST_DAYS, too_few_days
from driftmeter.quality.histograms import ColumnPart


@dataclass(frozen=True)
class Calibration:
    """What calm looks like for a monitor.

    Attributes
    ----------
    columns : dict of ColumnPart to ColumnNull
    reference_days : int
        Days with rows that it rests on.
    reference_rows : dict of ColumnPart to float
        Rows of the reference with a value, by column and segment.
    classifier : DayNull or None
        Of the domain classifier's area, one statistic.
    """

    columns: dict[ColumnPart, ColumnNull]
    reference_days: int
    reference_rows: dict[ColumnPart, float]
    classifier: DayNull | None

    @property
    def too_short(self) -> str | None:
        """Why it cannot keep a budget, or None where it can."""
        enough = self.reference_days >= LEAST_DAYS
        return None if enough else too_few_days(self.reference_days)


# The cache holds plain arrays: one a field, of all columns end to end, and where each ends. A zip
# entry a column and field would take longer to read than to fit anew.
_ARRAYS = {
    "scale": [f.name for f in fields(Scale) if f.name not in ("kind", "names", "spread_in_unit")],
    "null": [f.name for f in fields(DayNull) if f.name != "correlation"],
}


def save(calibration: Calibration, file: Path) -> None:
    """Write a calibration whole or not at all."""
    stored: dict[str, Any] = {"reference_days": calibration.reference_days}
    items = list(calibration.columns.items())
    stored["parts"] = np.array(
        [
            [
                p.segment or "",
                p.segment_value or "",
                p.column,
                str(p.segment is None),
                str(p.segment_value is None),
                c.scale.kind,
                "\n".join(c.scale.names),
            ]
            for p, c in items
        ],
        dtype=str,
    ).reshape(len(items), 7)
    stored["numbers"] = np.array(
        [
            [c.scale.spread_in_unit, c.null.correlation, calibration.reference_rows[p]]
            for p, c in items
        ]
    ).reshape(len(items), 3)
    for owner, names in _ARRAYS.items():
        for name in names:
            arrays = [np.asarray(getattr(getattr(c, owner), name)) for _, c in items]
            stored[f"{owner}.{name}"] = (
                np.concatenate([a.ravel() for a in arrays]) if arrays else np.empty(0)
            )
            stored[f"{owner}.{name}.shape"] = np.array(
                [(*a.shape, -1)[:2] for a in arrays], dtype=np.int64
            ).reshape(len(items), 2)
    if calibration.classifier is not None:
        for name in _ARRAYS["null"]:
            stored[f"classifier.{name}"] = getattr(calibration.classifier, name)
        stored["classifier.correlation"] = calibration.classifier.correlation
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_suffix(".new.npz")
    np.savez(new, **stored)
    new.rename(file)


def load(file: Path) -> Calibration:
    """Read a calibration; plain arrays, so that reading runs nothing."""
    with np.load(file, allow_pickle=False) as stored:
        data = {name: stored[name] for name in stored.files}
    parts, numbers = data["parts"], data["numbers"]
    split: dict[str, list[Any]] = {}
    for owner, names in _ARRAYS.items():
        for name in names:
            shapes = [tuple(s for s in shape if s >= 0) for shape in data[f"{owner}.{name}.shape"]]
            ends = np.cumsum([int(np.prod(shape)) for shape in shapes])[:-1]
            pieces = np.split(data[f"{owner}.{name}"], ends) if shapes else []
            split[f"{owner}.{name}"] = [
                piece.reshape(shape) for piece, shape in zip(pieces, shapes, strict=True)
            ]
    columns, rows = {}, {}
    for i, (segment, value, column, no_segment, no_value, kind, names_of) in enumerate(parts):
        part = ColumnPart(
            None if no_segment == "True" else str(segment),
            None if no_value == "True" else str(value),
            str(column),
        )
        scale = {name: split[f"scale.{name}"][i] for name in _ARRAYS["scale"]}
        null = {name: split[f"null.{name}"][i] for name in _ARRAYS["null"]}
        columns[part] = ColumnNull(
            Scale(
                kind="numerical" if kind == "numerical" else "categorical",
                names=tuple(str(names_of).split("\n")),
                spread_in_unit=float(numbers[i, 0]),
                **scale,
            ),
            DayNull(correlation=float(numbers[i, 1]), **null),
        )
        rows[part] = float(numbers[i, 2])
    classifier = None
    if "classifier.correlation" in data:
        classifier = DayNull(
            correlation=float(data["classifier.correlation"]),
            **{name: data[f"classifier.{name}"] for name in _ARRAYS["null"]},
        )
    return Calibration(columns, int(data["reference_days"]), rows, classifier)
