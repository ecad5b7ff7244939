"""`driftmeter run`: measures days of the inference tables."""

from dagster_driftmeter.cli.arguments import (
    FirstDay,
    LastDay,
    OnlyMonitor,
    Stale,
    WatchDays,
    Workers,
    read_date,
    read_days,
    tell_start,
)
from dagster_driftmeter.cli.check_monitors import tell_wrong_expressions
from dagster_driftmeter.runs.environment import prepare
from dagster_driftmeter.runs.terminal import say
from driftmeter.imports import many_imports
from driftmeter.warehouse import connection
from driftmeter.warehouse.retention.plan import refuse_days_without_rows


def run(
    monitor: OnlyMonitor = None,
    from_date: FirstDay = None,
    to_date: LastDay = None,
    stale: Stale = False,
    watch_days: WatchDays = None,
    workers: Workers = None,
) -> None:
    """Measure days of the inference tables: data quality, drift, performance and incidents.

    Without --from and --to, the command measures the days that are new in each monitor's table,
    the days that changed since they were measured, and the days on which rows were due and none
    came. With --to alone, it does so for days up to that one. With --from alone, it measures every
    day from that one to the newest day with rows that has ended. It measures the reference period
    first if that has not been measured. You can run a day twice: its results are replaced as a
    whole.

    Example: driftmeter run --monitor NAME --from 2026-01-01 --to 2026-01-31
    """
    until = None if to_date is None else read_date("--to", to_date)
    first = None if from_date is None else read_date("--from", from_date)
    days = None if first is None or until is None else read_days(from_date, to_date)
    tell_start()
    prepare()
    with many_imports():
        from dagster_driftmeter.cli.summary import (
            looked_at,
            newest_rows,
            open_gaps,
            print_summary,
        )
        from dagster_driftmeter.runs.chain import (
            ChainRun,
            Wanted,
            combined,
            days_from,
            measure,
            measure_arrived,
            measure_stale,
        )
    tell_wrong_expressions(monitor)
    if first is not None and days is None and not stale:
        days = days_from(first, monitor)
    if days is not None and not stale:
        refuse_days_without_rows(connection.engine(), days, monitor)
        print_summary(measure(days, monitor, workers))
        return
    runs: list[ChainRun] = []
    try:
        wanted = Wanted(until, watch_days)
        for done in (measure_stale if stale else measure_arrived)(monitor, workers, wanted):
            runs.append(done)
    finally:
        # Days that are done are told, also where a later one failed.
        for done in combined(runs):
            print_summary(done)
    if not runs:
        say("no day is stale" if stale else "no day is new, and no day changed")
        for line in looked_at(monitor, watch_days):
            say(line)
        for line in [*open_gaps(connection.engine(), monitor), *newest_rows(monitor)]:
            say(line)
