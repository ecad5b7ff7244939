"""Holds the numbers of an incident's sentence against the rows, counted here by pandas alone.

What a sentence says of the day is held against the rows of the day that it was written on; what it
says of the reference against the reference's rows of that weekday, as docs/incidents.md has it, or
against all of it. Beside these two a figure is counted over the whole reference and over all days
from the incident's first to its last, which tells a sentence that is right about its day from one
that describes the incident.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

PERCENT = r"([\d.]+)%"
NUMBER = r"(-?[\d,]*\.?\d+(?:e[-+]?\d+)?)"
OF_ROWS = PERCENT + r" of rows(?: \(([\d,]+) of ([\d,]+)\))?"
WHERE = re.compile(
    r", only where (?P<segment>\S+) = (?P<value>.+?): (?P<share>[\d.]+)% of rows"
    r"(?: and \d+% of the change)?"
)
# Half of the last digit that is said.
OF_PERCENT = 0.00051
OF_NUMBER = 0.006
OF_FACTOR = 0.15
OF_REFERENCE_MEAN = 0.03
OF_CORRELATION = 0.02
FEWEST_OF_WEEKDAY = 500


@dataclass(frozen=True)
class Rows:
    """What a sentence is about.

    Attributes
    ----------
    reference, weekday : pandas.DataFrame
        All of the reference's rows, and those that a day is diagnosed against.
    day, span : pandas.DataFrame
        Rows of the sentence's day, and of all days from the incident's first to its last.
    """

    reference: pd.DataFrame
    weekday: pd.DataFrame
    day: pd.DataFrame
    span: pd.DataFrame
    task: str = "regression"
    prediction: str = ""
    target: str = ""

    def where(self, column: str, value: str) -> "Rows":
        """The same of one segment."""
        kept = {
            name: frame[as_text(frame[column]) == value]
            for name, frame in (
                ("reference", self.reference), ("weekday", self.weekday), ("day", self.day),
                ("span", self.span),
            )
        }  # fmt: skip
        return replace(self, **kept)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Claim:
    """A number of a sentence beside that of the rows.

    Attributes
    ----------
    said : float
    counted : float
        Of the rows that the sentence is about.
    otherwise : float
        Of the day: the same over all of the incident's days; of the reference's weekday: the same
        over all of the reference.
    is_true : bool
    """

    what: str
    said: float
    counted: float
    otherwise: float
    is_true: bool


Frame = pd.DataFrame
Figure = Callable[[Frame], float]


def as_text(values: "pd.Series[object]") -> "pd.Series[str]":
    """Values as a sentence names them: whole numbers without a fraction, booleans in lower case."""
    return values.map(
        lambda value: (
            ""
            if pd.isna(value)
            else str(value).lower()
            if isinstance(value, bool | np.bool_)
            else str(int(value))
            if isinstance(value, float) and value.is_integer()
            else " ".join(str(value).split())
        )
    )


def number(text: str) -> float:
    """A number of a sentence."""
    return float(text.replace(",", ""))


def of_day(rows: Rows, what: str, said: float, figure: Figure, tolerance: float) -> Claim:
    """A claim about the day."""
    counted = figure(rows.day)
    is_true = abs(said - counted) <= tolerance
    return Claim(what, said, counted, figure(rows.span), is_true)


def of_reference(rows: Rows, what: str, said: float, figure: Figure, tolerance: float) -> Claim:
    """A claim about the reference: its rows of this weekday, or all of them."""
    counted, otherwise = figure(rows.weekday), figure(rows.reference)
    is_true = min(abs(said - counted), abs(said - otherwise)) <= tolerance
    return Claim(f"{what}, reference", said, counted, otherwise, is_true)


def share_of(column: str, is_meant: Callable[["pd.Series[object]"], "pd.Series[bool]"]) -> Figure:
    """The share of rows whose value is meant."""
    return lambda frame: float(is_meant(frame[column]).mean()) if len(frame) else float("nan")


def share_of_value(column: str, value: str) -> Figure:
    """The share of rows that have a value."""
    return share_of(column, lambda values: as_text(values) == value)


def numbers_of(frame: Frame, column: str) -> "pd.Series[float]":
    """Finite values of a column."""
    values = pd.to_numeric(frame[column], errors="coerce").astype(float)
    return values[np.isfinite(values)]


def median_of(column: str, but: float | None = None) -> Figure:
    """The median of a column, of what is another value than `but`."""

    def figure(frame: Frame) -> float:
        values = numbers_of(frame, column)
        return float((values if but is None else values[values != but]).median())

    return figure


def width_of(column: str, but: float | None = None) -> Figure:
    """How wide the middle half of a column is."""

    def figure(frame: Frame) -> float:
        values = numbers_of(frame, column)
        values = values if but is None else values[values != but]
        return float(values.quantile(0.75) - values.quantile(0.25))

    return figure


def near(said: float) -> float:
    """What rounding to three digits may change."""
    return max(abs(said) * OF_NUMBER, 1e-9)


def claims(sentence: str, column: str | None, rows: Rows) -> list[Claim]:
    """Every number of a sentence that can be counted; none where it has no such number.

    Parameters
    ----------
    column : str or None
        The incident's, with which its sentence begins.
    """
    found: list[Claim] = []
    located = WHERE.search(sentence)
    inner = rows
    if located:
        segment, value = located["segment"], located["value"]
        said = float(located["share"]) / 100
        figure = share_of_value(segment, value)
        found.append(of_day(rows, f"{segment} = {value}", said, figure, OF_PERCENT))
        inner = rows.where(segment, value)
    if column and sentence.startswith(f"{column} "):
        says = sentence.removeprefix(f"{column} ")
        for pattern, count in OF_COLUMN:
            if match := re.match(pattern, says):
                found += count(match, column, inner)
                break
    for pattern, of_whole in OF_WHOLE:
        for match in re.finditer(pattern, sentence):
            found += of_whole(match, rows)
    return found


def _counts(match: re.Match[str], group: int, rows: Rows, figure: Figure) -> Iterator[Claim]:
    """The "(k of n)" that follows a share, where there is one."""
    if match[group]:
        said, of = number(match[group]), number(match[group + 1])
        counted = figure(rows.day) * len(rows.day)
        yield Claim("rows", said, counted, np.nan, abs(said - counted) < 1)
        yield Claim("of rows", of, len(rows.day), np.nan, of == len(rows.day))


def _missing(match: re.Match[str], column: str, rows: Rows) -> list[Claim]:
    figure = share_of(column, lambda values: values.isna())
    if match[1].startswith("has"):
        figure = share_of(column, lambda values: values.notna())
    return [
        of_day(rows, match[1], float(match[2]) / 100, figure, OF_PERCENT),
        *_counts(match, 3, rows, figure),
        of_reference(rows, match[1], float(match[5]) / 100, figure, OF_PERCENT),
    ]


def _unseen(match: re.Match[str], column: str, rows: Rows) -> list[Claim]:
    known = set(as_text(rows.reference[column]))
    figure = share_of(column, lambda values: ~as_text(values).isin(known) & values.notna())
    named = re.findall(r"'([^']*)'", match[1])
    ever = sum(value in known for value in named)
    return [
        of_day(rows, "share of values that are new", float(match[2]) / 100, figure, OF_PERCENT),
        *_counts(match, 3, rows, figure),
        Claim("named values that the reference had", 0, ever, np.nan, ever == 0),
    ]


def _no_known(match: re.Match[str], column: str, rows: Rows) -> list[Claim]:
    known = set(as_text(rows.reference[column]))
    figure = share_of(column, lambda values: as_text(values).isin(known))
    return [of_day(rows, "share of values that are known", 0.0, figure, 0.005)]


def _times(match: re.Match[str], column: str, rows: Rows) -> list[Claim]:
    factor, median, before = (number(match[group]) for group in (1, 2, 3))
    middle = median_of(column)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = [
            float(np.divide(middle(one), middle(other)))
            for one, other in ((rows.day, rows.weekday), (rows.span, rows.reference))
        ]
    return [
        Claim(
            "factor, as a ratio of medians", factor, *ratio,
            abs(np.log(ratio[0] / factor)) < OF_FACTOR if ratio[0] > 0 else False,
        ),
        of_day(rows, "median", median, middle, near(median)),
        of_reference(rows, "median", before, middle, near(before)),
    ]  # fmt: skip


def _absurd(match: re.Match[str], column: str, rows: Rows) -> list[Claim]:
    typical, low, high = (number(match[group]) for group in (4, 5, 6))
    slack = 0.006 * max(abs(low), abs(high))

    def outside(values: "pd.Series[object]") -> "pd.Series[bool]":
        numbers = values.astype(float)
        return (numbers < low - slack) | (numbers > high + slack)

    def typically(frame: Frame) -> float:
        return float(frame.loc[outside(frame[column]), column].astype(float).median())

    figure = share_of(column, outside)
    inside = share_of(column, lambda values: values.astype(float).between(low, high))
    return [
        of_day(rows, "share outside", float(match[1]) / 100, figure, OF_PERCENT),
        *_counts(match, 2, rows, figure),
        of_day(rows, "typical absurd value", typical, typically, 0.05 * abs(typical) + 1e-9),
        of_reference(rows, "share inside the range", 0.999, inside, 0.002),
    ]


def _moved(match: re.Match[str], column: str, rows: Rows, first: int = 1) -> list[Claim]:
    value, direction = match[first], match[first + 1]
    figure = share_of_value(column, value)
    before, now = float(match[first + 2]) / 100, float(match[first + 3]) / 100
    rose = {"rose": 1, "fell": -1}[direction]
    over_days = figure(rows.span) - figure(rows.reference)
    return [
        of_reference(rows, f"{column} = {value}", before, figure, OF_PERCENT),
        of_day(rows, f"{column} = {value}", now, figure, OF_PERCENT),
        *_counts(match, first + 4, rows, figure),
        Claim(
            f"{value} {direction}", rose, float(np.sign(figure(rows.day) - figure(rows.weekday))),
            float(np.sign(over_days)), rose * (figure(rows.day) - figure(rows.weekday)) > 0,
        ),
    ]  # fmt: skip


def _behind(match: re.Match[str], _: str, rows: Rows) -> list[Claim]:
    return _moved(match, match[1], rows, first=2)


def _distribution(match: re.Match[str], column: str, rows: Rows) -> list[Claim]:
    found = []
    but = None
    if match["usual"] is not None:
        but = number(match["usual"])
        usual = but
        figure = share_of(column, lambda values: (values.astype(float) != usual) & values.notna())
        found += [
            of_day(rows, f"not {but:g}", float(match["now"]) / 100, figure, OF_PERCENT),
            of_reference(rows, f"not {but:g}", float(match["before"]) / 100, figure, OF_PERCENT),
        ]  # fmt: skip
    for name, figure in (
        ("median", median_of(column, but)),
        ("middle half", width_of(column, but)),
    ):
        key = name.split()[-1]
        now, before = number(match[key]), number(match[f"{key}_before"])
        found += [
            of_day(rows, name, now, figure, near(now)),
            of_reference(rows, name, before, figure, near(before)),
        ]
    return found


def _loss(rows: Rows, frame: Frame) -> "pd.Series[float]":
    target = frame[rows.target]
    if target.dtype == object:
        target = as_text(target).map({"1": 1.0, "0": 0.0, "true": 1.0, "false": 0.0})
    off = (frame[rows.prediction].astype(float) - target.astype(float)).dropna()
    return off.abs() if rows.task == "regression" else off**2


def _error(match: re.Match[str], rows: Rows) -> list[Claim]:
    capped, said, beside, expected = match[2], number(match[3]), match[4], number(match[5])
    most = float(_loss(rows, rows.reference).quantile(0.99)) if capped else np.inf

    def figure(frame: Frame) -> float:
        return float(_loss(rows, frame).clip(upper=most).mean())

    found = [of_day(rows, match[1], said, figure, near(said))]
    if beside == "reference":
        tolerance = OF_REFERENCE_MEAN * abs(expected)
        found.append(of_reference(rows, match[1], expected, figure, tolerance))
    return found


def _estimate(match: re.Match[str], rows: Rows) -> list[Claim]:
    low, high = number(match[3]), number(match[4])
    true = float(_loss(rows, rows.day).mean())
    over_days = float(_loss(rows, rows.span).mean())
    return [
        Claim("estimate, beside the truth", number(match[2]), true, over_days, low <= true <= high)
    ]


def _volume(match: re.Match[str], rows: Rows) -> list[Claim]:
    def a_day(frame: Frame) -> float:
        return float(np.exp(np.log(frame.groupby("_day").size()).mean()))

    said, usual = number(match[1]), number(match[4])
    found = [
        of_day(rows, "rows", said, a_day, 0.5),
        of_reference(rows, "rows a day", usual, a_day, 0.05 * usual),
    ]
    change = len(rows.day) / a_day(rows.weekday) - 1
    rose = 1 if match[3] == "more" else -1
    asked = rose * float(match[2]) / 100
    return [
        *found, Claim("change of rows", asked, change, np.nan, abs(change - asked) < 0.05)
    ]  # fmt: skip


def _correlation(match: re.Match[str], rows: Rows) -> list[Claim]:
    first, second = match[1], match[2]
    if any(not pd.api.types.is_numeric_dtype(rows.day[name]) for name in (first, second)):
        return []

    def figure(frame: Frame) -> float:
        return float(frame[first].corr(frame[second], method="spearman"))

    what = f"rank correlation of {first} and {second}"
    return [
        of_day(rows, what, float(match[3]), figure, OF_CORRELATION),
        of_reference(rows, what, float(match[4]), figure, OF_CORRELATION),
    ]


OF_COLUMN: Sequence[tuple[str, Callable[[re.Match[str], str, Rows], list[Claim]]]] = (
    (rf"(is missing|has a value) in {OF_ROWS}, reference {PERCENT}", _missing),
    (rf"has (.+?) in {OF_ROWS}, which the reference never had", _unseen),
    (r"holds no value that the reference had", _no_known),
    (rf"is {NUMBER} times what it was \(median {NUMBER}[^,]*, reference {NUMBER}\)", _times),
    (
        rf"has absurd values in {OF_ROWS} \(about {NUMBER}[^;]*; 99.9% of the reference lies"
        rf" between {NUMBER} and {NUMBER}\)",
        _absurd,
    ),
    (rf"moved because (\S+) = (.+?) (rose|fell) from {PERCENT} to {OF_ROWS}", _behind),
    (
        rf"has another distribution(?: where it is not (?P<usual>\S+) \((?P<now>[\d.]+)% of rows,"
        rf" reference (?P<before>[\d.]+)%\))?: median (?P<median>{NUMBER})[^;]*?, reference"
        rf" (?P<median_before>{NUMBER}); middle half (?P<half>{NUMBER}) wide, reference"
        rf" (?P<half_before>{NUMBER})",
        _distribution,
    ),
    (rf"(.+?) (rose|fell) from {PERCENT} to {OF_ROWS}", _moved),
)
OF_WHOLE: Sequence[tuple[str, Callable[[re.Match[str], Rows], list[Claim]]]] = (
    (
        rf"(mean absolute error|Brier score)( \(largest 1% of losses capped\))? rose to {NUMBER},"
        rf" (reference|expected of such inputs) {NUMBER}",
        _error,
    ),
    (
        rf"[Tt]he (mean absolute error|Brier score) is estimated at {NUMBER} \({NUMBER} to"
        rf" {NUMBER}\)",
        _estimate,
    ),
    (
        rf"^{NUMBER} rows came, {PERCENT} (more|fewer) than on a \w+ of the reference"
        rf" \(about {NUMBER}\)",
        _volume,
    ),
    (
        r"(\S+) and (\S+) no longer go together as they did: rank correlation (-?[\d.]+),"
        r" reference (-?[\d.]+)",
        _correlation,
    ),
)
