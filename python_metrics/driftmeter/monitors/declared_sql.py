"""What a team computes of its rows in SQL of its own: metrics of a day, and what a row is worth."""

import re
from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    Field,
    FiniteFloat,
    model_validator,
)

from driftmeter.monitors.strict import Strict

# What SQL between other words may hold: comments, texts, quoted names and dollar-quoted texts.
QUOTED = re.compile(
    r"--[^\n]*|/\*.*?\*/|[eE]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\""
    r"|(\$(?:[A-Za-z_]\w*)?\$).*?\1",
    re.DOTALL,
)
OUTCOMES = ("true_positive", "false_positive", "false_negative", "true_negative")


def _expression(text: str) -> str:
    """Refuse what is not a single expression over the rows of a day.

    The SQL is the team's own and trusted like a dbt model. What is refused would end the statement
    that it is put into, or read rows whose changes nobody would notice.
    """
    plain = QUOTED.sub(lambda found: " " if found[0][:2] in ("--", "/*") else " quoted ", text)
    depth = 0
    for character in plain:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if depth < 0:
            break
    if not plain.strip():
        raise ValueError("is empty: write an SQL expression")
    if ";" in plain:
        raise ValueError("has a semicolon: write a single SQL expression")
    if depth or "'" in plain or '"' in plain or "/*" in plain or "*/" in plain:
        raise ValueError("has a bracket, quote or comment that is not closed, or not opened")
    if re.search(r"\bselect\b", plain, re.IGNORECASE):
        raise ValueError(
            "has a `select`: write an expression over the columns of the row's own table; what a"
            " row needs of another table, the dbt model joins"
        )
    return text


Expression = Annotated[str, AfterValidator(_expression)]


class CustomMetric(Strict):
    """A metric of the team's own: an aggregate over the rows of a day.

    Attributes
    ----------
    sql : str
        One aggregate expression over the columns of the inference table.
    unit : str, optional
        For people who read sentences and charts: ``EUR``.
    worse : {'down', 'up', 'both'}
        Which direction is an alarm.
    segments : bool
        Whether it is computed and judged for each value of each segment too.
    least_change : float
        The smallest change that matters, in the metric's own unit.
    """

    sql: Expression
    unit: str | None = None
    worse: Literal["down", "up", "both"] = "both"
    segments: bool = False
    least_change: FiniteFloat = Field(default=0.0, ge=0)


class Attributions(Strict):
    """Columns that say how much each feature moved the prediction of a row, such as SHAP values.

    Attributes
    ----------
    prefix : str
        The column of a feature's attributions is called by it and the feature.
    features : tuple of str
        Those that have such a column; all features where none is named.
    least_change : float
        The smallest change of a feature's share of all attributions that matters.
    """

    prefix: str = Field(min_length=1)
    features: tuple[str, ...] = ()
    least_change: FiniteFloat = Field(default=0.02, ge=0, le=1)

    def as_metrics(self, features: Iterable[str]) -> dict[str, CustomMetric]:
        """The share of each feature in the sizes of all attributions of a day, by its column.

        Parameters
        ----------
        features : iterable of str
            All of the monitor's.
        """
        columns = [f"{self.prefix}{feature}" for feature in self.features or features]
        sizes = {name: f"""sum(abs("{name.replace('"', '""')}"))""" for name in columns}
        of_all = " + ".join(f"coalesce({size}, 0)" for size in sizes.values())
        return {
            name: CustomMetric(sql=f"{size} / nullif({of_all}, 0)", least_change=self.least_change)
            for name, size in sizes.items()
        }


class RowValue(Strict):
    """What a row is worth, once its outcome is known.

    Attributes
    ----------
    true_positive, false_positive, false_negative, true_negative : float
        Of a classifier's row, by its class at 0.5 and its outcome.
    sql : str, optional
        In their place, an expression over the columns of one row.
    unit : str
    """

    true_positive: FiniteFloat = 0.0
    false_positive: FiniteFloat = 0.0
    false_negative: FiniteFloat = 0.0
    true_negative: FiniteFloat = 0.0
    sql: Expression | None = None
    unit: str

    @model_validator(mode="after")
    def _is_told_once(self) -> "RowValue":
        named = self.model_fields_set & {*OUTCOMES}
        if bool(named) == (self.sql is not None):
            raise ValueError(
                "needs either `sql`, or what true_positive, false_positive, false_negative and"
                " true_negative are worth"
            )
        return self
