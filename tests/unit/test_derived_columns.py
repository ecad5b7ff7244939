"""What is derived of texts and vectors: columns of a monitor, and sentences of its incidents."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from driftmeter.incidents import diagnose as rules
from driftmeter.incidents.alarm import Alarm
from driftmeter.incidents.change import ColumnValues
from driftmeter.incidents.diagnose import RULES, Explanations, diagnose
from driftmeter.incidents.vectors import moved_vectors
from driftmeter.monitors.config import Column, Monitor
from driftmeter.monitors.derived_columns import projected_names
from tests.cases import over

DECLARED: dict[str, Any] = {
    "name": "stays",
    "owner": "team",
    "task": "regression",
    "timestamp": "at",
    "id": "stay",
    "prediction": "score",
    "model_version": "version",
    "features": {
        "review": {"kind": "text", "max_null_share": 0.1},
        "embedding": {"kind": "vector"},
        "nights": {"kind": "numerical"},
    },
    "reference": {"from": "2026-01-01", "to": "2026-02-28"},
}
MONITOR = Monitor.model_validate(DECLARED)
ROWS = 1000


def test_a_text_and_a_vector_are_the_columns_derived_of_them() -> None:
    assert list(MONITOR.columns) == [
        "review: length",
        "review: new words",
        "review: script",
        "review: language",
        "embedding: norm",
        "nights",
        "score",
    ]
    assert MONITOR.table_columns == ["review", "embedding", "nights", "score"]
    assert MONITOR.declared_features == ["review", "embedding", "nights"]
    assert MONITOR.columns["review: length"].max_null_share == 0.1
    assert MONITOR.columns["review: script"].max_null_share == 1.0
    assert MONITOR.compared_together[-8:] == projected_names("embedding")
    again = Monitor.model_validate(MONITOR.model_dump(by_alias=True))
    assert again == MONITOR
    assert again.config_hash == MONITOR.config_hash


def test_attributions_are_of_the_declared_feature() -> None:
    monitor = Monitor.model_validate({**DECLARED, "attributions": {"prefix": "shap_"}})
    assert list(monitor.metrics) == ["shap_review", "shap_embedding", "shap_nights"]
    assert monitor.attributed("shap_review") == "review"


@over(
    ("features", "says"),
    [
        ({"review": {"kind": "prose"}}, "is numerical, categorical, text or vector"),
        ({"review": {"kind": "text", "range": [0, 1]}}, "a text has no `range`, only"),
        ({"review": {"kind": "text"}, "review: length": {"kind": "numerical"}}, "beside it"),
        ({"score": {"kind": "text"}}, "is among the features too"),
    ],
)
def test_what_no_text_can_be_is_refused(features: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        Monitor.model_validate({**DECLARED, "features": features})


def change_of(name: str, before: object, now: object, **more: Any) -> ColumnValues:
    return ColumnValues(name, MONITOR.columns[name], pd.Series(before), pd.Series(now), **more)


def lengths(middle: float) -> "np.ndarray[Any, np.dtype[np.float64]]":
    return np.random.default_rng(5).lognormal(np.log(middle), 0.4, ROWS)


def written(**shares: float) -> list[str | None]:
    names: list[str | None] = []
    for name, share in shares.items():
        names += [None if name == "missing" else name.replace("_", "-")] * round(share * ROWS)
    return names


@pytest.mark.parametrize(
    ("name", "before", "now", "sentence", "kind"),
    [
        (
            "review: length",
            lengths(128),
            lengths(410),
            r"review is now 3.2 times as long: median \d+ characters, reference 1\d\d",
            "shape_shift",
        ),
        (
            "review: new words",
            np.random.default_rng(5).binomial(50, 0.04, ROWS) / 50,
            np.random.default_rng(6).binomial(50, 0.34, ROWS) / 50,
            r"3[34]\.\d% of the words of review never occurred in the reference period, usually"
            r" [34]\.\d%: for example 'flurble', 'wug'",
            "shape_shift",
        ),
        (
            "review: new words",
            np.random.default_rng(5).binomial(50, 0.1, ROWS) / 50,
            np.random.default_rng(6).binomial(50, np.resize([0.02, 0.17], ROWS)) / 50,
            r"review has another share of new words: half of its texts have 2\.0% to 16\.0%,"
            r" reference 6\.0% to 12\.0%; median [689]\.0%, reference 10\.0%",
            "shape_shift",
        ),
        (
            "review: script",
            written(Latin=1),
            written(Latin=0.88, Cyrillic=0.12),
            r"review is now in Cyrillic script in 12\.0% of rows, reference 0\.0%",
            "unseen_category",
        ),
        (
            "review: script",
            written(Latin=1),
            written(Cyrillic=1),
            r"review is now in Cyrillic script in 100\.0% of rows, reference 0\.0%",
            "unseen_category",
        ),
        (
            "review: language",
            written(en=0.9, de=0.1),
            written(en=0.7, de=0.3),
            r"review is now in German in 30\.0% of rows, reference 10\.0%",
            "mix_shift",
        ),
        (
            "review: length",
            lengths(100),
            np.where(np.arange(ROWS) % 5 == 0, np.nan, lengths(100)),
            r"review is missing or blank in 20\.0% of rows, reference 0\.0%",
            "missing_values",
        ),
    ],
)
def test_each_change_of_a_text_has_its_sentence(
    name: str, before: object, now: object, sentence: str, kind: str
) -> None:
    change = change_of(name, before, now, examples=lambda: ["flurble", "wug"])
    found = diagnose(change, {name: change})
    assert found.kind == kind
    told = f"{found.subject or name} {found.says}"
    assert pd.Series([told]).str.fullmatch(sentence).all(), told


def test_the_rule_of_texts_comes_before_those_of_any_column() -> None:
    change = change_of("review: script", written(Latin=1), written(Latin=0.6, Greek=0.4))
    found = Explanations(change, {change.name: change})
    both = [rule for rule in RULES if rule in (rules._another_text, rules._wrong_rows)]
    assert [rule.__name__ for rule in both if rule(found)] == ["_another_text", "_wrong_rows"]
    plain = change_of("nights", lengths(3), lengths(9))
    assert rules._another_text(Explanations(plain, {})) is None


def test_a_change_of_one_segment_is_told_of_it_in_the_same_words() -> None:
    channel = pd.Series(np.where(np.arange(ROWS) % 5 == 0, "app", "web"))
    segment = ColumnValues("channel", Column(kind="categorical"), channel, channel)
    now = np.where(channel == "app", lengths(400), lengths(100))
    change = change_of("review: length", lengths(100), now)
    found = diagnose(change, {"channel": segment})
    assert found.kind == "segment"
    assert found.subject == "review"
    assert found.says.startswith("is now 4 times as long: median")
    assert "only where channel = app: 20.0% of rows" in found.says


@pytest.mark.parametrize("shift", [0.0, 1.0])
def test_vectors_that_moved_are_named(shift: float) -> None:
    generator, names = np.random.default_rng(3), projected_names("embedding")
    before, now = (
        pd.DataFrame(generator.normal(size=(ROWS, len(names))), columns=names) for _ in range(2)
    )
    now[names[2]] += shift
    now.loc[0, names] = np.nan
    found = moved_vectors(MONITOR, before, now, Alarm(None, score=0.7, threshold=0.6))
    assert (found is not None) == bool(shift)
    if found:
        assert found.diagnosis.startswith("embedding has moved: the mean of its vectors is ")
        assert found.evidence["deviations"] == pytest.approx(1.0, abs=0.1)
