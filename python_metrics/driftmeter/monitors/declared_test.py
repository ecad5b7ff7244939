"""One test of a monitor's days, as its YAML declares it."""

from typing import Literal

from pydantic import Field, FiniteFloat, model_validator

from driftmeter.monitors.strict import Strict

# What a test is of: a number, a category, any column, the whole row, or the model's errors.
Subject = Literal["number", "category", "column", "row", "regression", "classification"]
SUBJECTS: dict[str, Subject] = {
    "missing_share": "column",
    "drift": "column",
    "mean": "number",
    "median": "number",
    "quantile": "number",
    "std": "number",
    "min": "number",
    "max": "number",
    "out_of_range_share": "number",
    "unaccepted_share": "category",
    "row_count": "row",
    "duplicated_rows": "row",
    "drifted_share": "row",
    "mae": "regression",
    "rmse": "regression",
    "mape": "regression",
    "accuracy": "classification",
    "precision": "classification",
    "recall": "classification",
    "f1": "classification",
    "roc_auc": "classification",
    "log_loss": "classification",
}
# Tests of the model's errors look at labelled rows alone; those of drift at the reference too.
OF_MODEL = ("regression", "classification")
# Of several classes too: their mean over the classes, where they are of one class.
OF_CLASSES = ("accuracy", "precision", "recall", "f1")
AGAINST_REFERENCE = ("drift", "drifted_share")


class DeclaredTest(Strict):
    """A test with its condition.

    Attributes
    ----------
    test : str
        One of `SUBJECTS`.
    column : str, optional
        Of tests of a column.
    at_least, at_most, equals : float, optional
    between : tuple of float, optional
        Lowest and highest, both included. Exactly one condition is given.
    quantile : float, optional
        Of test ``quantile``, 0 to 1.
    severity : {'warn', 'error'}
        An error fails `driftmeter test`, a warning only with --strict.
    """

    test: str
    column: str | None = None
    at_least: FiniteFloat | None = None
    at_most: FiniteFloat | None = None
    between: tuple[FiniteFloat, FiniteFloat] | None = None
    equals: FiniteFloat | None = None
    quantile: float | None = Field(default=None, ge=0, le=1)
    severity: Literal["warn", "error"] = "warn"

    @model_validator(mode="after")
    def _is_whole(self) -> "DeclaredTest":
        if self.test not in SUBJECTS:
            raise ValueError(f"there is no test {self.test!r}; use one of {', '.join(SUBJECTS)}")
        conditions = [self.at_least, self.at_most, self.between, self.equals]
        if sum(condition is not None for condition in conditions) != 1:
            raise ValueError(
                f"`{self.test}` needs one of at_least, at_most, between and equals, and only one"
            )
        if self.between and self.between[0] > self.between[1]:
            raise ValueError(f"`{self.test}`: between is [lowest, highest]")
        is_of_column = SUBJECTS[self.test] in ("number", "category", "column")
        if is_of_column != (self.column is not None):
            raise ValueError(
                f"`{self.test}` {'needs a column' if is_of_column else 'is of no single column'}"
            )
        if (self.test == "quantile") != (self.quantile is not None):
            raise ValueError(
                "`quantile` needs quantile, 0 to 1"
                if self.test == "quantile"
                else f"`{self.test}` has no quantile"
            )
        return self

    @property
    def name(self) -> str:
        """Name in ``metrics.test_results``, one for each test and condition of a column."""
        level = f" {self.quantile:g}" if self.quantile is not None else ""
        return f"{self.test}{level} {self.condition}"

    def holds(self, value: float) -> bool:
        """Whether a value meets the condition, its limits included."""
        low, high = self.between or (self.at_least, self.at_most)
        return (
            (low is None or value >= low)
            and (high is None or value <= high)
            and (self.equals is None or value == self.equals)
        )

    @property
    def condition(self) -> str:
        """The condition for people."""
        if self.between is not None:
            return f"between {self.between[0]:g} and {self.between[1]:g}"
        if self.at_least is not None:
            return f"at least {self.at_least:g}"
        return f"at most {self.at_most:g}" if self.at_most is not None else f"{self.equals:g}"
