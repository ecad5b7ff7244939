"""Tables that are split by month: filled ones, and two writers at once."""

import datetime as dt
import threading

import pytest
import sqlalchemy as sa

from driftmeter.warehouse import connection, migrate
from driftmeter.warehouse.months import make_months

DAY = dt.date(2019, 4, 30)
SHARES = (1, 5, 25, 50, 75, 95, 99)
# Two months of a monitor.
FILLED = """
insert into metrics.monitors values
    ('loans', 'team', 'regression', 'UTC', '2026-01-01', '2026-02-01', 1, 'x');
insert into metrics.partitions
    (monitor, partition_date, state, row_count, config_hash, duration_seconds)
select 'loans', '2026-03-20'::date + day, 'fresh', 10, 'x', 1 from generate_series(0, 29) as day;
insert into metrics.column_summary
    (monitor, partition_date, column_name, kind, row_count, null_count, mean, bins, bin_counts)
select 'loans', '2026-03-20'::date + day, column_name, 'numerical', 10, day % 3, day, '{1, 2}',
    array[4, 6]
from generate_series(0, 29) as day cross join unnest(array[null, 'amount']) as column_name;
insert into metrics.drift
    (monitor, partition_date, column_name, baseline, method, score, threshold, is_drifted,
    n_reference, n_current, status, engine)
select 'loans', '2026-03-20'::date + day, 'amount', 'reference', 'day_level', day, 25, day > 25,
    10, 10, 'ok', 'e'
from generate_series(0, 29) as day;
insert into metrics.performance
    (monitor, partition_date, metric, kind, value, lower, upper, label_coverage, state)
select 'loans', '2026-03-20'::date + day, 'mae', kind, day, day - 1, day + 1, 1, 'final'
from generate_series(0, 29) as day cross join unnest(array['realised', 'estimated']) as kind;
insert into metrics.test_results
    (monitor, partition_date, test, source, status, severity)
select 'loans', '2026-03-20'::date + day, 'row_count', 'evidently',
    case when day = 7 then 'fail' else 'pass' end, 'error'
from generate_series(0, 29) as day;
"""
# As a dbt that ran alone made it, with what a team added to it.
OF_DBT_ALONE = """
create schema metrics;
create table metrics.column_summary as
select
    'loans'::text as monitor, null::text as model_version,
    '2026-03-20'::date + day as partition_date,
    null::text as segment, null::text as segment_value, column_name, 'numerical'::text as kind,
    10::bigint as row_count, day::bigint % 3 as null_count, {counts},
    day::double precision as mean, {numbers}, '{{1, 2}}'::integer[] as bins,
    null::double precision[] as bin_lows, null::double precision[] as bin_highs,
    null::text[] as categories, array[4, 6]::bigint[] as bin_counts
from generate_series(0, 29) as day cross join unnest(array[null, 'amount']) as column_name;
create role auditor;
grant select on metrics.column_summary to auditor;
comment on table metrics.column_summary is 'kept'
"""


def is_split(session: sa.Connection, table: str) -> bool:
    return bool(
        session.scalar(
            sa.text("select relkind = 'p' from pg_class where oid = cast(:table as regclass)"),
            {"table": table},
        )
    )


def test_what_a_dbt_that_ran_alone_made_is_split_with_its_rows_grants_and_comment(
    warehouse: sa.Engine, warehouse_url: str
) -> None:
    counts = ("distinct", "zero", "out_of_range", "unaccepted", "unseen")
    numbers = ("stddev", "minimum", "maximum", *(f"p{share:02}" for share in SHARES))
    made = OF_DBT_ALONE.format(
        counts=", ".join(f"null::bigint as {name}_count" for name in counts),
        numbers=", ".join(f"null::double precision as {name}" for name in numbers),
    )
    # The start of a batch is a column that came with an upgrade.
    stored = (
        "select (to_jsonb(stored) - 'partition_start')::text"
        " from metrics.column_summary as stored order by partition_date, column_name"
    )
    with warehouse.begin() as session:
        session.exec_driver_sql("drop schema raw, metrics, dagster cascade")
        session.exec_driver_sql(made.replace("%", "%%"))
        before = session.exec_driver_sql(stored).all()
    assert len(before) == 60
    migrate.upgrade(warehouse)
    engine = connection.engine(warehouse_url)
    with engine.begin() as session:
        assert session.exec_driver_sql(stored).all() == before
        shown = (
            "select count(*) from metrics.column_profile"
            " where metric = 'mean' and column_name = 'amount'"
        )
        assert session.exec_driver_sql(shown).scalar() == 30
        parts = session.scalars(
            sa.text("select inhrelid::regclass::text from pg_inherits order by 1")
        ).all()
        kept = session.exec_driver_sql(
            "select has_table_privilege('auditor', 'metrics.column_summary', 'select'),"
            " obj_description('metrics.column_summary'::regclass)"
        ).one()
        session.exec_driver_sql("drop owned by auditor; drop role auditor")
    assert [part for part in parts if "_idx" not in part] == [
        f"metrics.column_summary_2026_0{month}" for month in (3, 4)
    ]
    assert tuple(kept) == (True, "kept")


def test_a_day_is_read_from_its_month_alone(warehouse: sa.Engine) -> None:
    with warehouse.begin() as session:
        days = [dt.date(2019, month, 1) for month in range(1, 13)]
        assert make_months(session, "metrics.drift", days) == 12
        assert make_months(session, "metrics.drift", days) == 0
        plan = session.exec_driver_sql(
            "explain select * from metrics.drift where partition_date = '2019-04-30'"
        )
        text = "\n".join(plan.scalars())
    assert "drift_2019_04" in text
    assert "drift_2019_05" not in text


def test_of_two_writers_of_a_new_month_one_waits_and_both_have_it(warehouse: sa.Engine) -> None:
    row = sa.text(
        "insert into metrics.test_results (monitor, partition_date, test, source, status, severity)"
        " values (:monitor, :day, 't', 'dbt', 'pass', 'warn')"
    )
    made: list[int] = []

    def write() -> None:
        with warehouse.begin() as session:
            made.append(make_months(session, "metrics.test_results", [DAY]))
            session.execute(row, {"monitor": "second", "day": DAY})

    with warehouse.begin() as session:
        made.append(make_months(session, "metrics.test_results", [DAY]))
        second = threading.Thread(target=write)
        second.start()
        second.join(0.5)
        assert second.is_alive()
        # Who writes another month, or reads, does not wait.
        with warehouse.begin() as other:
            other.exec_driver_sql("set local lock_timeout = '2s'")
            assert other.scalar(sa.text("select count(*) from metrics.test_results")) == 0
        session.execute(row, {"monitor": "first", "day": DAY})
    second.join()
    assert made == [1, 0]
    with warehouse.connect() as session:
        assert session.scalar(sa.text("select count(*) from metrics.test_results_2019_04")) == 2


@pytest.mark.parametrize(
    ("more", "splits"),
    [
        ("", True),
        ("create view public.mine as select * from public.scores", False),
        ("alter table public.scores add primary key (id)", False),
        ("alter table public.scores add unique (id, partition_date)", True),
        ("insert into public.scores values (3, null)", False),
    ],
)
def test_a_table_is_split_unless_something_would_be_lost(
    warehouse: sa.Engine, more: str, splits: bool
) -> None:
    with warehouse.begin() as session:
        session.exec_driver_sql(
            "create table public.scores (id bigint, partition_date date);"
            "insert into public.scores values (1, '2019-04-30'), (2, '2019-05-01');" + more
        )
        before = session.exec_driver_sql("select * from public.scores order by id").all()
        query = sa.text("select metrics.split_by_month('public.scores')")
        assert session.scalar(query) is splits
        assert session.scalar(query) is False
        assert is_split(session, "public.scores") is splits
        assert session.exec_driver_sql("select * from public.scores order by id").all() == before


def test_a_table_with_a_long_name_of_its_own_has_months(warehouse: sa.Engine) -> None:
    names = [f'public."{"Ä" * 20}{"long" * 4} {digit}"' for digit in (1, 2)]
    with warehouse.begin() as session:
        for name in names:
            session.exec_driver_sql(
                f"create table {name} (partition_date date) partition by range (partition_date)"
            )
            assert make_months(session, name, [DAY]) == 1
            session.exec_driver_sql(f"insert into {name} values ('2019-04-30')")
