"""What an error of several classes is about: each rule's sentence, and which comes first."""

import datetime as dt
import re
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from driftmeter.incidents.alarm import Alarm
from driftmeter.incidents.cause import Day
from driftmeter.incidents.classes import RULES, Classes
from driftmeter.incidents.day import breaches_of_rows
from driftmeter.incidents.distance import fit_bins
from driftmeter.incidents.importance import feature_importance
from driftmeter.incidents.relations import fit_relations
from driftmeter.performance.alarms import ErrorAlarm
from driftmeter.performance.error_cause import Learners
from tests.cards import DAY, REFERENCE, monitor, rows

Fault = Callable[[pd.DataFrame], pd.DataFrame]
MONITOR = monitor()
COLUMNS = [*MONITOR.columns]
SEEN = pd.concat([rows(day, 200) for day in REFERENCE[:20]], ignore_index=True)[COLUMNS]


def day_of(now: pd.DataFrame) -> Day:
    days = np.repeat(np.arange(20), 200)
    bins = {name: fit_bins(column.kind, SEEN[name]) for name, column in MONITOR.columns.items()}
    relations = fit_relations(MONITOR.features, SEEN, days)
    importance = feature_importance(MONITOR, SEEN)
    return Day(MONITOR, SEEN, now[COLUMNS], bins, importance, relations, Learners(MONITOR, SEEN))


def every_third(frame: pd.DataFrame) -> np.ndarray:
    return np.arange(len(frame)) % 3 == 0


def a_new_label(frame: pd.DataFrame) -> pd.DataFrame:
    """And two classes confused in the other rows."""
    is_new = np.arange(len(frame)) % 3 == 1
    return confused(frame.assign(actual=frame["actual"].mask(is_new, "crypto")))


def a_class_gone(frame: pd.DataFrame) -> pd.DataFrame:
    """Whose rows get another one, so that they are confused too."""
    predicted = frame["predicted"].replace("upmarket", "highstreet")
    return frame.assign(predicted=predicted)


def confused(frame: pd.DataFrame) -> pd.DataFrame:
    is_other = (frame["actual"] == "prepaid") & every_third(frame)
    return frame.assign(predicted=frame["predicted"].mask(is_other, "highstreet"))


def alike(frame: pd.DataFrame) -> pd.DataFrame:
    return frame


# Fault, the rules that apply, and what the first says.
TABLE: list[tuple[Fault, list[str], str]] = [
    (
        a_new_label,
        ["_new_class", "_confused_classes"],
        "`crypto` came true in 33.3% of rows, which the reference never had",
    ),
    (
        a_class_gone,
        ["_vanished_class", "_confused_classes"],
        "`upmarket` is no longer predicted, reference ",
    ),
    (
        confused,
        ["_confused_classes"],
        "`highstreet` is now predicted for `prepaid` in ",
    ),
    (alike, [], ""),
]


@pytest.mark.parametrize(("fault", "applying", "says"), TABLE)
def test_the_first_rule_that_applies_ends_the_sentence_of_the_loss(
    fault: Fault, applying: list[str], says: str
) -> None:
    now = fault(rows(DAY, 1000))
    named = {"actual": "actual", "predicted": "predicted"}
    classes = Classes(SEEN[[*named]], now[[*named]], frozenset(SEEN["actual"]))
    assert [rule.__name__ for rule in RULES if rule(classes) is not None] == applying
    error = ErrorAlarm("error rate", 0.5, 0.25, 1e-9, 1e-3, len(now))
    (breach, *_) = breaches_of_rows(day_of(now), [], error)
    assert breach.diagnosis.startswith("The error rate rose to 0.5, reference 0.25")
    assert says in breach.diagnosis
    assert ("classes" in breach.evidence) == bool(applying)
    if applying:
        assert breach.evidence["classes"]["rule"] == applying[0].removeprefix("_")


def test_rules_are_in_the_order_on_record() -> None:
    names = [rule.__name__ for rule in RULES]
    assert names == ["_new_class", "_vanished_class", "_confused_classes"]


def test_two_confused_classes_are_named_with_both_shares() -> None:
    now = confused(rows(DAY, 1000))
    (breach,) = breaches_of_rows(
        day_of(now), [], ErrorAlarm("error rate", 0.5, 0.25, 1e-9, 1e-3, len(now))
    )
    of_prepaid = now[now["actual"] == "prepaid"]
    before = SEEN[SEEN["actual"] == "prepaid"]
    share, was = (
        float((each["predicted"] == "highstreet").mean()) for each in (of_prepaid, before)
    )
    said = (
        f"`highstreet` is now predicted for `prepaid` in {share:.0%} of rows with that label,"
        f" reference {was:.0%}"
    )
    assert said in breach.diagnosis
    assert breach.evidence["classes"]["share"] == pytest.approx(share)


@pytest.mark.parametrize(
    ("fault", "kind", "says"),
    [
        (
            a_class_gone,
            "mix_shift",
            r"^predicted is no longer upmarket: none of 1,000 rows, reference \d+\.\d%\.$",
        ),
        (
            lambda frame: frame.assign(predicted=frame["predicted"].mask(every_third(frame), "x")),
            "unseen_category",
            r"^predicted has 'x' in 33\.4% of rows, which the reference never had\.$",
        ),
    ],
)
def test_a_predicted_class_that_is_new_or_gone_is_told_without_labels(
    fault: Fault, kind: str, says: str
) -> None:
    day = day_of(fault(rows(DAY, 1000)))
    alarm = Alarm("predicted", None, None, 1.0, 0.1)
    (breach,) = breaches_of_rows(day, [alarm], None)
    assert breach.kind == kind
    assert re.match(says, breach.diagnosis.split(";")[0] + ("." * (";" in breach.diagnosis)))


def test_predictions_of_another_model_are_far_from_those_that_inputs_had() -> None:
    calm, now = rows(DAY, 1000), rows(DAY + dt.timedelta(days=1), 1000)
    learners = Learners(MONITOR, SEEN)
    other = now.assign(predicted=np.roll(now["predicted"], 1))

    def ratio(frame: pd.DataFrame) -> float:
        asked = learners.encode(frame)
        return float(learners.off(frame, asked).mean() / learners.usually_off(asked))

    assert ratio(calm) == pytest.approx(1, abs=0.15)
    assert ratio(other) > 1.5
    assert feature_importance(MONITOR, SEEN)["income"] > 0.9
