"""Columns of text and of vectors: from YAML to incident, page and panel."""

import datetime as dt
import re
from collections.abc import Iterator

import numpy as np
import psycopg
import pytest
import sqlalchemy as sa

from driftmeter.arrival.inference_rows import read_rows
from driftmeter.arrival.new_words import new_words
from driftmeter.monitors.derived_columns import projected_names
from driftmeter.monitors.manifest import load_monitors
from tests.conftest import database_copy
from tests.dashboards.answers import check_panel
from tests.integration.commands import driftmeter, run
from tests.integration.one_table import OneTable
from tests.unit.test_derived_columns import DECLARED

DAY = dt.timedelta(days=1)
FIRST = dt.date(2026, 1, 1)
ROWS = 100
# What befalls the reviews and the vectors after the reference, two days each.
MOVED, LONGER, WORDS, CYRILLIC, BLANK = (
    (first, first + DAY) for first in (dt.date(2026, 3, day) for day in (3, 6, 9, 12, 15))
)
COMMON = ["the", "of", "and", "to", "in", "a", "is", "that", "for", "it", "was", "with", "very"]
RUSSIAN = "Это была очень хорошая гостиница и мы были там не один раз"
MONITOR = {
    **{field: value for field, value in DECLARED.items() if field != "name"},
    "owner": "team-hotels",
    "timestamp": "partition_date",
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
        names = [
            f"w{chr(97 + n % 26)}{chr(97 + n // 26 % 26)}x" for n in generator.zipf(1.6, count)
        ]
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
    engine = database_copy(postgres, template, "stays")
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


def test_what_dbt_counts_is_what_python_reads(stays: Stays) -> None:
    found = load_monitors(stays.directory / "target" / "manifest.json")["stays"]
    assert found.table_columns == ["review", "embedding", "nights", "score"]
    day = WORDS[0]
    with stays.engine.connect() as session:
        rows = read_rows(session, found, [day], with_projections=True)
    assert rows[projected_names("embedding")].notna().all(axis=None)
    stored = dict(
        stays.rows(
            "select column_name, value from metrics.column_profile where metric = 'mean'"
            f" and partition_date = '{day}' and segment is null"
        )
    )
    numbers = ["review: length", "review: new words", "embedding: norm"]
    assert [stored[name] for name in numbers] == pytest.approx(rows[numbers].mean().tolist())
    shares = stays.rows(
        "select column_name, category, row_count from metrics.column_histogram"
        f" where partition_date = '{day}' and segment is null and category is not null"
    )
    read = [
        (name, value, count)
        for name in ("review: language", "review: script")
        for value, count in rows[name].value_counts().items()
    ]
    assert sorted(shares) == sorted(read)
    # Of vectors of norm 1 nothing is left but how they are rounded.
    assert set(rows["embedding: norm"]) == {1.0}


def test_a_word_is_new_that_no_other_day_of_the_reference_has(stays: Stays) -> None:
    texts = stays.rows(
        "select day, lower(review) from team.stays where review is not null and day < '2026-03-01'"
    )
    days_of: dict[str, set[dt.date]] = {}
    for day, text in texts:
        for word in text.split():
            days_of.setdefault(word, set()).add(day)
    shares = [
        np.mean([days_of[word] == {day} for word in text.split()])
        for day, text in texts
        if day == FIRST
    ]
    usual = (
        "select value from metrics.column_profile where metric = 'mean' and segment is null"
        f" and column_name = 'review: new words' and partition_date = '{FIRST}'"
    )
    assert stays.scalar(usual) == pytest.approx(float(np.mean(shares)))
    assert 0 < np.mean(shares) < 0.05
    # Hashes of words and no words, and none of a later day.
    assert stays.scalar("select count(*) from metrics.reference_words") == len(days_of)
    later = "select count(*) from metrics.reference_words where word_hash ="
    assert stays.scalar(f"{later} hashtextextended('flurble', 0)") == 0
    assert stays.scalar(f"{later} hashtextextended('the', 0)") == 1


def test_longer_texts_are_told_by_their_medians(stays: Stays) -> None:
    (diagnosis, *_) = told(stays, LONGER[0])
    now, usual = (
        float(
            stays.scalar(
                "select percentile_cont(0.5) within group (order by length(review)) from team.stays"
                f" where day {when}"
            )
        )
        for when in (f"= '{LONGER[0]}'", "< '2026-03-01'")
    )
    said = re.fullmatch(
        r"review is now ([\d.]+) times as long: median ([\d.]+) characters, reference ([\d.]+)"
        r"(; with it .*)?\.",
        diagnosis,
    )
    assert said, diagnosis
    assert [float(number) for number in said.groups()[:3]] == pytest.approx(
        [now / usual, now, usual], rel=0.05
    )


def test_new_words_are_told_by_their_share_with_the_commonest(stays: Stays) -> None:
    (diagnosis, *_) = told(stays, WORDS[0])
    texts = stays.rows(f"select review from team.stays where day = '{WORDS[0]}'")
    known = {
        word
        for (text,) in stays.rows("select review from team.stays where day < '2026-03-01'")
        for word in text.split()
    }
    share = np.mean([np.mean([w not in known for w in text.split()]) for (text,) in texts])
    assert diagnosis.startswith(
        f"{share:.1%} of the words of review never occurred in the reference period, usually 0."
    )
    assert ": for example 'flurble'" in diagnosis
    found = load_monitors(stays.directory / "target" / "manifest.json")["stays"]
    with stays.engine.connect() as session:
        words = new_words(session, found, WORDS[0], "review")
    assert words[0] == "flurble"
    assert not {*words} & known


def test_another_script_is_one_incident_with_its_language_and_words(stays: Stays) -> None:
    ((first, columns, diagnosis),) = stays.rows(
        "select opened_on, columns, diagnosis from metrics.incidents"
        f" where opened_on between '{CYRILLIC[0]}' and '{CYRILLIC[1]}'"
    )
    ((share,),) = stays.rows(
        "select avg((review ~ 'гостиница')::integer)::double precision from team.stays"
        f" where day = '{CYRILLIC[0]}'"
    )
    assert first == CYRILLIC[0]
    assert diagnosis.startswith(f"review is now in Cyrillic script in {share:.1%} of rows (13 of")
    assert ", reference 0.0%; with it review: language" in diagnosis
    assert {"review: script", "review: language"} <= {*columns}


def test_texts_that_are_null_or_blank_are_missing(stays: Stays) -> None:
    (diagnosis, *_) = told(stays, BLANK[0])
    assert re.match(r"review is missing or (blank|has no words) in 30.0% of rows", diagnosis)
    failed = stays.rows(
        f"select column_name from metrics.test_results where partition_date = '{BLANK[0]}'"
        " and status <> 'success' and status <> 'pass' and source = 'evidently'"
        " and expected like '%0.1%'"
    )
    assert ("review: length",) in failed


def test_vectors_that_moved_are_told_by_all_columns_together(stays: Stays) -> None:
    (diagnosis, *others) = told(stays, MOVED[0])
    assert diagnosis.startswith("embedding has moved: the mean of its vectors is")
    assert not others
    # What the classifier reads is no column that alarms by itself.
    judged = stays.rows("select distinct column_name from metrics.drift where column_name ~ 'proj'")
    assert judged == []


@pytest.mark.parametrize(
    ("panel", "column"),
    [
        ("data-quality: How are the values of $column distributed?", "review: new words"),
        ("data-quality: How much of $column is invalid?", "review: script"),
    ],
)
def test_a_panel_shows_what_is_derived_to_grafanas_role(
    stays: Stays, panel: str, column: str
) -> None:
    last = dt.date(2026, 3, 16)
    check_panel(stays.engine, panel, last, monitor="stays", column=column, metric="mean")


def test_no_text_is_shown_beyond_the_examples(stays: Stays) -> None:
    pages = [*(stays.root / "home" / "reports").glob("*.html")]
    assert pages
    for page in pages:
        assert RUSSIAN.split()[2] not in page.read_text()
    told_of_words = stays.scalar(
        "select count(*) from metrics.column_histogram where category ~ 'flurble|гостиница'"
    )
    assert told_of_words == 0


def test_measuring_again_changes_nothing_and_a_late_row_its_own_day(stays: Stays) -> None:
    before = stays.lines(*EVERYTHING)
    run(stays, "--from", "2026-03-05", "--to", "2026-03-07")
    assert stays.lines(*EVERYTHING) == before
    of_others = (
        "select md5(string_agg(t::text, '' order by t::text)) from metrics.column_summary as t"
        " where partition_date <> '2026-03-13'"
    )
    others = stays.scalar(of_others)
    stays.change(
        "insert into team.stays select day, 'late', version, 'flurble ' || review, embedding,"
        " nights, score from team.stays where day = '2026-03-13' and review ~ 'the' limit 1"
    )
    assert "2026-03-13 to 2026-03-13" in run(stays)
    assert stays.scalar(of_others) == others


def test_init_check_refuses_a_kind_that_the_column_is_not_of(stays: Stays) -> None:
    wrong = {"review": {"kind": "vector"}, "nights": {"kind": "text"}}
    stays.declare("stays", features=wrong)
    checked = driftmeter(stays, "init", "--check")
    assert checked.returncode == 1
    assert checked.stdout.splitlines() == [
        "stays, features.review: kind vector needs an array of numbers or a pgvector, and review is"
        " text. write kind: text or categorical.",
        "stays, features.nights: kind text needs a text, and nights is integer. write kind:"
        " numerical or categorical.",
    ]
