"""Holds the numbers of an incident's sentence against the rows, counted here by pandas alone.

What a sentence says of the day is held against the rows of the day that it was written on; what it
says of the reference against the reference's rows of that weekday, as docs/incidents.md has it, or
against all of it. Beside these two a figure is counted over the whole reference and over all days
from the incident's first to its last, which tells a sentence that is right about its day from one
that describes the incident.
"""

import datetime as dt
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from benchmarks.league_figures import Said

PERCENT = r"([\d.]+)%"
NUMBER = r"(-?[\d,]*\.?\d+(?:e[-+]?\d+)?)"
OF_ROWS = PERCENT + r" of rows(?: \(([\d,]+) of ([\d,]+)\))?"
WHERE = re.compile(
    r", only where (?P<segment>\S+) = (?P<value>.+?): (?P<share>[\d.]+)% of rows"
    r"(?: and \d+% of the change)?"
)
# How a sentence begins that is not about the incident's first day.
DATED = re.compile(r"^On (\d{4}-\d\d-\d\d): ")
# Half of the last digit that is said.
OF_PERCENT = 0.00051
OF_NUMBER = 0.006
OF_FACTOR = 0.05
OF_REFERENCE_MEAN = 0.03
OF_CORRELATION = 0.02
# A column is not as before if its distribution is so far from the reference's, and not by chance.
FAR, CHANCE = 0.2, 1e-4
FEWEST_EXPECTED = 5
# Of another coding at most so many rows of a day hold a value of the old one.
MOST_KNOWN = 0.5
FEWEST_OF_WEEKDAY = 500
# An incident that was seen for longer than this should be described by its sentence.
LONG = dt.timedelta(days=7)
LEAST_LEFT = 0.25
REFERENCE = ", reference"
NEW = "share of values that are new"


@dataclass(frozen=True)
class Rows:
    """What a sentence is about.

    Attributes
    ----------
    reference, weekday : pandas.DataFrame
        All of the reference's rows, and those that a day is diagnosed against.
    day, span : pandas.DataFrame
        Rows of the sentence's day, and of all days from the incident's first to its last.
    recent : pandas.DataFrame, optional
        Of the 28 days up to the sentence's.
    """

    reference: pd.DataFrame
    weekday: pd.DataFrame
    day: pd.DataFrame
    span: pd.DataFrame
    task: str = "regression"
    prediction: str = ""
    target: str = ""
    recent: pd.DataFrame | None = None

    def over(self, days: str | None) -> pd.DataFrame:
        """Rows of the day, or of so many days up to it."""
        if days is None or self.recent is None or self.recent.empty:
            return self.day
        first = self.recent["_day"].max() - dt.timedelta(days=int(days) - 1)
        return self.recent[self.recent["_day"] >= first]

    def where(self, column: str, value: str) -> "Rows":
        """The same of one segment."""
        kept = {
            name: frame[as_text(frame[column]) == value]
            for name, frame in (
                ("reference", self.reference), ("weekday", self.weekday), ("day", self.day),
                ("span", self.span),
            )
        }  # fmt: skip
        return replace(self, **kept)


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


Figure = Callable[[pd.DataFrame], float]


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


def half_digit(text: str) -> float:
    """Half of the last digit of a number of a sentence."""
    _, point, decimals = text.replace(",", "").partition(".")
    return 0.5 * 10.0 ** -len(decimals) if point else 0.5


def of_day(rows: Rows, what: str, said: float, figure: Figure, tolerance: float) -> Claim:
    """A claim about the day."""
    counted = figure(rows.day)
    is_true = abs(said - counted) <= tolerance
    return Claim(what, said, counted, figure(rows.span), is_true)


def of_reference(rows: Rows, what: str, said: float, figure: Figure, tolerance: float) -> Claim:
    """A claim about the reference: its rows of this weekday, or all of them."""
    counted, otherwise = figure(rows.weekday), figure(rows.reference)
    is_true = min(abs(said - counted), abs(said - otherwise)) <= tolerance
    return Claim(f"{what}{REFERENCE}", said, counted, otherwise, is_true)


def share_of(column: str, is_meant: Callable[["pd.Series[object]"], "pd.Series[bool]"]) -> Figure:
    """The share of rows whose value is meant."""
    return lambda frame: float(is_meant(frame[column]).mean()) if len(frame) else float("nan")


def share_of_value(column: str, value: str) -> Figure:
    """The share of rows that have a value."""
    return share_of(column, lambda values: as_text(values) == value)


def numbers_of(frame: pd.DataFrame, column: str) -> "pd.Series[float]":
    """Finite values of a column."""
    values = pd.to_numeric(frame[column], errors="coerce").astype(float)
    return values[np.isfinite(values)]


def median_of(column: str, but: float | None = None) -> Figure:
    """The median of a column, of what is another value than `but`."""

    def figure(frame: pd.DataFrame) -> float:
        values = numbers_of(frame, column)
        return float((values if but is None else values[values != but]).median())

    return figure


def width_of(column: str, but: float | None = None) -> Figure:
    """How wide the middle half of a column is."""

    def figure(frame: pd.DataFrame) -> float:
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
        of_day(rows, NEW, float(match[2]) / 100, figure, OF_PERCENT),
        *_counts(match, 3, rows, figure),
        Claim("named values that the reference had", 0, ever, np.nan, ever == 0),
    ]


def _gone(match: re.Match[str], column: str, rows: Rows) -> list[Claim]:
    figure = share_of(column, lambda values: values.notna())
    return [
        of_day(rows, "known", 0.0, figure, 0.005),
        of_reference(rows, "known", float(match[1]) / 100, figure, 0.0051),
    ]


def _no_known(match: re.Match[str], column: str, rows: Rows) -> list[Claim]:
    known = set(as_text(rows.reference[column]))
    figure = share_of(column, lambda values: as_text(values).isin(known))
    return [of_day(rows, "share of values that are known", 0.0, figure, 0.005)]


def _coding(match: re.Match[str], rows: Rows) -> list[Claim]:
    """Whether a coding changed, and not only what few rows hold: by all rows of the day."""
    known = set(as_text(rows.reference[match[1]]))
    figure = share_of(match[1], lambda values: as_text(values).isin(known))
    counted = figure(rows.day)
    what = "the coding changed: known values over all rows"
    return [Claim(what, 0.0, counted, figure(rows.span), counted < MOST_KNOWN)]


def _times(match: re.Match[str], column: str, rows: Rows) -> list[Claim]:
    factor, median, before = (number(match[group]) for group in (1, 2, 3))
    middle = median_of(column)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio, otherwise = (
            float(np.divide(middle(one), middle(other)))
            for one, other in ((rows.day, rows.weekday), (rows.span, rows.reference))
        )
    return [
        Claim(
            "factor, as a ratio of medians", factor, ratio, otherwise,
            bool(ratio > 0 and abs(np.log(ratio / factor)) < OF_FACTOR),
        ),
        of_day(rows, "median", median, middle, near(median)),
        of_reference(rows, "median", before, middle, near(before)),
    ]  # fmt: skip


def _absurd(match: re.Match[str], column: str, rows: Rows) -> list[Claim]:
    typical, low, high = (number(match[group]) for group in (4, 5, 6))
    low_slack, high_slack = (half_digit(match[group]) for group in (5, 6))

    def outside(values: "pd.Series[object]", slack: float = 0.0) -> "pd.Series[bool]":
        numbers = values.astype(float)
        return (numbers < low - slack * low_slack) | (numbers > high + slack * high_slack)

    def typically(frame: pd.DataFrame) -> float:
        return float(frame.loc[outside(frame[column]), column].astype(float).median())

    figure = share_of(column, outside)
    # The bounds are rounded, and values may lie between what they were and what is said.
    widest, narrowest = (float(outside(rows.day[column], slack).mean()) for slack in (-1, 1))
    tolerance = OF_PERCENT + widest - narrowest
    inside = share_of(column, lambda values: values.astype(float).between(low, high))
    return [
        of_day(rows, "share outside", float(match[1]) / 100, figure, tolerance),
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
    figures = {"median": median_of(column, but), "half": width_of(column, but)}
    for key, figure in figures.items():
        name = {"half": "middle half"}.get(key, key)
        now, before = number(match[key]), number(match[f"{key}_before"])
        found += [
            of_day(rows, name, now, figure, near(now)),
            of_reference(rows, name, before, figure, near(before)),
        ]
    return found


def _loss(rows: Rows, frame: pd.DataFrame) -> "pd.Series[float]":
    target = frame[rows.target]
    if target.dtype == object:
        target = as_text(target).map({"1": 1.0, "0": 0.0, "true": 1.0, "false": 0.0})
    off = (frame[rows.prediction].astype(float) - target.astype(float)).dropna()
    return off.abs() if rows.task == "regression" else off**2


def _error(match: re.Match[str], rows: Rows) -> list[Claim]:
    capped, said, beside, expected = match[2], number(match[3]), match[5], number(match[6])
    most = float(_loss(rows, rows.reference).quantile(0.99)) if capped else np.inf

    def figure(frame: pd.DataFrame) -> float:
        return float(_loss(rows, frame).clip(upper=most).mean())

    judged = replace(rows, day=rows.over(match["days"]))
    found = [of_day(judged, match[1], said, figure, near(said))]
    if beside == "reference":
        tolerance = OF_REFERENCE_MEAN * abs(expected)
        found.append(of_reference(rows, match[1], expected, figure, tolerance))
    before, now = figure(rows.weekday), figure(judged.day)
    risen = Claim(f"{match[1]} above the reference's", expected, before, np.nan, now > before)
    return [*found, risen]


def _estimate(match: re.Match[str], rows: Rows) -> list[Claim]:
    low, high = number(match[3]), number(match[4])
    true = float(_loss(rows, rows.over(match["days"])).mean())
    over_days = float(_loss(rows, rows.span).mean())
    return [
        Claim("estimate, beside the truth", number(match[2]), true, over_days, low <= true <= high)
    ]


def _volume(match: re.Match[str], rows: Rows) -> list[Claim]:
    def a_day(frame: pd.DataFrame) -> float:
        return float(np.exp(np.log(frame.groupby("_day").size()).mean()))

    said, usual = number(match[1]), number(match[4])
    found = [
        of_day(rows, "rows", said, a_day, 0.5),
        of_reference(rows, "rows a day", usual, a_day, 0.05 * usual),
    ]
    change = len(rows.day) / a_day(rows.weekday) - 1
    asked = (1 if match[3] == "more" else -1) * float(match[2]) / 100
    is_so = abs(change - asked) < 0.05 * (1 + change)
    return [*found, Claim("change of rows", asked, change, np.nan, is_so)]


def _late(match: re.Match[str], rows: Rows) -> list[Claim]:
    figure = share_of(match[1], lambda values: values.isna())
    missing, before = (float(match[group]) / 100 for group in (2, 3))
    # Of several days in a row the sentence names the one whose share it gives.
    counted = figure(rows.day)
    return [
        Claim(match[1], missing, counted, figure(rows.span), abs(missing - counted) < 0.0051),
        of_reference(rows, match[1], before, figure, 0.0051),
    ]


def _correlation(match: re.Match[str], rows: Rows) -> list[Claim]:
    first, second = match[1], match[2]
    if any(_ranked(rows, name) is None for name in (first, second)):
        return []

    def correlation(frame: pd.DataFrame) -> float:
        pair = replace(rows, day=frame)
        one, other = _ranked(pair, first), _ranked(pair, second)
        if one is None or other is None:
            return np.nan
        return float(one.corr(other, method="spearman"))

    # Which of two categories ranks above the other is a matter of words: as the sentence has it.
    now, before = (float(match[group]) for group in (3, 4))
    are_numbers = all(pd.api.types.is_numeric_dtype(rows.day[name]) for name in (first, second))
    turned = 1.0 if are_numbers or now * correlation(rows.day) >= 0 else -1.0

    def figure(frame: pd.DataFrame) -> float:
        return turned * correlation(frame)

    what = f"rank correlation of {first} and {second}"
    single = [figure(frame) for _, frame in rows.reference.groupby("_day")]
    single = [value for value in single if np.isfinite(value)]
    nearest = min(single, key=lambda value: abs(value - now))
    return [
        of_day(rows, what, now, figure, OF_CORRELATION),
        of_reference(rows, what, before, figure, OF_CORRELATION),
        Claim(
            f"{what}, nearest of the reference's days", now, nearest, np.nan,
            not min(single) <= now <= max(single),
        ),
    ]  # fmt: skip


def _alone(match: re.Match[str], rows: Rows) -> list[Claim]:
    return [_as_before(rows, name) for name in (match[1], match[2])]


def _as_before(rows: Rows, column: str) -> Claim:
    """How far a column alone is from the reference: the largest distance of two distributions."""
    day, before = (frame[column].dropna() for frame in (rows.day, rows.weekday))
    if pd.api.types.is_numeric_dtype(before):
        distance, p_value = stats.ks_2samp(day.astype(float), before.astype(float))
    else:
        one, other = as_text(day), as_text(before)
        expected = other.value_counts(normalize=True) * len(one)
        common = expected.index[expected >= FEWEST_EXPECTED]
        values = pd.concat([each.where(each.isin(common), "(rare)") for each in (one, other)])
        table = pd.crosstab(np.repeat([0, 1], [len(one), len(other)]), values.to_numpy()).to_numpy()
        shares = table / table.sum(axis=1, keepdims=True)
        distance = abs(shares[0] - shares[1]).sum() / 2
        p_value = stats.chi2_contingency(table).pvalue if table.shape[1] > 1 else 1.0
    is_far = distance > FAR and p_value < CHANCE
    return Claim(f"{column} is as before: distance", 0.0, float(distance), np.nan, not is_far)


def _ranked(rows: Rows, column: str) -> "pd.Series[float] | None":
    """The day's values as numbers; None for a category of more than two values."""
    if pd.api.types.is_numeric_dtype(rows.day[column]):
        return rows.day[column].astype(float)
    values = sorted(set(as_text(rows.reference[column])))
    if len(values) > 2:
        return None
    return as_text(rows.day[column]).map(
        {value: float(place) for place, value in enumerate(values)}
    )


WINDOW = r"(?: over the last (?P<days>\d+) days)?"
OF_COLUMN: Sequence[tuple[str, Callable[[re.Match[str], str, Rows], list[Claim]]]] = (
    (rf"(is missing|has a value) in {OF_ROWS}, reference {PERCENT}", _missing),
    (rf"has (.+?) in {OF_ROWS}, which the reference never had", _unseen),
    (rf"has no value at all: a column that was {PERCENT} known", _gone),
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
        rf"(mean absolute error|Brier score)( \(largest 1% of losses capped\))? rose to {NUMBER}"
        rf"{WINDOW}, (reference|expected of such inputs) {NUMBER}",
        _error,
    ),
    (
        rf"[Tt]he (mean absolute error|Brier score) is estimated at {NUMBER} \({NUMBER} to"
        rf" {NUMBER}\){WINDOW}",
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
    (r"^(\S+) holds no value that the reference had: .* so its coding changed", _coding),
    (
        rf"^(?:Labels|Some labels) of .*: (\S+) is missing in {PERCENT} of"
        rf" (?:rows|the rows of [^,]*), reference {PERCENT}",
        _late,
    ),
    (
        r"(\S+) and (\S+) no longer go together as they did: .* while each alone looks the same",
        _alone,
    ),
)


@dataclass(frozen=True)
class Sentence:
    """What was said, and of which days.

    Attributes
    ----------
    day : date
        That it was written on.
    first, last : date
        Of the incident; of a breach its day.
    """

    text: str
    kind: str
    column: str | None
    day: dt.date
    first: dt.date
    last: dt.date


def of_incident(said: Said) -> list[Sentence]:
    """The sentence of every incident: that of a breach of one of its days."""
    sentences = []
    for each in said.incidents.itertuples():
        text = DATED.sub("", each.diagnosis)
        same = said.breaches[
            (said.breaches["diagnosis"] == text)
            & (said.breaches["day"] >= each.opened_on)
            & (said.breaches["day"] <= each.last_seen_on)
        ]
        day = each.opened_on
        if dated := DATED.match(each.diagnosis):
            day = dt.date.fromisoformat(dated[1])
        elif len(same):
            day = same["day"].min()
        sentences.append(
            Sentence(text, each.kind, each.column_name, day, each.opened_on, each.last_seen_on)
        )
    return sentences


def of_breach(said: Said) -> list[Sentence]:
    """The sentence of every breach of every day."""
    return [
        Sentence(each.diagnosis, each.kind, each.column_name, each.day, each.day, each.day)
        for each in said.breaches.itertuples()
    ]


def judged(
    rows: pd.DataFrame,
    about: Rows,
    reference: tuple[dt.date, dt.date],
    sentences: Sequence[Sentence],
) -> list[dict[str, Any]]:
    """Sentences with their claims, and what became of them.

    A sentence whose numbers are right is *true*; it is *true of its day* if its incident was seen
    for longer than a week, over which less than a quarter of the change is left.

    Parameters
    ----------
    rows : pandas.DataFrame
        All rows, their local day in ``_day``.
    about : Rows
        What is said of task, prediction and target; its frames are not read.
    """
    days = rows["_day"]
    before = rows[(days >= reference[0]) & (days <= reference[1])]
    weekday = pd.to_datetime(before["_day"]).dt.weekday
    of_day = dict(list(rows.groupby("_day")))
    answers = []
    for sentence in sentences:
        like = before[weekday == sentence.day.weekday()]
        found = claims(
            sentence.text,
            sentence.column,
            replace(
                about,
                reference=before,
                weekday=like if len(like) >= FEWEST_OF_WEEKDAY else before,
                day=of_day.get(sentence.day, rows[:0]),
                recent=rows[(days <= sentence.day) & (days > sentence.day - dt.timedelta(days=28))],
                span=of_day.get(sentence.day, rows[:0])
                if sentence.first == sentence.last
                else rows[(days >= sentence.first) & (days <= sentence.last)],
            ),
        )
        answers.append(
            {
                "day": str(sentence.day),
                "first": str(sentence.first),
                "last": str(sentence.last),
                "kind": sentence.kind,
                "sentence": sentence.text,
                "verdict": _verdict(sentence, found),
                "claims": [asdict(claim) for claim in found],
            }
        )
    return answers


def _verdict(sentence: Sentence, found: Sequence[Claim]) -> str:
    if not found:
        return "not parsed"
    if not all(claim.is_true for claim in found):
        return "false"
    if sentence.last - sentence.first <= LONG:
        return "true"
    usual = {claim.what.removesuffix(REFERENCE): claim for claim in found if _is_usual(claim)}
    left = []
    for claim in found:
        before = usual.get(claim.what)
        said = claim.said - (before.said if before else 0.0)
        if (before or claim.what == NEW) and claim is not before and said:
            now = claim.otherwise - (before.otherwise if before else 0.0)
            left.append(now / said)
    return "true of its day" if left and max(left) < LEAST_LEFT else "true"


def _is_usual(claim: Claim) -> bool:
    return claim.what.endswith(REFERENCE)


def counted(answers: Sequence[Mapping[str, Any]]) -> str:
    """How many sentences of single days are true, by kind, and those that are not, as Markdown."""
    verdicts = ("true", "false", "not parsed")
    counts = Counter((str(answer["kind"]), str(answer["verdict"])) for answer in answers)
    lines = [
        f"| sentences of single days | {' | '.join(verdicts)} |",
        "|---|---:|---:|---:|",
        *(
            f"| {kind} | {' | '.join(str(counts[kind, verdict]) for verdict in verdicts)} |"
            for kind in sorted({kind for kind, _ in counts})
        ),
    ]
    false = [answer for answer in answers if answer["verdict"] == "false"]
    if false:
        lines += ["", as_markdown(false)]
    return "\n".join(lines) + "\n"


def as_markdown(answers: Sequence[Mapping[str, Any]]) -> str:
    """Sentences beside the rows, as a Markdown table."""
    counts = Counter(str(answer["verdict"]) for answer in answers)
    lines = [
        "Verdicts: "
        + ", ".join(f"{count} {verdict}" for verdict, count in counts.items())
        + ". The column *rows* has what the rows of the sentence's day give for the figure *said*."
        " *Otherwise* is the same figure over all days of the incident; for a figure of the"
        " reference period it is over all of its days, of every weekday. *True of its day* means"
        " that over all days of the incident less than a quarter of the stated change is left."
        " *Not parsed* means that this benchmark cannot read the sentence.\n",
        "| day | sentence | verdict | said | rows | otherwise |",
        "|---|---|---|---|---|---|",
    ]
    for answer in answers:
        first = f"| {answer['day']} | {answer['sentence']} | {answer['verdict']} |"
        for claim in answer["claims"] or [None]:
            cells = " | | |"
            if claim:
                mark = "" if claim["is_true"] else " **not so**"
                cells = (
                    f" {claim['what']}: {claim['said']:.4g}{mark} | {claim['counted']:.4g} |"
                    f" {_known(claim['otherwise'])} |"
                )
            lines.append(first + cells)
            first = "| | | |"
    return "\n".join(lines) + "\n"


def _known(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.4g}"
