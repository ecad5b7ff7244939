"""Columns of text and of vectors: from YAML to incident, page and panel."""

import datetime as dt
import re
import uuid
from collections.abc import Iterator

import numpy as np
import psycopg
import pytest
import sqlalchemy as sa

from driftmeter.arrival.inference_rows import read_rows
from driftmeter.arrival.new_words import new_words
from driftmeter.monitors.derived_columns import projected_names
from driftmeter.monitors.manifest import load_monitors
from driftmeter.warehouse import connection
from tests.conftest import create_database
from tests.integration.commands import driftmeter, run
from tests.integration.one_table import OneTable

DAY = dt.timedelta(days=1)
FIRST = dt.date(2026, 1, 1)
ROWS = 100
# What befalls the reviews and the vectors after the reference, two days each.
LONGER, WORDS, CYRILLIC, BLANK, MOVED = (
    (first, first + DAY) for first in (dt.date(2026, 3, day) for day in (3, 6, 9, 12, 15))
)
COMMON = "the of and to in a is that for it was with very".split()
RUSSIAN = "Это была очень хорошая гостиница и мы были там не один раз"
MONITOR = {
    "owner": "team-hotels",
    "task": "regression",
    "timestamp": "partition_date",
    "id": "stay",
    "prediction": "score",
    "model_version": "version",
    "features": {
        "review": {"kind": "text", "max_null_share": 0.1},
        "embedding": {"kind": "vector"},
        "nights": {"kind": "numerical"},
    },
    "reference": {"from": "2026-01-01", "to": "2026-02-28"},
    "alarm_budget": {"false_alarms_per_month": 2},
}
COLUMNS = ("partition_date", "stay", "version", "review", "embedding", "nights", "score")
EVERYTHING = ("column_summary", "reference_words", "drift", "alarms", "breaches", "incidents")


def reviews(generator: np.random.Generator, day: dt.date) -> list[str | None]:
    """Texts of a day: commonest words of English, and names whose tail is long."""
    length = 40 if day in LONGER else 20
    texts: list[str | None] = []
    for _ in range(ROWS):
        count = max(int(generator.normal(length, length / 4)), 3)
        names = [f"w{chr(97 + n % 26)}{chr(97 + n // 26 % 26)}x" for n in generator.zipf(1.6, count)]
        words = np.where(generator.random(count) < 0.4, generator.choice(COMMON, count), names)
        if day in WORDS:
            words = np.where(generator.random(count) < 0.3, "flurble", words)
        texts.append(" ".join(words.tolist()))
    if day in CYRILLIC:
        texts[::8] = [RUSSIAN] * len(texts[::8])
    if day in BLANK:
        texts[::5] = [None] * len(texts[::5])
        texts[1::10] = ["  \n"] * len(texts[1::10])
    return texts


def vectors(generator: np.random.Generator, day: dt.date) -> list[list[float]]:
    """Vectors of norm 1, whose mean may move in one direction."""
    drawn = generator.normal(size=(ROWS, 16))
    drawn[:, 3] += 2.0 if day in MOVED else 0.0
    unit: list[list[float]] = (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).tolist()
    return unit


def fill(engine: sa.Engine) -> None:
    """Make the table of stays."""
    generator = np.random.default_rng(34)
    raw = engine.raw_connection()
    driver = raw.driver_connection
    assert isinstance(driver, psycopg.Connection)
    driver.execute(
        "create schema team; create table team.stays (day date, stay text, version text,"
        " review text, embedding real[], nights integer, score double precision)"
    )
    with driver.cursor().copy("copy team.stays from stdin") as copied:
        for number in range(75):
            day = FIRST + number * DAY
            texts, points = reviews(generator, day), vectors(generator, day)
            nights = generator.integers(1, 9, ROWS)
            for row in range(ROWS):
                stay = f"S{number * ROWS + row}"
                score = float(generator.normal(nights[row], 1))
                copied.write_row(
                    (day, stay, "v1", texts[row], points[row], int(nights[row]), score)
                )
    driver.commit()
    raw.close()


class Stays(OneTable):
    """A project whose one monitor has a text and a vector."""

    name = "stays"
    columns = COLUMNS
    monitor = MONITOR


@pytest.fixture(scope="module")
def stays(
    postgres: str, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stays]:
    """The project after its first run."""
    name = f"stays_{uuid.uuid4().hex[:8]}"
    create_database(postgres, name, template)
    engine = connection.engine(f"{postgres}/{name}")
    fill(engine)
    made = Stays(tmp_path_factory.mktemp("stays"), engine)
    made.declare("stays")
    made.printed = run(made)
    yield made
    engine.dispose()


def told(stays: Stays, day: dt.date) -> list[str]:
    """Diagnoses of the breaches of a day."""
    return [
        diagnosis
        for (diagnosis,) in stays.rows(
            f"select diagnosis from metrics.breaches where partition_date = '{day}' order by rank"
        )
    ]


def test_debug(stays: Stays) -> None:
    print(stays.printed)
    for row in stays.rows("select partition_date, kind, column_name, diagnosis from metrics.breaches order by 1, 2"):
        print(row)
    for row in stays.rows("select partition_date, score, p_value, threshold from metrics.drift where column_name is null and partition_date > '2026-03-08'"): print(row)
    for row in stays.rows("select row_to_json(d) from metrics.drift d where column_name is null and partition_date >= '2026-03-15' and p_value is not null"): print(row)
    for row in stays.rows("select row_to_json(d) from metrics.alarms d where column_name is null"): print(row)
    for row in stays.rows("select column_name, count(*), min(value), max(value) from metrics.column_profile where metric = 'mean' and partition_date < '2026-03-01' group by 1 "):
        print(row)
