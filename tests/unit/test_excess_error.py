"""By how much a day is more wrong than its inputs explain: found where it is, calm where not."""

import datetime as dt
from collections.abc import Mapping

import numpy as np
import pandas as pd
import pytest

from driftmeter.monitors.config import Monitor
from driftmeter.performance.daily_error import DayError
from driftmeter.performance.estimator import Estimator

SEED = 20261130
ROWS, DRAWS = 400, 40
MONITOR = Monitor.model_validate(
    {
        "name": "m",
        "owner": "team",
        "task": "regression",
        "timestamp": "at",
        "id": "id",
        "prediction": "predicted",
        "target": "actual",
        "model_version": "version",
        "features": {"miles": {"kind": "numerical"}},
        "reference": {"from": "2019-02-01", "to": "2019-03-17"},
    }
)


def day_of(generator: np.random.Generator, rise: float = 1.0) -> pd.DataFrame:
    """Trips of which a few are long, and as wrong as they are long."""
    miles = generator.lognormal(0.8, 1.2, ROWS)
    predicted = 3 * miles + 4
    error = 0.3 * predicted * generator.normal(0, 1, ROWS)
    return pd.DataFrame(
        {"miles": miles, "predicted": predicted, "actual": predicted + rise * error}
    )


def reference(rise: float = 1.0) -> Mapping[dt.date, pd.DataFrame]:
    generator = np.random.default_rng(SEED)
    return {day: day_of(generator, rise) for day in MONITOR.reference_batches}


@pytest.fixture(scope="module")
def estimator() -> Estimator:
    return Estimator(MONITOR, reference())


def surprises(estimator: Estimator, rise: float) -> list[DayError]:
    generator = np.random.default_rng(SEED + 1)
    rows = [estimator.expect(day_of(generator, rise)) for _ in range(DRAWS)]
    later = [dt.date(2019, 4, 1) + dt.timedelta(days=place) for place in range(DRAWS)]
    found = [estimator.surprise(*each) for each in zip(rows, later, strict=True)]
    return [each for each in found if each is not None]


def test_a_day_whose_errors_are_all_a_fifth_larger_is_found_though_few_trips_are_long(
    estimator: Estimator,
) -> None:
    found = surprises(estimator, 1.2)
    assert len(found) == DRAWS
    assert np.mean([each.value for each in found]) == pytest.approx(0.2, abs=0.03)
    # At the level that an error has at a budget of one a month.
    assert np.mean([each.p_value < 0.003 for each in found]) >= 0.9


def test_days_as_those_of_the_reference_are_calm(estimator: Estimator) -> None:
    found = surprises(estimator, 1.0)
    assert abs(np.mean([each.value for each in found])) < 0.03
    assert np.mean([each.p_value < 0.05 for each in found]) <= 0.2


def test_a_model_that_is_never_wrong_has_no_day_that_is_more_so() -> None:
    exact = Estimator(MONITOR, reference(0.0))
    assert all(each.p_value > 0.05 for each in surprises(exact, 0.0))
