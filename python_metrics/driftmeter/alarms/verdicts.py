"""Verdicts of one day: the evidence of every column and segment, decided together."""

import datetime as dt
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from driftmeter.alarms.area import LEAST_AREA, Area, AreaEvidence, judge_area
from driftmeter.alarms.calibrate import Calibration
from driftmeter.alarms.column import ColumnEvidence
from driftmeter.alarms.decision import (
    OF_COLUMNS,
    Verdicts,
    as_deviations,
    decide_day,
    matters,
)
from driftmeter.drift.stored_scores import CLASSIFIER, DAY_LEVEL
from driftmeter.monitors.config import Monitor
from driftmeter.monitors.requirements import no_value
from driftmeter.quality.histograms import ColumnPart

GONE = (
    "the inference table no longer has this column."
    " Add it again, or remove it from the monitor's YAML"
)
# How the reason begins of a target whose labels are not due yet; the view not_judged reads it.
TO_COME = "labels are due"
ENGINE = "driftmeter day-level null"
# Of a day of a known event that the reference has not seen.
WIDER = "compared with wider thresholds"


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """One hypothesis on one day: a row of ``metrics.drift``; its figures are None if not judged."""

    monitor: str
    model_version: str | None
    partition_date: dt.date
    segment: str | None = None
    segment_value: str | None = None
    column_name: str | None = None
    baseline: str = "reference"
    method: str
    score: float | None = None
    threshold: float | None = None
    p_value: float | None = None
    q_value: float | None = None
    effect: float | None = None
    is_drifted: bool | None = None
    n_reference: int
    n_current: int
    status: str = "ok"
    reason: str | None = None
    engine: str = ENGINE
    statistic: str | None = None
    unit: str | None = None
    observed: float | None = None
    expected: float | None = None
    trailing_p_value: float | None = None
    is_slow: bool | None = None
    known_event: str | None = None
    reference_days: int | None = None


def verdicts_of_day(
    monitor: Monitor,
    calibration: Calibration,
    evidence: Mapping[ColumnPart, ColumnEvidence],
    known_rows: Mapping[ColumnPart, float],
    place: int,
    day: dt.date,
    version: str | None,
    area: Area | None,
    accepted: Mapping[str, Mapping[ColumnPart, str]] | None = None,
    due: dt.date = dt.date.max,
    lost: Collection[str] = (),
    event: str | None = None,
) -> Iterator[Verdict]:
    """Rows of one day: every column over all rows, and every segment that could be judged.

    Parameters
    ----------
    accepted : mapping of str to mapping of ColumnPart to str, optional
        Columns that have a normal of their own in force, which `calibration` and `evidence` hold,
        each with the parts that it cannot judge yet and why.
    due : date, optional
        The last day whose labels are due; of later days the target is not judged.
    lost : collection of str, optional
        Columns that the inference table has no more. Days without a value of theirs are not judged
        by them: that the column is gone is an incident of its own.
    event : str, optional
        The known event that the day is part of.
    """
    accepted = accepted or {}
    gone = {name for name in lost if _all_missing(known_rows, ColumnPart(None, None, name))}
    to_come = _to_come(monitor, day, due)
    unready = {part: reason for reasons in accepted.values() for part, reason in reasons.items()}
    whole = [ColumnPart(None, None, name) for name in monitor.columns]
    reasons = {
        part: GONE
        if part.is_all_rows and part.column in gone
        else _reason(monitor, calibration, known_rows, part, to_come) or unready.get(part)
        for part in [*whole, *(part for part in calibration.columns if not part.is_all_rows)]
    }
    key: dict[str, Any] = {"monitor": monitor.name, "model_version": version, "partition_date": day}
    for part in whole:
        if reason := reasons[part]:
            of_part = _part(part, calibration, known_rows, accepted)
            if reason == to_come:
                # How many labels of the reference period are due hangs on the newest day.
                of_part["n_reference"] = 0
            yield Verdict(**key, **of_part, status="skipped", reason=reason)
    resting = _resting(accepted, gone, event)
    if area and resting:
        yield Verdict(**key, **_of_all(area), status="skipped", reason=resting)
    judged = [part for part, reason in reasons.items() if reason is None]
    if not judged:
        return
    columns = [evidence[part] for part in judged]
    statistic, p_value, effect, trailing, observed, expected = (
        np.array([getattr(column, name)[place] for column in columns])
        for name in (
            "statistic", "p_value", "effect", "trailing_p_value", "observed", "expected",
        )
    )  # fmt: skip
    classified = None
    if area and not resting:
        classified = judge_area(calibration.classifier, area, monitor.cadence.level(day))
    groups = np.array(
        [
            *("rows" if part.is_all_rows else "segments" for part in judged),
            *(["multivariate"] if classified else []),
        ]
    )
    # Against the days just before, a slow season is nothing new; without such days all is new.
    # Both must speak against calm: the larger p-value does (Berger 1982).
    new_p = np.fmax(p_value, trailing)
    if classified and area:
        new_p = np.append(new_p, np.fmax(classified.p_value, area.trailing_p_value))
    verdicts = decide_day(monitor, groups, new_p, *OF_COLUMNS)
    if classified and area:
        yield _of_area(key, area, classified, verdicts)
    verdicts = verdicts.only(slice(len(judged)))
    is_large = matters(statistic, effect, monitor.least_effect)
    is_drifted = verdicts.is_significant & is_large
    is_slow = ~is_drifted & is_large & (p_value <= verdicts.threshold_p)
    score, threshold = as_deviations(p_value), as_deviations(verdicts.threshold_p)
    for i, part in enumerate(judged):
        scale = calibration.columns[part].scale
        unit, factor = _unit(monitor, part, str(statistic[i]), scale.spread_in_unit)
        yield Verdict(
            **key,
            **_part(part, calibration, known_rows, accepted),
            score=_number(score[i]),
            threshold=_number(threshold[i]),
            p_value=_number(p_value[i]),
            q_value=_number(verdicts.q_value[i]),
            effect=_number(effect[i] * factor),
            is_drifted=bool(is_drifted[i]),
            statistic=_named(str(statistic[i])),
            unit=unit,
            observed=_number(observed[i]),
            expected=_number(expected[i]),
            trailing_p_value=_number(trailing[i]),
            is_slow=bool(is_slow[i]),
            known_event=event and _compared(event, part, calibration, accepted),
        )


def _compared(
    event: str, part: ColumnPart, calibration: Calibration, accepted: Collection[str]
) -> str:
    """A known event with what a column of its day was compared with."""
    is_seen = part in calibration.events.get(event, {}) and part.column not in accepted
    how = "compared with its days in the reference period" if is_seen else WIDER
    return f"{event}; {how}"


def _of_area(
    key: Mapping[str, Any], area: Area, evidence: AreaEvidence, verdicts: Verdicts
) -> Verdict:
    """The row of all columns together, whose hypothesis is the last."""
    effect = area.area - evidence.expected
    return Verdict(
        **key,
        **_of_all(area),
        threshold=_number(evidence.threshold(float(verdicts.threshold_p[-1]))),
        p_value=_number(evidence.p_value),
        q_value=_number(verdicts.q_value[-1]),
        effect=_number(effect),
        is_drifted=bool(verdicts.is_significant[-1] and effect >= LEAST_AREA),
        statistic="separation",
        unit="area under the ROC curve",
        observed=area.area,
        expected=_number(evidence.expected),
        trailing_p_value=_number(area.trailing_p_value),
        is_slow=False,
    )


def _resting(accepted: Collection[str], gone: Collection[str], event: str | None) -> str | None:
    """Why all columns together are not judged, or None where they are.

    Where some are away for good, or gone, all together would tell it every day.
    """
    if event:
        return f"the day is a known event: {event}"
    if accepted:
        names = ", ".join(sorted(accepted))
        return f"another normal than the reference's is accepted for {names}"
    return f"the inference table lacks {', '.join(sorted(gone))}" if gone else None


def _of_all(area: Area) -> dict[str, Any]:
    of_rows = {"n_reference": area.n_reference, "n_current": area.n_current}
    return {"method": CLASSIFIER, "score": area.area, **of_rows}


def _to_come(monitor: Monitor, day: dt.date, due: dt.date) -> str | None:
    """Why the target of a day is not judged yet, or None where its labels are due."""
    if day <= due:
        return None
    last = monitor.cadence.last_day(day) + dt.timedelta(days=monitor.label_delay_days)
    return f"{TO_COME} on {last}"


def _reason(
    monitor: Monitor,
    calibration: Calibration,
    known_rows: Mapping[ColumnPart, float],
    part: ColumnPart,
    to_come: str | None,
) -> str | None:
    """Why a column or segment cannot be judged on a day, or None where it can."""
    if not any(known_rows.values()):
        return f"the {monitor.every} has no rows"
    if calibration.too_short:
        return calibration.too_short
    if to_come and part.column == monitor.target:
        return to_come
    rows = known_rows.get(part, 0.0)
    is_never_known = not calibration.reference_rows.get(part) and not rows
    if part not in calibration.columns or is_never_known:
        return no_value()
    if rows >= monitor.min_rows or _all_missing(known_rows, part):
        return None
    # Over all rows few values are judged where they are usual, since a day's noise follows from its
    # rows; and where days have rows enough, since then the others are missing.
    usual = calibration.reference_rows.get(part, 0.0) / max(calibration.reference_days, 1)
    is_told = usual < monitor.min_rows or max(known_rows.values()) >= monitor.min_rows
    if not (part.is_all_rows and is_told):
        return f"{rows:.0f} known values; {monitor.min_rows} are needed"
    return None


def _all_missing(known_rows: Mapping[ColumnPart, float], part: ColumnPart) -> bool:
    """Whether the day has rows and this column has no value in them: the plainest drift."""
    return part.is_all_rows and known_rows.get(part) == 0.0 and max(known_rows.values()) > 0


def _part(
    part: ColumnPart,
    calibration: Calibration,
    known_rows: Mapping[ColumnPart, float],
    accepted: Collection[str],
) -> dict[str, Any]:
    return {
        "method": DAY_LEVEL,
        "baseline": "accepted" if part.column in accepted else "reference",
        "reference_days": None if part.column in accepted else calibration.reference_days,
        "segment": part.segment,
        "segment_value": part.segment_value,
        "column_name": part.column,
        "n_reference": int(calibration.reference_rows.get(part, 0)),
        "n_current": int(known_rows.get(part, 0)),
    }


def _unit(monitor: Monitor, part: ColumnPart, statistic: str, spread: float) -> tuple[str, float]:
    """Unit of an effect, and what turns the statistic's difference into it."""
    if statistic == "location":
        unit = monitor.columns[part.column].unit
        # A column that is mostly one value has no spread to speak of.
        return (unit or "units", spread) if spread > 0 else ("standard deviations", 1.0)
    return ("standard deviations", 1.0) if statistic == "spread" else ("share", 1.0)


def _named(statistic: str) -> str:
    """A statistic as people know it; groups of values are counted from the reference's bins."""
    return "values" if statistic.startswith("value") else statistic


def _number(value: float) -> float | None:
    """A number to ten digits: the last ones depend on how many days were computed together."""
    return float(f"{value:.10g}") if np.isfinite(value) else None
