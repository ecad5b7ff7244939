"""Breaches of the error: realised by labels, or estimated while labels are still to come.

A loss is told by itself, before all else: the columns that changed on its day are its possible
cause, and have breaches of their own. What it is put down to is the first of `RULES` that applies.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

import pandas as pd

from driftmeter.incidents.alarm import Alarm
from driftmeter.incidents.breach import Breach
from driftmeter.incidents.cause import Day, is_broad
from driftmeter.incidents.classes import Classes, ClassFinding, of_classes
from driftmeter.incidents.relations import is_plain
from driftmeter.incidents.words import amount, told_apart
from driftmeter.monitors.config import Monitor
from driftmeter.performance.alarms import ErrorAlarm, EstimatedAlarm
from driftmeter.performance.cost import Cost
from driftmeter.performance.daily_error import CAPPED
from driftmeter.performance.error_cause import OTHER_MODEL_RATIO, ErrorCause, cause_of_error
from driftmeter.performance.losses import cap_of, row_losses

# An alarm so little over its threshold does not explain an error that rose plainly.
FAINT_RATIO = 1.3


@dataclass(frozen=True)
class Loss:
    """A day whose error is an alarm, and all that may have caused it.

    Attributes
    ----------
    alarms : sequence of Alarm
        Columns that are away from the reference, new or not.
    found : sequence of Breach
        Of these columns, the most important first.
    """

    day: Day
    error: ErrorAlarm
    alarms: Sequence[Alarm]
    found: Sequence[Breach]

    @cached_property
    def changed(self) -> set[str]:
        """Features that are away from the reference."""
        return {str(a.column) for a in self.alarms if a.column in self.day.monitor.features}

    @cached_property
    def of_model(self) -> ErrorCause:
        """What learners of the reference make of the day."""
        return cause_of_error(self.day.monitor, self.day.learners, self.day.rows, self.changed)

    @cached_property
    def of_inputs(self) -> Breach | None:
        """The most important change of the inputs, if a change of theirs leads."""
        first = next(iter(self.found), None)
        return first if first and is_of_inputs(first, self.day.monitor) else None

    @cached_property
    def pair(self) -> Breach:
        """The pair of columns whose relation changed most, of those that did not change alone."""
        # A column that changed in many rows goes with the others in another way for that alone.
        # What has lasted did so when they still went together.
        news = [breach for breach in self.found if not breach.evidence.get("is_lasting")]
        broad = {name for breach in news if is_broad(breach) for name in breach.columns}
        return self.day.pair(moved=self.day.plainly_changed | self.changed, without=broad)

    @cached_property
    def of_classes(self) -> ClassFinding | None:
        """Which of several classes it is about."""
        monitor, target = self.day.monitor, str(self.day.monitor.target)
        if monitor.task != "multiclass":
            return None

        def labelled(rows: pd.DataFrame) -> pd.DataFrame:
            named = {target: "actual", monitor.prediction: "predicted"}
            return rows[[*named]].dropna().rename(columns=named).astype(str)

        known = frozenset(self.day.bins[target].categories or ())
        return of_classes(Classes(labelled(self.day.reference), labelled(self.day.rows), known))

    @cached_property
    def is_carried(self) -> bool:
        """Whether the rows that changed are enough for the rise, were each as wrong as rows get.

        Values that are wrong may make each row more wrong than any was in the reference; values
        that only moved may not.
        """
        assert self.of_inputs is not None
        monitor, before = self.day.monitor, self.day.reference
        if self.of_inputs.family != "distribution":
            return True
        share = float(self.of_inputs.evidence.get("share_of_others", 1.0))
        labelled = before[before[str(monitor.target)].notna()]
        most = cap_of(monitor, row_losses(monitor, labelled), CAPPED)
        rise = self.error.error - self.error.expected
        return share * (most - self.error.expected) >= rise

    @cached_property
    def is_unknown(self) -> bool:
        """Whether the model never had such inputs, and they are new with the error.

        A mix of known rows is within what the model knows, a faint change explains no plain rise,
        and what has lasted came without this error before.
        """
        assert self.of_inputs is not None
        is_mix = self.of_inputs.kind == "mix_shift"
        is_faint = self.of_inputs.strength < FAINT_RATIO
        return not (is_mix or is_faint or self.of_inputs.evidence.get("is_lasting"))


def _inputs_never_seen(loss: Loss) -> Breach | None:
    is_cause = loss.of_inputs is not None and loss.is_unknown and loss.is_carried
    return loss.of_inputs if is_cause else None


def _pair_never_seen(loss: Loss) -> Breach | None:
    # Inputs that never went together so are new to any model.
    return loss.pair if is_plain(loss.pair) else None


def _inputs_that_are_harder(loss: Loss) -> Breach | None:
    if loss.of_inputs is None or not loss.is_carried:
        return None
    is_other_model = loss.of_model.prediction_ratio >= OTHER_MODEL_RATIO
    is_explained = not is_other_model and loss.of_model.kind == "performance_drop"
    return loss.of_inputs if is_explained else None


# What an error is put down to, in order; where none of them applies, it is the model or what comes
# true (`error_cause`).
RULES: tuple[Callable[[Loss], Breach | None], ...] = (
    _inputs_never_seen,
    _pair_never_seen,
    _inputs_that_are_harder,
)


def of_loss(loss: Loss) -> Breach:
    """The breach of a day whose realised error is an alarm."""
    error, monitor = loss.error, loss.day.monitor
    cause = next((cause for rule in RULES if (cause := rule(loss)) is not None), None)
    told = loss.of_classes
    about = f"; {told.says}" if told else ""
    evidence = {**_plain(error), **({"classes": told.evidence} if told else {})}
    rose, expected = told_apart(error.error, error.expected)
    over = _over(error.days, monitor)
    sentence = f"The {error.metric} rose to {rose}{over}, {error.beside} {expected}"
    costs = _costs(error.cost)
    if cause is not None:
        if cause is _inputs_that_are_harder(loss):
            sentence = f"{sentence}: {loss.of_model.reason}"
        strength = error.error / error.expected
        return _breach(monitor, f"{sentence}{about}", strength, evidence, cause, costs)
    by_model = loss.of_model
    return Breach(
        by_model.kind,
        f"{sentence}: {by_model.reason}{about}{costs}.",
        column_name=monitor.target if by_model.kind == "concept_drift" else monitor.prediction,
        columns=(str(monitor.target), monitor.prediction),
        strength=error.error / error.expected,
        evidence={
            **evidence,
            "prediction_ratio": by_model.prediction_ratio,
            "explained_by_inputs": by_model.explained_by_inputs,
        },
    )


def of_estimate(monitor: Monitor, estimate: EstimatedAlarm, found: Sequence[Breach]) -> Breach:
    """The breach of a day whose error is too high by estimate."""
    value, expected = told_apart(estimate.value, estimate.expected)
    lower, upper = told_apart(estimate.lower, estimate.upper)
    over = _over(estimate.window_days, monitor)
    sentence = (
        f"The {estimate.metric} is estimated at {value} ({lower} to {upper}){over}"
        f", reference {expected}; its labels are still to come"
    )
    cause = next((breach for breach in found if is_of_inputs(breach, monitor)), None)
    evidence = {"estimate": _plain(estimate)}
    strength, costs = estimate.value / estimate.expected, _costs(estimate.cost)
    return _breach(monitor, sentence, strength, evidence, cause, costs)


def _costs(cost: Cost | None) -> str:
    """What a loss costs, for the end of its sentence."""
    if cost is None:
        return ""
    sign = 1 if cost.amount > 0 else -1
    bounds = sorted(sign * bound for bound in (cost.lower, cost.upper) if bound is not None)
    between = f" ({' to '.join(map(amount, bounds))})" if bounds else ""
    told = f"{amount(abs(cost.amount), cost.unit)} a day{between}"
    # Worse predictions need not cost: what is worth most may be right more often.
    return f"; it costs about {told}" if sign > 0 else f"; it is worth about {told} more"


def _plain(alarm: ErrorAlarm | EstimatedAlarm) -> dict[str, Any]:
    """An alarm's fields as evidence keeps them; one without a cost says nothing of it."""
    kept = asdict(alarm)
    return kept if alarm.cost else {name: kept[name] for name in kept if name != "cost"}


def _over(days: int, monitor: Monitor) -> str:
    return f" over the last {monitor.cadence.counted(days)}" if days > 1 else ""


def _breach(
    monitor: Monitor,
    sentence: str,
    strength: float,
    evidence: Mapping[str, Any],
    cause: Breach | None,
    costs: str,
) -> Breach:
    """A breach of the error, with the change of the inputs that is its possible cause."""
    more, because = "", {}
    if cause is not None:
        more = f". Possible cause: {cause.diagnosis.removesuffix('.')}"
        because = {"cause": {"kind": cause.kind, "columns": list(cause.columns)}}
    return Breach(
        "performance_drop",
        f"{sentence}{costs}{more}.",
        column_name=monitor.prediction,
        columns=(str(monitor.target), monitor.prediction),
        strength=strength,
        evidence={**evidence, **because},
    )


def of_other_predictions(day: Day, breach: Breach) -> Breach:
    """The breach of predictions that changed alone, with how far they are from the model's."""
    by_model = cause_of_error(day.monitor, day.learners, day.rows)
    if by_model.prediction_ratio < OTHER_MODEL_RATIO:
        return breach
    return replace(
        breach,
        diagnosis=f"{breach.diagnosis.removesuffix('.')}; {by_model.reason}.",
        evidence={**breach.evidence, "prediction_ratio": by_model.prediction_ratio},
    )


def is_of_inputs(breach: Breach, monitor: Monitor) -> bool:
    """Whether a breach is of features, and not of the prediction or of the rows as a whole."""
    if breach.kind == "correlation_shift":
        # The classifier sees labels too: without a pair of inputs it is their relation that went.
        return is_plain(breach)
    return breach.column_name in monitor.features
