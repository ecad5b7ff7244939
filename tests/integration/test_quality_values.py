"""Every value of the profile and the histogram, against numpy, over days that are awkward."""

import datetime as dt
import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa

from driftmeter.arrival.inference_rows import read_rows
from driftmeter.dashboards.dashboard import read_dashboard
from driftmeter.dashboards.macros import expand
from driftmeter.monitors.config import Monitor
from driftmeter.warehouse import connection
from tests.conftest import create_database
from tests.integration.quality_by_hand import (
    NULLS,
    QUANTILES,
    Bins,
    Column,
    Value,
    bins_of,
    histogram,
    is_missing,
    profile,
    unseen_share,
)
from tests.integration.test_any_columns import MONITOR, Project

TABLE = """
create schema team;
create table team.awkward (
    id text, partition_date date, version text, amount double precision, price numeric,
    big bigint, one double precision, far double precision, near bigint,
    vast double precision, grade text, code numeric, flag boolean, branch real,
    predicted double precision, target double precision
)
"""
COLUMNS = (
    Column("amount", is_number=True, range=(-5, 5)),
    Column("price", is_number=True),
    Column("big", is_number=True),
    Column("one", is_number=True, range=(0, 2)),
    Column("far", is_number=True),
    Column("near", is_number=True),
    Column("vast", is_number=True),
    Column("grade", is_number=False, accepted=("a", "b", "o'clock")),
    Column("code", is_number=False, accepted=("1", "2")),
    Column("flag", is_number=False),
    Column("predicted", is_number=True),
    Column("target", is_number=True),
)
SEGMENTS = ("branch", "grade", "flag")
FEATURES = {
    column.name: {
        "kind": "numerical" if column.is_number else "categorical",
        **({"range": list(column.range)} if column.range else {}),
        **({"accepted": list(column.accepted)} if column.accepted else {}),
    }
    for column in COLUMNS
    if column.name not in ("predicted", "target")
}
EMPTY, LAST = "2026-01-04", "2026-01-07"
Row = Mapping[str, Value]


def rows_of_days() -> list[dict[str, Value]]:
    """Two reference days, then a day each of what may go wrong; 4 January is empty."""
    nan, inf = math.nan, math.inf
    amounts = [1.5, 0.0, -0.0, 1e-300, 1e15 / 3, -2.25, 1.5, None, 3.125, 1.5, 7.0, 0.1]
    prices = ["0.10", "0.1", "12345678901234567890.5", None, "-3", "0", "2.50", "NaN", "99.99"]
    bigs = [2**53 + 1, 2**62, -(2**62), 0, 7, None, 7, 12]
    grades = ["a", "a", "b", "c", None, "o'clock", "b"]
    kinds = zip(
        itertools.cycle(amounts),
        itertools.cycle(prices),
        itertools.cycle(bigs),
        itertools.cycle(grades),
        range(10_000),
    )

    def some(day: str, count: int, version: str | None = "v1", **same: Value) -> list[dict]:
        return [
            {
                "id": f"{day} {version} {number}",
                "partition_date": day,
                "version": version,
                "amount": amount,
                "price": None if price is None else Decimal(price),
                "big": big,
                "one": 1.0,
                # Far from zero and close together: the digits that differ are the last.
                "far": 1e15 + number * 37 % 80 / 8,
                "near": 2**53 - 3 + number * 5 % 14,
                # The standard deviation of two such numbers is no double.
                "vast": 1.7e308 * (-1) ** number if count < 30 else 1.0,
                "grade": grade,
                "code": [None, nan][number % 2] if number % 11 == 0 else 1 + number % 3,
                "flag": None if number % 5 == 4 else number % 2 == 0,
                "branch": [None, nan][number % 4 == 1] if number % 6 == 5 else number % 3,
                "predicted": math.sqrt(number),
                "target": [None, nan][number % 8 == 0] if number % 4 == 0 else number / 7,
                **same,
            }
            for amount, price, big, grade, number in itertools.islice(kinds, count)
        ]

    odd = some("2026-01-03", 60)
    for row, amount in zip(odd, [nan, nan, inf, -inf, 1e300, None, 1.5000000001], strict=False):
        row["amount"] = amount
    for row, grade in zip(odd[20:], ["z", "", "A", "(missing)"], strict=False):
        row["grade"] = grade
    odd[30]["predicted"] = inf
    repeated = some("2026-01-06", 40) + some("2026-01-06", 25, version="v2", grade="new")
    for row in repeated[:7]:
        row["id"] = "the same"
    for row in repeated[10:13]:
        row["id"] = None
    # Alike in all but the id, which is no repeated row.
    repeated.append({**repeated[20], "id": "another"})
    return [
        *some("2026-01-01", 90),
        *some("2026-01-02", 70, code=None),
        *odd,
        *some("2026-01-05", 1, amount=nan, grade=None, branch=None),
        *repeated,
        *some(LAST, 12, version=None, amount=None, price=None, grade=None, predicted=-1.0),
    ]


ROWS = rows_of_days()
ODD = [row for row in ROWS if row["partition_date"] == "2026-01-03"]
DAYS = [f"2026-01-0{number}" for number in range(1, 8)]
Key = tuple[str | None, str, str | None, str | None]


def groups() -> Iterator[tuple[Key, Sequence[Row]]]:
    """Rows by version, day, segment and its value; an empty day has one group, of no row."""
    for day in DAYS:
        of_day = [row for row in ROWS if row["partition_date"] == day]
        for version in {row["version"] for row in of_day} or {None}:
            rows = [row for row in of_day if row["version"] == version]
            yield (version, day, None, None), rows  # type: ignore[misc]
            for segment in SEGMENTS:
                for value in {as_segment(row[segment]) for row in rows}:
                    part = [row for row in rows if as_segment(row[segment]) == value]
                    yield (version, day, segment, value), part  # type: ignore[misc]


def as_segment(value: Value) -> str:
    if is_missing(value):
        return "(missing)"
    return str(value).lower() if isinstance(value, bool) else str(value)


# Days of up to 100,000 rows are exact; here either all are, or none.
LARGE = "0"


@pytest.fixture(scope="module", params=[("100000", "20000"), ("100000", "0"), (LARGE, "20000")])
def limits(request: pytest.FixtureRequest) -> tuple[str, str]:
    """Rows up to which a day is exact, and up to which one process counts all columns."""
    exact_rows, shared_rows = request.param
    return exact_rows, shared_rows


@pytest.fixture(scope="module")
def exact_rows(limits: tuple[str, str]) -> str:
    return limits[0]


@pytest.fixture(scope="module")
def project(
    postgres: str,
    template: str,
    tmp_path_factory: pytest.TempPathFactory,
    limits: tuple[str, str],
) -> Iterator[Project]:
    """The awkward table, built by the package's models over all of its days."""
    exact_rows, shared_rows = limits
    name = f"awkward_{exact_rows}_{shared_rows}"
    create_database(postgres, name, template)
    engine = connection.engine(f"{postgres}/{name}")
    names = list(ROWS[0])
    insert = f"insert into team.awkward values ({', '.join(f':{name}' for name in names)})"
    with engine.begin() as session:
        session.execute(sa.text(TABLE))
        session.execute(sa.text(insert), ROWS)
    made = Project(tmp_path_factory.mktemp("awkward"), engine)
    made.write("select * from team.awkward")
    made.declare(
        "odd_names",
        id="id",
        features=FEATURES,
        segments=list(SEGMENTS),
        reference={"from": DAYS[0], "to": DAYS[1]},
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DRIFTMETER_DBT_PROJECT", str(made.directory))
        built = made.build(
            start_date=DAYS[0],
            end_date="2026-01-08",
            exact_rows=exact_rows,
            shared_rows=shared_rows,
        )
    assert built.returncode == 0, built.stdout
    yield made
    engine.dispose()


def is_equal(value: float | None, expected: float | None, relative: float = 1e-9) -> bool:
    if value is None or expected is None:
        return value is expected
    if math.isnan(expected):
        return math.isnan(value)
    return math.isclose(value, expected, rel_tol=relative, abs_tol=0)


def compare(
    project: Project,
    query: str,
    expected: Mapping[tuple[object, ...], object],
    equal: Callable[[tuple[object, ...], Any, Any], bool] = lambda key, *both: is_equal(*both),
) -> None:
    """Hold rows of a query, keys and then a value, against what they should be."""
    with project.engine.connect() as session:
        rows = session.execute(sa.text(query)).all()
    measured = {tuple(row)[:-1]: row[-1] for row in rows}
    assert len(measured) == len(rows)
    assert measured.keys() == expected.keys()
    wrong = {
        key: (value, expected[key])
        for key, value in measured.items()
        if not equal(key, value, expected[key])
    }
    assert not wrong


def reference_bins() -> dict[str, Bins]:
    reference = [row for row in ROWS if row["partition_date"] in DAYS[:2]]
    return {
        column.name: bins_of(column, [row[column.name] for row in reference]) for column in COLUMNS
    }


def is_equal_on_a_small_day(key: tuple[object, ...], value: Any, expected: Any) -> bool:
    column, metric = key[-2:]
    if column == "vast" and expected is not None:
        # Opposite numbers that cancel out leave what is small beside each of them, and Postgres
        # interpolates quantiles in doubles, which these overflow.
        return math.isclose(value, expected, rel_tol=1e-9, abs_tol=1e290) or metric in QUANTILES
    return is_equal(value, expected)


def is_equal_on_a_large_day(key: tuple[object, ...], value: Any, expected: Any) -> bool:
    """Quantiles are within a step; numbers of one step are not told apart."""
    metric = str(key[-1])
    if metric == "distinct_count" and value is None:
        return True
    if metric in QUANTILES and key[-2] != "vast":
        return is_equal(value, expected, 1 / 64)
    return is_equal_on_a_small_day(key, value, expected)


def test_every_metric_of_the_profile_is_what_numpy_says(project: Project, exact_rows: str) -> None:
    bins, expected = reference_bins(), {}
    for key, rows in groups():
        for (name, metric), value in profile(rows, COLUMNS).items():
            expected[(*key, name, metric)] = value
        for column in COLUMNS:
            counts = histogram(column, bins[column.name], [row[column.name] for row in rows])
            if not column.is_number and any(number != NULLS for number, _ in counts):
                expected[(*key, column.name, "unseen_share")] = unseen_share(counts)
    assert {metric for *_, metric in expected} >= {"stddev", "p99", "unaccepted_share"}
    query = (
        "select model_version, partition_date::text, segment, segment_value, column_name, metric,"
        " value from metrics.column_profile"
    )
    if exact_rows == LARGE:
        compare(project, query, expected, is_equal_on_a_large_day)
    else:
        compare(project, query, expected, is_equal_on_a_small_day)


def test_every_count_of_the_histogram_is_what_numpy_says(project: Project) -> None:
    bins = reference_bins()
    expected = {
        (*key, column.name, number, category): count
        for key, rows in groups()
        for column in COLUMNS
        for (number, category), count in histogram(
            column, bins[column.name], [row[column.name] for row in rows]
        ).items()
    }
    query = (
        "select model_version, partition_date::text, segment, segment_value, column_name, bin,"
        " category, row_count from metrics.column_histogram"
    )
    compare(project, query, expected)
    bounds = {
        (column.name, number, side): bound
        for column in COLUMNS
        if column.is_number
        for number in range(len(bins[column.name].cuts) + 1)
        for side, bound in enumerate(bins[column.name].bounds(number))
    }
    query = (
        "select column_name, bin, side, bound from metrics.reference_bins"
        " cross join lateral (values (0, bin_low), (1, bin_high)) as bounds (side, bound)"
        " where category is null"
    )
    compare(project, query, bounds)


def test_what_is_missing_is_what_pandas_says(project: Project) -> None:
    found = Monitor.model_validate(
        {
            **MONITOR,
            "name": "odd_names",
            "schema_name": "public_scoring",
            "id": "id",
            "features": FEATURES,
            "segments": SEGMENTS,
        }
    )
    query = (
        "select column_name, metric, value from metrics.column_profile where segment is null"
        " and partition_date = '2026-01-03' and column_name is not null"
    )
    with project.engine.connect() as session:
        frame = read_rows(session, found, [dt.date(2026, 1, 3)])
        profile = {(row[0], row[1]): row[2] for row in session.execute(sa.text(query))}
    for name, column in found.columns.items():
        assert profile[name, "null_count"] == frame[name].isna().sum(), name
        if column.kind == "numerical":
            assert profile[name, "max"] == frame[name].max(), name
            assert profile[name, "min"] == frame[name].min(), name
    low, high = found.columns["amount"].range or (0, 0)
    known = frame["amount"].dropna()
    outside = 1 - known.between(low, high).mean()
    assert profile["amount", "out_of_range_share"] == pytest.approx(outside)
    # Both infinities are outside; of NaN there are two.
    assert np.isinf(known).sum() == 2
    assert profile["amount", "max"] == math.inf
    assert profile["amount", "null_count"] == sum(is_missing(row["amount"]) for row in ODD)


def test_the_panel_of_rows_that_came_twice_charts_what_it_says(project: Project) -> None:
    panels = read_dashboard("data-quality").to_json()["panels"]
    (panel,) = [panel for panel in panels if "duplicates" in panel["title"]]
    assert (
        "Share of rows that have the same id as an earlier row of the batch" in panel["description"]
    )
    scope = {"monitor": "odd_names", "model_version": ["v1"]}
    day = dt.datetime(2026, 1, 6, tzinfo=dt.timezone.utc)
    query = expand(panel["targets"][0]["rawSql"], day, day, scope)
    with project.engine.connect().execution_options(no_parameters=True) as session:
        (charted,) = session.exec_driver_sql(query).all()
    # Of 38 rows with an id seven have the same one; the row that only differs in its id is none.
    assert charted[-1] == pytest.approx(6 / 38, rel=1e-9)
