"""Rows of the metrics schema that the drift step writes."""

import datetime as dt
from dataclasses import dataclass, field


@dataclass(frozen=True)
class ColumnDrift:
    """One column of one day against the reference; a row of ``metrics.drift``.

    Attributes
    ----------
    column_name : str or None
        None for the whole row: the share of columns that drifted.
    engine : str
        Which engine computed the row; of one that says why nothing was, which would have.
    method : str or None
        Evidently's name of the method; None where nothing was compared.
    score : float or None
        A distance, or for a method that ends in ``p_value`` a probability.
    threshold : float or None
        Distances at or above it, and probabilities below it, are drift.
    n_reference, n_current : int
        Known, finite values that were compared; rows for the whole row.
    status : {'ok', 'skipped', 'error'}
        With a reason wherever it is not ok.
    """

    column_name: str | None
    n_reference: int
    n_current: int
    engine: str
    method: str | None = None
    score: float | None = None
    threshold: float | None = None
    p_value: float | None = None
    is_drifted: bool | None = None
    status: str = "ok"
    reason: str | None = None


# Evidently's default verdict on drift as a test, beside the calibrated one.
DEFAULT_DRIFT = "drift"


@dataclass(frozen=True)
class TestOutcome:
    """One test of a day, of one column or the whole row; a row of ``metrics.test_results``."""

    column_name: str | None
    test: str
    status: str
    observed: float | None
    expected: str
    reason: str | None = None
    severity: str = "warn"

    # pytest would take the name for a class of tests.
    __test__ = False

    @property
    def is_comparison(self) -> bool:
        """Whether it is Evidently's default verdict on drift, which decides nothing."""
        return self.test == DEFAULT_DRIFT


@dataclass(frozen=True)
class PartitionResult:
    """The results of one day of one monitor; a row of ``metrics.partitions``."""

    monitor: str
    day: dt.date
    state: str
    row_count: int
    duration_seconds: float
    drift: tuple[ColumnDrift, ...] = field(default=())
    tests: tuple[TestOutcome, ...] = field(default=())

    @property
    def failing_tests(self) -> list[TestOutcome]:
        """Outcomes that are not a pass, as view ``metrics.failing_tests`` has them."""
        failing = [test for test in self.tests if test.status in ("fail", "error")]
        return [test for test in failing if not test.is_comparison]
