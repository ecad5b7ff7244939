"""Alarms on real trips: calm days in any order, and what was found in fifteen months.

    driftmeter demo --source files --dir DIR --from 2019-04-01 --to 2020-06-30
    python -m benchmarks.real_trips --calm 2019-03-01 2019-06-30 --out DIR

The first part takes calm days whose order is shuffled within weekdays, so that nothing but their
own wandering tells reference from judged days, and counts days with an alarm; the domain
classifier's share of the budget is spent and not used. The second lists every incident, and counts
days with an alarm by month.
"""

import argparse
import datetime as dt
from collections import Counter
from pathlib import Path

import numpy as np
import sqlalchemy as sa

from benchmarks.detection import MONTH, SEED, interval
from dagster_driftmeter.dbt.project_manifest import monitors
from driftmeter.alarms.calibrate import Calibration
from driftmeter.alarms.column import calibrate_column, judge_columns
from driftmeter.alarms.verdicts import verdicts_of_day
from driftmeter.monitors.config import Monitor
from driftmeter.quality.counts import Counts
from driftmeter.quality.histograms import ColumnPart, load_counts
from driftmeter.warehouse import connection

REFERENCE = 59
LIST = (
    "select incident_id, kind, severity, opened_on, last_seen_on, days, reopened, diagnosis"
    " from metrics.incidents where monitor = :monitor order by opened_on, incident_id"
)
BY_MONTH = (
    "with days as (select to_char(partition_date, 'YYYY-MM') as month, partition_date,"
    " bool_or(is_drifted) as is_alarm"
    " from metrics.drift_scored where monitor = :monitor group by 1, 2)"
    " select month, count(*) as days, count(*) filter (where is_alarm) as alarm_days,"
    " (select count(*) from metrics.incidents where monitor = :monitor"
    " and to_char(opened_on, 'YYYY-MM') = month) as opened"
    " from days group by 1 order by 1"
)


def shuffled(monitor: Monitor, counts: dict[ColumnPart, Counts], seed: int) -> list[dt.date]:
    """Days with an alarm, of the judged ones of one shuffle."""
    generator = np.random.default_rng([SEED, seed])
    some = next(iter(counts.values()))
    order = np.arange(len(some.days))
    for weekday in range(7):
        places = np.flatnonzero(some.weekdays == weekday)
        order[places] = generator.permutation(places)
    mixed = {
        part: Counts(each.kind, each.days, each.known[order], each.missing[order], each.low)
        for part, each in counts.items()
    }
    first = np.arange(REFERENCE)
    columns = {
        part: calibrate_column(each.only(first))
        for part, each in mixed.items()
        if np.median(each.rows[:REFERENCE]) >= monitor.min_rows
    }
    rows = {part: float(mixed[part].known[:REFERENCE].sum()) for part in columns}
    calibration = Calibration(columns, REFERENCE, rows, None)
    evidence = judge_columns(columns, mixed)
    alarm_days = []
    for place in range(REFERENCE, len(order)):
        known = {part: float(each.known[place].sum()) for part, each in mixed.items()}
        day = some.days[place].astype(dt.date)
        verdicts = verdicts_of_day(monitor, calibration, evidence, known, place, day, None, None)
        if any(verdict.is_drifted for verdict in verdicts):
            alarm_days.append(some.days[order[place]].astype(dt.date))
    return alarm_days


def main() -> None:
    """Print both parts as Markdown, and write them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--monitor", default="trip_duration")
    parser.add_argument("--calm", nargs=2, type=dt.date.fromisoformat, required=True)
    parser.add_argument("--shuffles", type=int, default=40)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    monitor = monitors()[options.monitor]
    with connection.engine().connect() as session:
        counts = load_counts(session, monitor, *options.calm)
        incidents = session.execute(sa.text(LIST), {"monitor": monitor.name}).all()
        months = session.execute(sa.text(BY_MONTH), {"monitor": monitor.name}).all()
    days = len(next(iter(counts.values())).days) - REFERENCE
    alarms: Counter[dt.date] = Counter()
    for seed in range(options.shuffles):
        alarms.update(shuffled(monitor, counts, seed))
    judged, hits = days * options.shuffles, sum(alarms.values())
    low, high = interval(hits, judged)
    lines = [
        f"Seed {SEED}, budget {monitor.alarm_budget.false_alarms_per_month:g} a month.\n",
        f"Calm days of {options.calm[0]} to {options.calm[1]}, shuffled within weekdays"
        f" {options.shuffles} times, {judged:,} judged days: {MONTH * hits / judged:.2f} days with"
        f" an alarm a month ({MONTH * low:.2f} to {MONTH * high:.2f}, if days were independent)."
        " They are few days, drawn again and again: "
        + ", ".join(f"{day} ({count})" for day, count in alarms.most_common(8))
        + ".\n",
        "| month | days | with an alarm | incidents opened |",
        "|---|---:|---:|---:|",
        *(f"| {m.month} | {m.days} | {m.alarm_days} | {m.opened} |" for m in months),
        "",
        "| opened | last seen | days | kind | what was said |",
        "|---|---|---:|---|---|",
        *(
            f"| {i.opened_on} | {i.last_seen_on} | {i.days} | {i.kind} | {i.diagnosis} |"
            for i in incidents
        ),
    ]
    text = "\n".join(lines) + "\n"
    print(text)
    if options.out:
        (options.out / "real_trips.md").write_text(text)


if __name__ == "__main__":
    main()
