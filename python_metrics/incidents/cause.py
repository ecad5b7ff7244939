"""One day's alarms to breaches: each cause once, with every column that it moved."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from python_metrics.incidents.breach import Breach
from python_metrics.incidents.change import Change, Symptom, weights_of
from python_metrics.incidents.decomposition import decompose
from python_metrics.incidents.diagnose import diagnose, plain_symptom
from python_metrics.incidents.distance import Bins
from python_metrics.incidents.relations import correlation_shift, is_plain
from python_metrics.monitors.config import Monitor

# So much of another column's change must be gone with the cause's own, to be its consequence.
SAME_CAUSE = 0.6
HARDLY_SHOWN = 0.3
SHOWN = 5
# A change of fewer rows than these is not why columns no longer go together.
FEW_ROWS = 0.15


@dataclass(frozen=True)
class Alarm:
    """A calibrated verdict that is an alarm.

    Attributes
    ----------
    column : str or None
        None for all columns together.
    ratio : float
        Score over threshold.
    """

    column: str | None
    segment: str | None = None
    value: str | None = None
    score: float = 0.0
    threshold: float = 1.0

    @property
    def ratio(self) -> float:
        """How far beyond the threshold."""
        return self.score / self.threshold if self.threshold > 0 else self.score


@dataclass(frozen=True)
class Day:
    """Rows of a day and of the reference, one column a monitored column.

    Attributes
    ----------
    reference : pandas.DataFrame
        Rows of the reference's same weekday: a Saturday is no fault of a Saturday.
    bins : mapping of str to Bins
        Of the whole reference: what another weekday had is not new.
    importance : mapping of str to float
        How much of the prediction hangs on each feature; sums to 1.
    """

    monitor: Monitor
    reference: pd.DataFrame
    rows: pd.DataFrame
    bins: Mapping[str, Bins]
    importance: Mapping[str, float]

    def changes(self) -> dict[str, Change]:
        """Every monitored column's change."""
        return {
            name: Change(name, column, self.reference[name], self.rows[name], self.bins[name])
            for name, column in self.monitor.columns.items()
        }


def causes(day: Day, alarms: Sequence[Alarm], *, error_rose: bool = False) -> list[Breach]:
    """Breaches behind a day's alarms, the most important first.

    A column whose change is gone once another's is undone is that one's consequence, as are the
    prediction's of the features' and the label's of nothing here: what becomes of the label given
    the inputs is the error's to say.
    """
    monitor, changes = day.monitor, day.changes()
    splitting = {
        name: change
        for name, change in changes.items()
        if change.column.kind == "categorical" and name != monitor.target
    }
    found: list[tuple[Alarm, Symptom, list[str]]] = []
    for alarm in _ordered(alarms, monitor, day.importance):
        assert alarm.column is not None
        if alarm.column == monitor.target:
            continue
        change = changes[alarm.column]
        root = next((each for each in found if _same_cause(change, each, changes, alarm)), None)
        if root is not None:
            root[2].append(alarm.column)
        elif alarm.column != monitor.prediction or not found:
            found.append((alarm, _diagnosed(alarm, change, splitting), [alarm.column]))
        else:
            found[0][2].append(alarm.column)
    ranking = _ranking(alarms, day.importance)
    breaches = [_breach(day, alarm, symptom, columns, ranking) for alarm, symptom, columns in found]
    together = next((alarm for alarm in alarms if alarm.column is None), None)
    is_wrong = together is not None or error_rose
    is_of_input = [a.segment is None and a.column != monitor.prediction for a, _, _ in found]
    if not (is_wrong or found):
        return breaches
    inputs = {name: changes[name] for name in monitor.features}
    if any(is_of_input):
        # Few rows that changed leave the rest to go together, or not.
        if together is None or any(
            float(each.evidence.get("share_of_others", 1.0)) > FEW_ROWS for each in breaches
        ):
            return breaches
        pair = correlation_shift(inputs, together)
        return [pair, *breaches] if is_plain(pair) else breaches
    # No column changed over all rows, and yet all of them together did.
    pair = correlation_shift(inputs, together)
    return [pair] if is_plain(pair) or (together and not breaches) else breaches


def _ordered(
    alarms: Iterable[Alarm], monitor: Monitor, importance: Mapping[str, float]
) -> list[Alarm]:
    """Features before the prediction, all rows before segments, the plainest first.

    Of a column that is in alarm over all rows, its segments add nothing.
    """
    alarms = [alarm for alarm in alarms if alarm.column is not None]
    whole = {alarm.column for alarm in alarms if alarm.segment is None}
    kept = [alarm for alarm in alarms if alarm.segment is None or alarm.column not in whole]
    return sorted(
        kept,
        key=lambda each: (
            each.column == monitor.prediction,
            each.segment is not None,
            -each.ratio * (1 + importance.get(str(each.column), 0.0)),
            str(each.column),
            str(each.value),
        ),
    )


def _diagnosed(alarm: Alarm, change: Change, splitting: Mapping[str, Change]) -> Symptom:
    if alarm.segment is None:
        return diagnose(change, splitting)
    whole = plain_symptom(change)
    if whole is not None:
        # Too small to alarm over all rows, and yet it is in all of them.
        return diagnose(change, splitting)
    # The alarm is a segment's alone: what is wrong inside of it is the finding.
    by = splitting[alarm.segment]
    inside = change.inside(
        (by.reference == alarm.value).to_numpy(), (by.day == alarm.value).to_numpy()
    )
    what = diagnose(inside, {})
    share = float((by.day == alarm.value).mean())
    return Symptom(
        "segment",
        what.explained,
        f"{what.says}, only where {alarm.segment} = {alarm.value}: {share:.1%} of rows",
        {"share_of_rows": share, "within": {"kind": what.kind, **what.evidence}},
        segment=alarm.segment,
        value=alarm.value,
    )


def _same_cause(
    change: Change,
    root: tuple[Alarm, Symptom, list[str]],
    changes: Mapping[str, Change],
    alarm: Alarm,
) -> bool:
    """Whether a column's change goes when the root's is undone."""
    of, symptom, columns = root
    if change.name in columns:
        return True
    cause = changes[str(of.column)]
    if symptom.kind == "segment" or of.segment is not None:
        return (alarm.segment, alarm.value) == (symptom.segment, symptom.value)
    if alarm.segment is not None:
        by = changes[alarm.segment]
        chosen = (by.reference == alarm.value).to_numpy(), (by.day == alarm.value).to_numpy()
        change, cause = change.inside(*chosen), cause.inside(*chosen)
    if not change.is_plain:
        # A change that the rows hardly show is put down to what is plain.
        return change.reweighted(weights_of(cause)) > HARDLY_SHOWN
    return change.reweighted(weights_of(cause)) >= SAME_CAUSE


def _ranking(
    alarms: Iterable[Alarm], importance: Mapping[str, float]
) -> list[dict[str, float | str]]:
    """Columns in alarm by score over threshold, weighed by what the prediction hangs on."""
    best: dict[str, float] = {}
    for alarm in alarms:
        if alarm.column is not None:
            best[alarm.column] = max(best.get(alarm.column, 0.0), alarm.ratio)
    ranked: list[dict[str, float | str]] = [
        {
            "column": name,
            "score_ratio": ratio,
            "importance": importance.get(name, 0.0),
            "weight": ratio * importance.get(name, 0.0),
        }
        for name, ratio in best.items()
    ]
    return sorted(ranked, key=lambda each: (-float(each["weight"]), -float(each["score_ratio"])))


def _breach(
    day: Day,
    alarm: Alarm,
    symptom: Symptom,
    columns: Sequence[str],
    ranking: Sequence[Mapping[str, float | str]],
) -> Breach:
    name = columns[0]
    others = [other for other in columns[1:] if other != name]
    more = f"; with it {_listed(others)}" if others else ""
    evidence = {
        **symptom.evidence,
        "explained": symptom.explained,
        "score": alarm.score,
        "threshold": alarm.threshold,
        "ranking": list(ranking),
        "segments": _by_segment(day, name, symptom),
    }
    return Breach(
        kind=symptom.kind,
        diagnosis=f"{name} {symptom.says}{more}.",
        column_name=name,
        columns=tuple(dict.fromkeys(columns)),
        segment=symptom.segment if symptom.kind == "segment" else None,
        segment_value=symptom.value if symptom.kind == "segment" else None,
        strength=alarm.ratio,
        evidence=evidence,
    )


def _listed(names: Sequence[str]) -> str:
    names = list(dict.fromkeys(names))
    shown = ", ".join(names[:SHOWN])
    return f"{shown} and {len(names) - SHOWN} more" if len(names) > SHOWN else shown


def _by_segment(day: Day, name: str, symptom: Symptom) -> dict[str, object]:
    """The change of the column's telling share or mean, split over each declared segment."""
    change = Change(name, day.monitor.columns[name], day.reference[name], day.rows[name])
    metric, before, now = _telling(change, symptom)
    found: dict[str, object] = {"metric": metric, "change": float(now.mean() - before.mean())}
    for segment, column in day.monitor.segment_columns.items():
        if segment == name:
            continue
        parts = decompose(before, day.reference[column], now, day.rows[column])
        found[segment] = [vars(part) for part in parts[:SHOWN]]
    return found


def _telling(
    change: Change, symptom: Symptom
) -> tuple[str, "pd.Series[float]", "pd.Series[float]"]:
    """The mean over rows that the finding is about: missing, one value's, or the number itself."""
    before, now = change.reference, change.day
    if symptom.kind in ("missing_values", "schema_change"):
        return "missing share", before.isna().astype(float), now.isna().astype(float)
    if change.column.kind == "categorical":
        moved = symptom.evidence.get("values") or {symptom.value: 1}
        value = next(iter(moved))
        return (
            f"share of {value}",
            (before == value).astype(float),
            (now == value).astype(float),
        )
    # Ranks of the reference: an absurd value would carry every mean.
    return (
        "mean rank in the reference",
        pd.Series(change.reference_rank),
        pd.Series(change.day_rank),
    )
