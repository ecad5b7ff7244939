"""Fifty monitors with a year each in one warehouse: runs, and pages of twenty viewers meanwhile.

    python -m benchmarks.many_monitors

On a Postgres of its own, from a seed: a table a monitor, as `init` declares them, a week measured
by `driftmeter run`, and that week repeated to a year. A day's run and `status` are timed before the
year is there and after. Then viewers open pages of the dashboards, any page of any monitor over 30
days, one every half minute; for a minute alone, then while `driftmeter run` measures days of all
monitors. A page is as fast as all of its panels' queries one after the other.
"""

import argparse
import datetime as dt
import json
import os
import platform
import random
import statistics
import threading
import time
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from benchmarks.large_days import DRIFTMETER, NORMAL, run, seconds
from benchmarks.long_history import repeat_days
from benchmarks.own_warehouse import own_warehouse
from driftmeter.dashboards.macros import expand
from driftmeter.dashboards.preview.frames import Scope
from driftmeter.dashboards.write import DASHBOARDS
from driftmeter.warehouse import connection
from driftmeter.warehouse.reader import set_reader_password

SEED = 7
RESULTS = Path(__file__).parent / "results"
FIRST_ROW, REFERENCE = dt.date(2026, 1, 1), "2026-01-01..2026-01-30"
FIRST, DAYS, COPIES = dt.date(2026, 1, 31), 7, 52
# Days of rows after the year, for a run of one and for a backfill.
LATER_DAYS = 8
ROWS_A_DAY = 300
VIEWERS, SECONDS_BETWEEN_PAGES, SECONDS_ALONE = 20, 30, 60
SHOWN = dt.timedelta(days=30)
# The limits: of a page that 95 of 100 stay under, and of a day's run with a year to that without.
LIMIT_PAGE_SECONDS, LIMIT_GROWTH = 2.0, 1.1
TABLE = f"""
create table public.{{name}} as
select
    row_number() over () as id, 'v1'::text as model_version,
    day + random() * interval '23 hours' as scored_at,
    exp(2 + 0.7 * {NORMAL}) as price, random() * 100 as weight,
    floor(random() * 24)::integer as hour,
    (array['shop', 'web', 'phone', 'agent'])[1 + floor(4 * random())::integer] as channel,
    (array['north', 'south', 'east', 'west'])[1 + floor(4 * random() ^ 2)::integer] as region,
    random() * 60 as prediction, random() * 60 as target
from (
    select generate_series(timestamptz '{FIRST_ROW} 00:00+00', '{{week}} 00:00+00', '1 day') as day
    union all select generate_series(timestamptz '{{later}} 00:00+00', '{{last}} 00:00+00', '1 day')
) as days
cross join generate_series(1, {ROWS_A_DAY})
"""


def main() -> None:
    """Print and keep the figures; exit code 1 if one is over its limit."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--monitors", type=int, default=50)
    parser.add_argument("--seed", type=int, default=SEED)
    options = parser.parse_args()
    with own_warehouse() as home:
        project = home / "project"
        project.mkdir()
        figures = measure(connection.engine(), project, options)
    (RESULTS / "many_monitors.json").write_text(json.dumps(figures, indent=2) + "\n")
    print(json.dumps(figures, indent=2))
    raise SystemExit(bool(figures["over_limit"]))


def measure(engine: sa.Engine, project: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Fill the tables, run a week, make it a year, run on, and look at pages meanwhile."""
    names = [f"scores_{number:02}" for number in range(1, options.monitors + 1)]
    year_ends = FIRST + dt.timedelta(days=DAYS * COPIES - 1)
    later = [year_ends + dt.timedelta(days=number) for number in range(1, LATER_DAYS + 1)]
    fill(engine, names, later, options.seed)
    declare(project, names)
    week = [FIRST + dt.timedelta(days=number) for number in range(DAYS)]
    week_seconds = seconds(project, DRIFTMETER, "run", *span(week))
    before = one_day(project, week[-1]), status(project)
    repeat_days(engine, FIRST, DAYS, COPIES)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as session:
        session.exec_driver_sql("vacuum analyze")
    after = one_day(project, later[0]), status(project)
    reader = sa.create_engine(connection.engine(set_reader_password(engine)).url, pool_size=VIEWERS)
    alone = Viewers(reader, names, year_ends, options.seed)
    alone.look_for(SECONDS_ALONE)
    meanwhile = Viewers(reader, names, year_ends, options.seed + 1)
    backfill = meanwhile.look_while(project, "run", *span(later[1:]))
    with engine.connect() as session:
        bytes_ = session.scalar(sa.text("select pg_database_size(current_database())"))
        days = session.scalar(sa.text("select count(*) from metrics.partitions"))
    growth = after[0] / before[0]
    figures = {
        "seed": options.seed,
        "monitors": len(names),
        "days_of_monitors": days,
        "gib": round(bytes_ / 2**30, 2),
        "seconds": {
            "first_week_of_all_with_reference": round(week_seconds, 1),
            "one_day_of_one_before_the_year": round(before[0], 2),
            "one_day_of_one_after_it": round(after[0], 2),
            "status_before": round(before[1], 2),
            "status_after": round(after[1], 2),
            "backfill_of_all": round(backfill, 1),
            "backfill_a_day_and_monitor": round(backfill / len(names) / (LATER_DAYS - 1), 3),
        },
        "one_day_after_over_before": {"value": round(growth, 3), "asked": LIMIT_GROWTH},
        "viewers": VIEWERS,
        "seconds_between_pages_of_a_viewer": SECONDS_BETWEEN_PAGES,
        "pages_alone": alone.figures(),
        "pages_while_a_backfill_writes": meanwhile.figures(),
        "page_limit_seconds": LIMIT_PAGE_SECONDS,
        "python": platform.python_version(),
        "cores": os.cpu_count(),
    }
    slow = meanwhile.figures()["seconds_of_95_in_100"] > LIMIT_PAGE_SECONDS
    return {**figures, "over_limit": growth > LIMIT_GROWTH or slow}


def fill(engine: sa.Engine, names: list[str], later: list[dt.date], seed: int) -> None:
    """A table a monitor: its reference, its week, and the days after the year."""
    week = FIRST + dt.timedelta(days=DAYS - 1)
    with engine.begin() as session:
        session.exec_driver_sql(f"select setseed({seed / 100})")
        for name in names:
            session.exec_driver_sql(
                TABLE.format(name=name, week=week, later=later[0], last=later[-1])
            )
            session.exec_driver_sql(f"create index on public.{name} (scored_at)")


def declare(project: Path, names: list[str]) -> None:
    """Declare the first by `init`, and the others by files like its own."""
    run(project, DRIFTMETER, "up")
    run(
        project, DRIFTMETER, "init", "--table", f"public.{names[0]}", "--segments", "region",
        "--target", "target", "--task", "regression", "--reference", REFERENCE, "--yes",
    )  # fmt: skip
    for file in sorted((project / "models").glob(f"{names[0]}.*")):
        for name in names[1:]:
            text = file.read_text().replace(names[0], name)
            file.with_stem(name).write_text(text)
    of_project = project / "dbt_project.yml"
    item = f"  - {names[0]}\n"
    listed = "".join(f"  - {name}\n" for name in names)
    of_project.write_text(of_project.read_text().replace(item, listed))


def span(days: list[dt.date]) -> tuple[str, ...]:
    """A command's options for these days."""
    return "--from", str(days[0]), "--to", str(days[-1])


def one_day(project: Path, day: dt.date) -> float:
    """Seconds of one monitor's day, the best of three: a shared machine has slow minutes."""
    command = ("run", "--monitor", "scores_01", *span([day]))
    return min(seconds(project, DRIFTMETER, *command) for _ in range(3))


def status(project: Path) -> float:
    """Seconds of `driftmeter status` of all monitors, the best of three."""
    return min(seconds(project, DRIFTMETER, "status") for _ in range(3))


class Viewers:
    """People who open pages of the dashboards, side by side.

    Parameters
    ----------
    reader : sqlalchemy.Engine
        As Grafana's role.
    last : datetime.date
        The newest day that a page shows.
    """

    def __init__(self, reader: sa.Engine, names: list[str], last: dt.date, seed: int) -> None:
        self.reader, self.names, self.last, self.seed = reader, names, last, seed
        self.pages: list[float] = []
        self.queries: list[float] = []
        self.failed: list[str] = []
        self._ends = threading.Event()
        self._viewers = [
            threading.Thread(target=self._view, args=(number,)) for number in range(VIEWERS)
        ]

    def look_for(self, duration: float) -> None:
        """Look at pages for so many seconds."""
        self._begin()
        time.sleep(duration)
        self._end()

    def look_while(self, project: Path, *command: str) -> float:
        """Look at pages while a command runs; gives its seconds."""
        self._begin()
        try:
            return seconds(project, DRIFTMETER, *command)
        finally:
            self._end()

    def figures(self) -> dict[str, Any]:
        """What they saw."""
        assert not self.failed, self.failed[0]
        return {
            "pages": len(self.pages),
            "queries": len(self.queries),
            "median_seconds": round(statistics.median(self.pages), 3),
            "seconds_of_95_in_100": round(statistics.quantiles(self.pages, n=20)[-1], 3),
            "slowest_seconds": round(max(self.pages), 3),
            "median_ms_of_a_query": round(1000 * statistics.median(self.queries), 1),
            "ms_of_95_in_100_queries": round(
                1000 * statistics.quantiles(self.queries, n=20)[-1], 1
            ),
        }

    def _begin(self) -> None:
        for viewer in self._viewers:
            viewer.start()

    def _end(self) -> None:
        self._ends.set()
        for viewer in self._viewers:
            viewer.join()

    def _view(self, number: int) -> None:
        draw = random.Random(f"{self.seed} {number}")
        wait = draw.uniform(0, SECONDS_BETWEEN_PAGES)
        while not self._ends.wait(wait):
            started = time.perf_counter()
            try:
                self._open(draw.choice(DASHBOARDS), draw.choice(self.names))
            except sa.exc.SQLAlchemyError as error:
                self.failed.append(str(error))
                return
            took = time.perf_counter() - started
            self.pages.append(took)
            wait = max(0.0, SECONDS_BETWEEN_PAGES - took)

    def _open(self, dashboard: Any, monitor: str) -> None:
        scope = Scope(
            first=dt.datetime.combine(self.last - SHOWN, dt.time.min, dt.timezone.utc),
            last=dt.datetime.combine(self.last, dt.time.max, dt.timezone.utc),
            values={
                "monitor": monitor,
                "model_version": ["v1"],
                "segment": "all rows",
                "column": "price",
                "metric": "mae",
            },
        )
        with self.reader.connect() as session:
            session = session.execution_options(no_parameters=True)
            for panel in dashboard.to_json()["panels"]:
                for target in panel.get("targets", []):
                    sql = expand(target["rawSql"], scope.first, scope.last, scope.values)
                    started = time.perf_counter()
                    session.exec_driver_sql(sql).all()
                    self.queries.append(time.perf_counter() - started)


if __name__ == "__main__":
    main()
