"""A classifier's label of every type and spelling, in SQL, in pandas and in dbt's bins."""

import datetime as dt

import pandas as pd
import pytest
import sqlalchemy as sa

from driftmeter.arrival.inference_rows import read_rows
from driftmeter.monitors.config import Challengers, Monitor
from driftmeter.monitors.labels import as_numbers, as_words
from driftmeter.performance import steps
from driftmeter.performance.daily_error import daily_errors
from driftmeter.performance.realised import realised
from driftmeter.performance.unreadable import tell_unreadable_labels
from driftmeter.performance.version_comparison import compare_day
from tests.integration.test_any_columns import Project, project
from tests.integration.test_performance import DAY, fill, monitor

__all__ = ["project"]
# What is true and false; of a classifier anything else is no label.
SPELLED = {
    **dict.fromkeys(["1", "true", "TRUE", "True", "t", "yes", "Yes", "y", "on", " yes "], True),
    **dict.fromkeys(["0", "false", "False", "f", "F", "no", "NO", "n", "off", "no\n"], False),
    **dict.fromkeys(["1.0", "1.00", " 1.000 ", "1."], True),
    **dict.fromkeys(["0.0", "0.00", "-0", "-0.0", "0."], False),
    **dict.fromkeys(["2", "-1", "-1.0", "10", "10.0", "0.5", "1.01", "01", "yes.", "n.0"]),
    **dict.fromkeys(["NaN", "Infinity", "", " ", "maybe", "1 0", ".", "0x1", "tru"]),
}
WORDS = {spelled: "true" if label else "false" for spelled, label in SPELLED.items()} | {
    spelled: spelled for spelled, label in SPELLED.items() if label is None
}
TYPES = {
    **{name: "(actual::integer)::" + name for name in ("smallint", "integer", "bigint")},
    **{
        name: "(actual::integer)::" + name
        for name in ("numeric", "numeric(12,2)", "real", "double precision")
    },
    "boolean": "actual",
    "text": "case when actual then 'Yes' when not actual then 'no' end",
    "varchar(5)": "case when actual then ' T' when not actual then 'F ' end",
    "char(5)": "case when actual then 'on' when not actual then 'off' end",
}


def test_a_label_is_spelled_alike_in_sql_and_in_pandas(warehouse: sa.Engine) -> None:
    labels = pd.Series(list(SPELLED))
    expected = [float("nan") if label is None else float(label) for label in SPELLED.values()]
    pd.testing.assert_series_equal(as_numbers(labels), pd.Series(expected))
    assert [word if isinstance(word, str) else None for word in as_words(labels)] == [
        None if label is None else str(label).lower() for label in SPELLED.values()
    ]
    found = classifier()
    with warehouse.begin() as session:
        session.exec_driver_sql("create schema inference")
        session.exec_driver_sql(TABLE.format("text"))
        insert = sa.text("insert into inference.classification values (:id, :day, :label)")
        rows = [{"id": n, "day": DAY, "label": text} for n, text in enumerate(SPELLED)]
        session.execute(insert, rows)
        read = read_rows(session, found, [DAY]).sort_index()
        counted = realised(session, found, [DAY])
    assert sorted(read["actual"]) == sorted(WORDS.values())
    known = sum(label is not None for label in SPELLED.values())
    assert counted["labelled"].tolist()[0] == known


TABLE = (
    "create table inference.classification (id bigint, partition_date date, actual {},"
    " version text default 'v1', miles double precision default 1, payment text default '1',"
    " predicted double precision default 0.5)"
)


def classifier() -> Monitor:
    return monitor("classification")


def test_labels_of_every_type_are_measured_alike(warehouse: sa.Engine) -> None:
    days = [DAY, DAY + dt.timedelta(days=1)]
    found = fill(warehouse, "classification", days, 300)
    table = "inference.classification"
    challengers = Challengers(model="other", schema_name="inference", table="other")
    with warehouse.begin() as session:
        session.exec_driver_sql(
            "create table inference.other as select id, partition_date, 'v2' as model_version,"
            f" 1 - predicted as prediction from {table}"
        )
        session.exec_driver_sql(f"create table inference.kept as select * from {table}")

    def measured() -> list[pd.DataFrame]:
        with_others = found.model_copy(update={"challengers": challengers})
        with warehouse.begin() as session:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(steps, "MOST_REFERENCE_ROWS", 1)
                by_steps = realised(session, found, days)
            compare_day(session, with_others, DAY)
            compared = "select challenger_value, difference from metrics.version_comparisons"
            return [
                realised(session, found, days),
                realised(session, with_others, [DAY], challengers=True),
                by_steps,
                daily_errors(session, found, days[0], days[1], 0.9),
                read_rows(session, found, days),
                pd.read_sql(sa.text(compared), session),
            ]

    expected = measured()
    for name, value in TYPES.items():
        with warehouse.begin() as session:
            session.exec_driver_sql(f"drop table {table}")
            session.exec_driver_sql(
                f"create table {table} as select id, partition_date, version, miles, payment,"
                f" predicted, ({value})::{name} as actual from inference.kept"
            )
        for ours, theirs in zip(measured(), expected, strict=True):
            pd.testing.assert_frame_equal(ours, theirs, obj=name)


def test_a_label_that_is_neither_true_nor_false_is_no_label(warehouse: sa.Engine) -> None:
    found = fill(warehouse, "classification", [DAY], 300)
    with warehouse.begin() as session:
        before = realised(session, found, [DAY])
        session.exec_driver_sql(
            "alter table inference.classification alter actual type double precision"
            " using actual::integer::double precision"
        )
        session.execute(
            sa.text(
                "update inference.classification set actual = 2 where actual is null and id % 3 = 0"
            )
        )
        session.execute(
            sa.text(
                "update inference.classification set actual = 'NaN'"
                " where actual is null and id % 3 = 1"
            )
        )
        session.execute(
            sa.text("update inference.classification set actual = 'infinity' where actual is null")
        )
        after = realised(session, found, [DAY])
        errors = daily_errors(session, found, DAY, DAY, 0.9)
    pd.testing.assert_frame_equal(after, before)
    assert errors["rows"].tolist() == [before["labelled"].max()]
    assert errors["mean"].between(0, 0.9).all()


def test_bins_and_segments_spell_labels_as_python_reads_them(project: Project) -> None:
    with project.engine.begin() as session:
        session.exec_driver_sql(
            "create table team.labelled (id text, day date, label text, score double precision)"
        )
        insert = sa.text("insert into team.labelled values (:id, :day, :label, 0.5)")
        session.execute(
            insert,
            [
                {"id": f"{day} {number}", "day": day, "label": text}
                for day in ("2026-01-01", "2026-03-01")
                for number, text in enumerate([*SPELLED, None])
            ],
        )
    project.write(
        "select id, day as partition_date, label as target, score as predicted, score as one,"
        " 'v1' as version from team.labelled"
    )
    project.declare(
        "odd_names",
        task="classification",
        id="id",
        features={"one": {"kind": "numerical"}},
        segments=["target"],
    )
    found = classifier().model_copy(update={"name": "odd_names", "target": "target"})
    built = project.build(start_date="2026-01-01", end_date="2026-03-02")
    assert built.returncode == 0, built.stdout
    with project.engine.begin() as session:
        counts = pd.read_sql(
            sa.text(
                "select partition_date, category, sum(row_count) as rows, min(bin) as bin"
                " from metrics.column_histogram where column_name = 'target' and segment is null"
                " group by 1, 2"
            ),
            session,
        )
        segments = session.scalars(
            sa.text("select distinct segment_value from metrics.column_summary where segment <> ''")
        ).all()
        # Bins of a release that took labels as they are.
        session.exec_driver_sql(
            "update metrics.reference_bins set category = case category when 'true' then '1'"
            " else '0' end where category in ('true', 'false')"
        )
    line = tell_unreadable_labels(project.engine, found, dt.date(2026, 1, 1), dt.date(2026, 3, 1))
    assert line is not None
    neither = 2 * sum(label is None for label in SPELLED.values())
    assert f"{neither} values of target from 2026-01-01 to 2026-03-01 are neither true" in line
    expected = pd.Series(WORDS.values()).value_counts()
    for _, day in counts.groupby("partition_date"):
        of_day = day.dropna().set_index("category")["rows"].astype(int)
        assert of_day.to_dict() == expected.to_dict()
    assert set(segments) == {*expected.index, "(missing)"}
    assert project.build("column_summary", start_date="2026-03-01", end_date="2026-03-02")
    unseen = "select sum(unseen_count) from metrics.column_summary where column_name = 'target'"
    assert project.scalar(unseen) == 0
