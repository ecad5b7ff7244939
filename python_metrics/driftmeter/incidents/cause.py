"""Turns a day's alarms into breaches: one for each cause, with all columns that it changed."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial

import numpy as np
import pandas as pd

from driftmeter.alarms.not_judged import listed
from driftmeter.arrival.inference_rows import DAY
from driftmeter.incidents.alarm import Alarm
from driftmeter.incidents.breach import Breach
from driftmeter.incidents.change import ColumnValues, Mask, Symptom, weights_of
from driftmeter.incidents.decomposition import decompose
from driftmeter.incidents.diagnose import diagnose, plain_symptom
from driftmeter.incidents.distance import Bins, separation
from driftmeter.incidents.relations import Relations, correlation_shift, has_parted, is_plain
from driftmeter.incidents.texts import is_all_of_the_text, place_of
from driftmeter.incidents.vectors import moved_vectors
from driftmeter.incidents.words import shown
from driftmeter.monitors.config import Column, Monitor
from driftmeter.performance.error_cause import Learners

# So much of another column's change must be gone with the cause's own, to be its consequence.
SAME_CAUSE = 0.6
HARDLY_SHOWN = 0.3
SHOWN = 5
# So much of a factor, on a logarithmic scale, must lie between the days before some day and those
# from it on; and so many days tell whether it does.
LEAST_STEP = 0.7
FEWEST_BEFORE = 4
# A change of fewer rows than these is not why columns no longer go together.
FEW_ROWS = 0.15
# With fewer rows, a correlation that is quite another one may be within what chance makes of it.
ROWS_THAT_TELL = 150


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
    relations : Relations
        Of the features, in the whole reference.
    learners : Learners
        What `reference` makes one expect.
    before : callable or None
        Gives the rows of the days just before, with `DAY`; None where no such day is known.
    new_words : callable or None
        Gives words of a text of the day that the reference never had.
    """

    monitor: Monitor
    reference: pd.DataFrame
    rows: pd.DataFrame
    bins: Mapping[str, Bins]
    importance: Mapping[str, float]
    relations: Relations
    learners: Learners
    before: Callable[[], pd.DataFrame] | None = None
    new_words: Callable[[str], Sequence[str]] | None = None

    @cached_property
    def changes(self) -> dict[str, ColumnValues]:
        """Every monitored column's change."""
        return {
            name: ColumnValues(
                name,
                column,
                self.reference[name],
                self.rows[name],
                self.bins[name],
                is_predicted=name == self.monitor.prediction,
                examples=self._examples(column),
            )
            for name, column in self.monitor.columns.items()
        }

    def _examples(self, column: Column) -> Callable[[], Sequence[str]] | None:
        if self.new_words is None or column.of is None:
            return None
        return partial(self.new_words, column.of)

    @cached_property
    def plainly_changed(self) -> set[str]:
        """Columns whose change the rows at hand show, in alarm or not."""
        return {name for name, change in self.changes.items() if change.is_plain}

    def splitting(self, changes: Mapping[str, ColumnValues]) -> dict[str, ColumnValues]:
        """What may hold a change: categorical columns and declared segments, features or not."""
        category = Column(kind="categorical")
        # What is predicted and what comes true follow from the inputs, and hold no change of them.
        outcome = (self.monitor.target, self.monitor.prediction)
        of_columns = {
            name: change
            for name, change in changes.items()
            if change.column.kind == "categorical" and name not in outcome
        }
        of_segments = {
            name: ColumnValues(name, category, self.reference[column], self.rows[column])
            for name, column in self.monitor.segment_columns.items()
            if name not in of_columns and name != self.monitor.target
        }
        return {**of_columns, **of_segments}

    def has_step(self, symptom: Symptom, name: str, segment: str | None, value: object) -> bool:
        """Whether a factor came from one day to the next: units change at once, seasons do not.

        Parameters
        ----------
        segment, value : str or None
            Where the factor is, if it is not in all rows.
        """
        earlier = self.before() if self.before else None
        if earlier is None or earlier.empty:
            return True
        today = self.rows
        if segment is not None:
            column = self.monitor.segment_columns.get(segment, segment)
            earlier, today = (rows[rows[column] == value] for rows in (earlier, today))
        evidence = symptom.evidence.get("within", symptom.evidence)
        medians = earlier.groupby(DAY)[name].median().dropna().to_numpy(dtype=float)
        levels = np.append(medians, today[name].median()) * np.sign(evidence["median"])
        if len(levels) < FEWEST_BEFORE or not (levels > 0).all():
            return True
        logs = np.log(levels) * np.sign(np.log(evidence["factor"]))
        steps = [
            np.median(logs[place:]) - np.median(logs[:place])
            for place in range(FEWEST_BEFORE - 1, len(logs))
        ]
        return bool(max(steps) >= LEAST_STEP * abs(np.log(evidence["factor"])))

    def pair(
        self,
        together: Alarm | None = None,
        *,
        moved: Collection[str] = (),
        without: Collection[str] = (),
    ) -> Breach:
        """The pair of columns that no longer go together since today, as `correlation_shift`."""
        asked = partial(
            correlation_shift,
            self.relations,
            self.rows,
            together,
            moved=moved,
            without=without,
            every=self.monitor.every,
        )
        shift = asked(beside=[self.reference])
        if is_plain(shift) and self.before and len(earlier := self.before()):
            shift = asked(beside=[self.reference, earlier])
        return shift

    def inside(self, alarm: Alarm) -> tuple[Mask, Mask]:
        """Rows of the reference and of the day in an alarm's segment, monitored column or not."""
        column = self.monitor.segment_columns[str(alarm.segment)]
        reference, rows = (frame[column] == alarm.value for frame in (self.reference, self.rows))
        return reference.to_numpy(), rows.to_numpy()


@dataclass
class Root:
    """An alarm that no other explains, what is wrong with its column, and all that it moved."""

    alarm: Alarm
    symptom: Symptom
    columns: list[str]
    is_new: bool
    began_with_it: list[str] = field(default_factory=list)


def causes(day: Day, alarms: Sequence[Alarm], *, error_rose: bool = False) -> list[Breach]:
    """Breaches behind a day's alarms, the most important first.

    A column whose change is gone once another's is undone is that one's consequence, as are the
    prediction's of the features' and the label's of nothing here: what becomes of the label given
    the inputs is the error's to say. A column that is away from the reference has changed, whether
    it alarms anew or not; by itself it is no breach, but it explains what else is wrong.
    """
    roots = _roots(day, alarms)
    together = next((alarm for alarm in alarms if alarm.column is None), None)
    if not error_rose:
        roots = [root for root in roots if root.is_new]
    # What began today comes before what lasted, even if that moved more columns today.
    roots.sort(key=lambda root: not root.alarm.is_new)
    news = [root for root in roots if root.is_new]
    ranking = _ranking(alarms, day.importance)
    breaches = [_breach(day, root, ranking) for root in roots]
    if not (news or together or error_rose):
        return breaches
    told = [breach for breach in breaches if not breach.evidence.get("is_lasting")]
    lasting = [breach for breach in breaches if breach.evidence.get("is_lasting")]
    is_whole = any(
        root.alarm.segment is None and root.alarm.column != day.monitor.prediction for root in news
    )
    # Few rows that changed leave the rest to go together, or not.
    if is_whole and (together is None or any(is_broad(each) for each in told if not each.segment)):
        return breaches
    moved = day.plainly_changed | {alarm.column for alarm in alarms if alarm.column is not None}
    shift = day.pair(together, moved=moved)
    if is_plain(shift) and not any(_is_of_segment(day, each, shift.columns) for each in told):
        # Within segments a column changes with what it goes with.
        return [shift, *(breach for breach in told if is_whole and not breach.segment), *lasting]
    if together is None or told:
        return breaches
    vectors = moved_vectors(day.monitor, day.reference, day.rows, together)
    alone = None if vectors or is_plain(shift) else _most_of_it(day, together)
    return [vectors or (_breach(day, alone, ranking) if alone else shift), *lasting]


def _is_of_segment(day: Day, breach: Breach, pair: Sequence[str]) -> bool:
    """Whether a pair of columns goes together as ever in the rows outside of a breach's segment.

    Where these are too few to tell, columns that no longer go together within the segment changed
    everywhere: another unit of a segment leaves the order of its rows as it is.
    """
    if breach.segment is None:
        return False
    column = day.monitor.segment_columns.get(breach.segment, breach.segment)
    before, now = (rows[column] == breach.segment_value for rows in (day.reference, day.rows))
    outside, inside = (
        has_parted(day.relations, pair, day.reference[of_reference], day.rows[of_day])
        for of_reference, of_day in ((~before, ~now), (before, now))
    )
    can_tell = (~now).sum() >= ROWS_THAT_TELL
    return not outside and (bool(can_tell) or not inside)


def _most_of_it(day: Day, together: Alarm) -> Root | None:
    """The column that tells most of what all columns together tell; None where none does.

    The reference's own days may differ so widely in a column that it does not alarm by itself.
    """
    monitor, changes = day.monitor, day.changes
    inputs = {name: changes[name] for name in monitor.features if changes[name].is_plain}
    told = {name: separation(change.before, change.now) for name, change in inputs.items()}
    name = max(told, key=lambda name: told[name], default=None)
    if name is None or told[name] - 0.5 < SAME_CAUSE * (together.score - 0.5):
        return None
    alarm = replace(together, column=name)
    symptom = _diagnosed(day, alarm, changes[name], day.splitting(changes))
    return Root(alarm, symptom, [name], is_new=True)


def is_broad(breach: Breach) -> bool:
    """Whether a column changed in so many rows that its relations change with it."""
    if breach.kind == "correlation_shift":
        return False
    return float(breach.evidence.get("share_of_others", 1.0)) > FEW_ROWS


def _roots(day: Day, alarms: Sequence[Alarm]) -> list[Root]:
    """Each cause once, in the order of importance."""
    monitor, changes = day.monitor, day.changes
    splitting = day.splitting(changes)
    roots: list[Root] = []
    for alarm in _ordered(alarms, monitor, day.importance):
        assert alarm.column is not None
        if alarm.column == monitor.target:
            continue
        change = changes[alarm.column]
        root = next(
            (root for root in roots if _same_cause(day, change, root, changes, alarm)), None
        )
        if root is None and alarm.column == monitor.prediction:
            # What began today is not why something lasts, nor what lasts why something begins.
            root = next((root for root in roots if root.is_new == alarm.is_new), None)
        if root is None:
            symptom = _diagnosed(day, alarm, change, splitting)
            # Of columns that changed in one segment only, the segment is the cause.
            root = next((root for root in roots if _is_same_segment(root, symptom)), None)
        if root is None:
            roots.append(Root(alarm, symptom, [alarm.column], alarm.is_new))
        else:
            root.columns.append(alarm.column)
            if alarm.is_new or not root.alarm.is_new:
                # A column that left the reference before did not begin with it.
                root.began_with_it.append(alarm.column)
            root.is_new |= alarm.is_new
    return roots


def _is_same_segment(root: Root, symptom: Symptom) -> bool:
    where = (symptom.segment, symptom.value)
    is_of_segments = symptom.kind == root.symptom.kind == "segment"
    return is_of_segments and where == (root.symptom.segment, root.symptom.value)


def _ordered(
    alarms: Iterable[Alarm], monitor: Monitor, importance: Mapping[str, float]
) -> list[Alarm]:
    """Features before the prediction, all rows before segments, the plainest first.

    Of a column that is in alarm over all rows, its segments add nothing. What is derived of one
    text is together: another script has new words, and not the other way round.
    """
    columns = monitor.columns

    def strength(alarm: Alarm) -> float:
        return alarm.ratio * (1 + importance.get(str(alarm.column), 0.0))

    alarms = [alarm for alarm in alarms if alarm.column is not None]
    whole = {alarm.column for alarm in alarms if alarm.segment is None}
    kept = [alarm for alarm in alarms if alarm.segment is None or alarm.column not in whole]
    of_texts: dict[str | None, float] = {}
    for alarm in kept:
        text = columns[str(alarm.column)].of
        of_texts[text] = max(of_texts.get(text, 0.0), strength(alarm))
    return sorted(
        kept,
        key=lambda alarm: (
            alarm.column == monitor.prediction,
            alarm.segment is not None,
            -(of_texts[text] if (text := columns[str(alarm.column)].of) else strength(alarm)),
            place_of(columns[str(alarm.column)].measure),
            str(alarm.column),
            str(alarm.value),
        ),
    )


def _diagnosed(
    day: Day, alarm: Alarm, change: ColumnValues, splitting: Mapping[str, ColumnValues]
) -> Symptom:
    symptom = _explained(day, alarm, change, splitting)
    within = symptom.evidence.get("within", {}).get("kind", symptom.kind)
    if within != "unit_change":
        return symptom
    where = (symptom.segment, symptom.value) if symptom.kind == "segment" else (None, None)
    if day.has_step(symptom, change.name, *where):
        return symptom
    return _explained(day, alarm, replace(change, may_be_scaled=False), splitting)


def _explained(
    day: Day, alarm: Alarm, change: ColumnValues, splitting: Mapping[str, ColumnValues]
) -> Symptom:
    if alarm.segment is None:
        return diagnose(change, splitting)
    whole = plain_symptom(change)
    if whole is not None:
        # Too small to alarm over all rows, and yet it is in all of them.
        return diagnose(change, splitting)
    # The alarm is a segment's alone: what is wrong inside of it is the finding.
    reference, rows = day.inside(alarm)
    what = diagnose(change.inside(reference, rows), {})
    share = float(rows.mean())
    return Symptom(
        "segment",
        what.explained,
        f"{what.says}, only where {alarm.segment} = {shown(alarm.value)}: {share:.1%} of rows",
        {"share_of_rows": share, "within": {"kind": what.kind, **what.evidence}},
        segment=alarm.segment,
        value=alarm.value,
        subject=what.subject,
    )


def _same_cause(
    day: Day, change: ColumnValues, root: Root, changes: Mapping[str, ColumnValues], alarm: Alarm
) -> bool:
    """Whether a column's change goes when the root's is undone."""
    symptom = root.symptom
    text = change.column.of
    if change.name in root.columns:
        return True
    of_root = changes[root.columns[0]].column
    if text is not None and text == of_root.of and alarm.segment is None:
        is_whole = root.alarm.segment is None
        if is_whole and is_all_of_the_text(of_root.measure, symptom.kind):
            # Other texts came: what else is derived of them went with it.
            return True
    cause = changes[str(root.alarm.column)]
    if symptom.kind == "segment" or root.alarm.segment is not None:
        return (alarm.segment, alarm.value) == (symptom.segment, symptom.value)
    if alarm.segment is not None:
        inside = day.inside(alarm)
        change, cause = change.inside(*inside), cause.inside(*inside)
    weights, strange = weights_of(cause), plain_symptom(change)
    if strange is not None and strange.kind == "outliers":
        # A few absurd values hardly change a distribution: whose rows they are in tells.
        left, total = weights[strange.rows].sum(), weights.sum()
        return bool(total and left / total <= (1 - SAME_CAUSE) * strange.evidence["share"])
    # A change that the rows hardly show is put down to what is plain.
    explained = change.reweighted(weights)
    return explained >= SAME_CAUSE if change.is_plain else explained > HARDLY_SHOWN


def _ranking(
    alarms: Iterable[Alarm], importance: Mapping[str, float]
) -> list[dict[str, float | str]]:
    """Columns in alarm by score over threshold, weighed by what the prediction hangs on."""
    best: dict[str, float] = {}
    for alarm in alarms:
        if alarm.column is not None and alarm.is_new:
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
    return sorted(ranked, key=lambda row: (-float(row["weight"]), -float(row["score_ratio"])))


def _breach(day: Day, root: Root, ranking: Sequence[Mapping[str, float | str]]) -> Breach:
    alarm, symptom, name = root.alarm, root.symptom, root.columns[0]
    others = dict.fromkeys(other for other in root.began_with_it if other != name)
    more = f"; with it {listed([*others])}" if others else ""
    evidence = {
        **symptom.evidence,
        "explained": symptom.explained,
        "score": alarm.score,
        "threshold": alarm.threshold,
        "ranking": list(ranking),
        "segments": _by_segment(day, name, symptom),
        **({} if root.is_new else {"is_lasting": True}),
    }
    return Breach(
        kind=symptom.kind,
        diagnosis=f"{symptom.subject or name} {symptom.says}{more}"
        f"{'' if root.is_new else f', as {day.monitor.cadence.before}'}.",
        column_name=name,
        columns=tuple(dict.fromkeys(root.columns)),
        segment=symptom.segment if symptom.kind == "segment" else None,
        segment_value=symptom.value if symptom.kind == "segment" else None,
        strength=alarm.ratio,
        evidence=evidence,
    )


def _by_segment(day: Day, name: str, symptom: Symptom) -> dict[str, object]:
    """The change of the column's telling share or mean, split over each declared segment."""
    change = ColumnValues(name, day.monitor.columns[name], day.reference[name], day.rows[name])
    metric, before, now = _telling(change, symptom)
    split: dict[str, object] = {"metric": metric, "change": float(now.mean() - before.mean())}
    for segment, column in day.monitor.segment_columns.items():
        if segment == name:
            continue
        parts = decompose(before, day.reference[column], now, day.rows[column])
        split[segment] = [vars(part) for part in parts[:SHOWN]]
    return split


def _telling(
    change: ColumnValues, symptom: Symptom
) -> tuple[str, "pd.Series[float]", "pd.Series[float]"]:
    """The mean over rows that the finding is about: missing, one value's, or the number itself."""
    before, now = change.reference, change.day
    if symptom.kind in ("missing_values", "schema_change"):
        return "missing share", before.isna().astype(float), now.isna().astype(float)
    if change.column.kind == "categorical":
        moved = symptom.evidence.get("values") or {symptom.value: 1}
        value = next(iter(moved))
        return (
            f"share of {shown(value)}",
            (before == value).astype(float),
            (now == value).astype(float),
        )
    # Ranks of the reference: an absurd value would carry every mean.
    return (
        "mean rank in the reference",
        pd.Series(change.reference_rank),
        pd.Series(change.day_rank),
    )
