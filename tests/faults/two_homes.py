"""Two homes, one dbt project, two warehouses, run at once: each has its own rows only.

python -m tests.faults.two_homes --times 20
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from driftmeter.warehouse import connection
from driftmeter.warehouse.embedded import EmbeddedPostgres

PROGRAMS = Path(sys.executable).parent
FIRST_DAYS, REFERENCE_DAYS = 16, 14
# Both have the same table; how many rows a day tells whose they are.
ROWS_A_DAY = {"one": 40, "other": 57}
ADD_DAY = """
insert into public.scores
select
    format('%s-%s', :day, n), date '2026-01-01' + cast(:day as integer) + interval '9 hours',
    random(), random() * 10, (array['red', 'green'])[1 + n % 2]
from generate_series(1, :rows) as n
"""
TABLE = """
create table public.scores (
    score_id text, scored_at timestamptz, score double precision, amount double precision,
    colour text
)
"""
# What dbt wrote of each day, and Python of those after the reference: days of which either did not
# write this warehouse's number of rows.
STRANGE = """
select count(*) from generate_series(0, cast(:last as integer)) as n
left join metrics.partitions
    on partitions.partition_date = date '2026-01-01' + n
left join metrics.column_profile as profile
    on profile.partition_date = date '2026-01-01' + n and profile.metric = 'row_count'
    and profile.column_name is null and profile.segment is null
where profile.value is distinct from :rows
    or (partitions.row_count is distinct from :rows and n >= :reference_days)
"""


@dataclass(frozen=True)
class Side:
    """One of the two: its directory, its embedded warehouse, and its number of rows a day."""

    home: Path
    project: Path
    rows: int

    def command(self, *arguments: str) -> "subprocess.Popen[str]":
        """A command of Driftmeter in the project, for this home."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("DRIFTMETER_", "DBT_"))}
        return subprocess.Popen(
            [PROGRAMS / "driftmeter", *arguments],
            cwd=self.project,
            env={**kept, "DRIFTMETER_HOME": str(self.home)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *arguments: str) -> None:
        """A command that has to succeed."""
        ended(self.command(*arguments))

    @property
    def engine(self) -> sa.Engine:
        """Its warehouse."""
        access = EmbeddedPostgres(self.home).access()
        assert access is not None
        return connection.engine(access.url)

    def add_day(self, day: int) -> None:
        """Rows of one more day."""
        with self.engine.begin() as session:
            session.execute(sa.text(ADD_DAY), {"day": day, "rows": self.rows})

    def strange_days(self, last: int) -> int:
        """Days of which its warehouse has no rows, or another's."""
        with self.engine.connect() as session:
            given = {"last": last, "rows": self.rows, "reference_days": REFERENCE_DAYS}
            return int(session.scalar(sa.text(STRANGE), given) or 0)


def ended(process: "subprocess.Popen[str]") -> None:
    """Wait for a command; all that it said, if it failed."""
    said, _ = process.communicate()
    if process.returncode:
        raise SystemExit(f"{process.args}\n{said}")


def prepare_sides(root: Path) -> list[Side]:
    """Two homes with a warehouse each, and one project that both use."""
    project = root / "scores"
    project.mkdir()
    sides = [Side(root / name, project, rows) for name, rows in ROWS_A_DAY.items()]
    for side in sides:
        side.run("up")
        with side.engine.begin() as session:
            session.exec_driver_sql(TABLE)
        for day in range(FIRST_DAYS):
            side.add_day(day)
    sides[0].run(
        *("init", "--table", "public.scores", "--yes", "--timestamp", "scored_at"),
        *("--id", "score_id", "--prediction", "score", "--task", "regression"),
        *("--reference", f"2026-01-01..2026-01-{REFERENCE_DAYS}"),
    )
    return sides


def run_at_once(sides: list[Side], times: int) -> list[int]:
    """Run both at once, with a day more each time; days that were strange, of each time."""
    found = []
    for number in range(times):
        started, last = time.perf_counter(), FIRST_DAYS + number
        for side in sides:
            side.add_day(last)
        for running in [side.command("run") for side in sides]:
            ended(running)
        found.append(sum(side.strange_days(last) for side in sides))
        seconds = time.perf_counter() - started
        print(f"{number + 1}: {2 * (last + 1)} days, {found[-1]} strange, {seconds:.0f} s")
    return found


def stop(sides: list[Side]) -> None:
    """Stop both warehouses."""
    for side in sides:
        EmbeddedPostgres(side.home).stop()


def main() -> None:
    """Both at once, as often as asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=20)
    times = parser.parse_args().times
    with tempfile.TemporaryDirectory(prefix="driftmeter-homes-") as root:
        sides = prepare_sides(Path(root))
        try:
            found = run_at_once(sides, times)
        finally:
            stop(sides)
    print(f"{times} times both at once: {sum(map(bool, found))} with a day of the other warehouse")
    raise SystemExit(bool(sum(found)))


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    main()
