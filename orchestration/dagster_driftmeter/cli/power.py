"""`driftmeter power`: says how large a change of each column must be to be found."""

import json
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from dagster_driftmeter.cli.arguments import AsJson, NamedMonitor, monitor_named
from dagster_driftmeter.runs.terminal import console
from driftmeter import settings
from driftmeter.errors import DriftmeterError
from driftmeter.monitors.config import Monitor
from driftmeter.monitors.days import EVER
from driftmeter.warehouse import connection

if TYPE_CHECKING:
    from driftmeter.alarms.findable import Findable


def power(
    monitor: NamedMonitor,
    columns: Annotated[
        Optional[list[str]],
        typer.Option("--column", help="This column only; may be given more than once."),
    ] = None,
    rows: Annotated[
        Optional[int],
        typer.Option(min=1, help="Rows a day to try; those of the reference days without it."),
    ] = None,
    budget: Annotated[
        Optional[float],
        typer.Option(min=0.001, help="False alarms a month to try; the monitor's without it."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show the smallest change of each column that is found four times in five.

    Days are drawn from the reference period's counts and held against the monitor's thresholds.
    With --rows or --budget you see what would be found with more rows a day or more false alarms.
    Without an option, the answer is also kept for the dashboard Drift.

    Example: driftmeter power --monitor NAME --budget 2
    """
    declared = monitor_named(monitor)
    engine = connection.engine_of(declared)
    if budget is not None:
        content = declared.model_dump(by_alias=True)
        content["alarm_budget"] = {"false_alarms_per_month": budget}
        declared = type(declared).model_validate(content)
    unknown = [name for name in columns or () if name not in declared.columns]
    if unknown:
        raise DriftmeterError(
            f"{monitor} has no column {unknown[0]}",
            where="--column",
            fix=f"name one of {', '.join(declared.columns)}",
        )
    found = _found(engine, declared, columns or list(declared.columns), rows)
    if not columns and rows is None and budget is None:
        from driftmeter.alarms.findable import store_findable

        with engine.begin() as session:
            store_findable(session, declared, found)
    if as_json:
        typer.echo(json.dumps([vars(each) for each in found], indent=2))
    else:
        _show(declared, found, rows)


def _found(
    engine: Any, monitor: Monitor, columns: list[str], rows: Optional[int]
) -> "list[Findable]":
    """What is found of each column."""
    from dagster_driftmeter.runs.progress import track
    from driftmeter.alarms.calibrate import calibrate
    from driftmeter.alarms.detect import computed_days, measured_config, newest_calibration
    from driftmeter.alarms.findable import findable
    from driftmeter.quality.histograms import ColumnPart, load_counts

    span = monitor.reference
    with engine.begin() as session:
        days = computed_days(session, monitor, *EVER)
        config_hash = measured_config(session, monitor, days)
        counts = load_counts(session, monitor, span.from_date, span.to_date)
    if config_hash is None:
        raise DriftmeterError(
            f"no day of {monitor.name} has been measured",
            where="--monitor",
            fix="run `driftmeter run` first",
        )
    calibration = calibrate(engine, monitor, config_hash, settings.home() / "calibration")
    with engine.begin() as session:
        calibration = newest_calibration(session, monitor, calibration)
    if calibration.too_short:
        raise DriftmeterError(calibration.too_short, where=monitor.name, fix="widen `reference`")
    of_column = {name: counts.get(ColumnPart(None, None, name)) for name in columns}
    # Of a column without a value in the reference period nothing can be drawn.
    drawn = {name: each for name, each in of_column.items() if each and each.known.any()}
    return [
        each
        for name, reference in track(f"power of {monitor.name}", list(drawn.items()))
        for each in findable(monitor, calibration, reference, name, rows)
    ]


def _show(monitor: Monitor, found: "list[Findable]", rows: Optional[int]) -> None:
    from rich import box
    from rich.table import Table

    table = Table("column", "what changes", "reference", box=box.SIMPLE_HEAD, pad_edge=False)
    lengths = dict.fromkeys(length for each in found for length in each.within)
    for length in lengths:
        table.add_column(f"within {monitor.cadence.counted(length)}", justify="right")
    for each in found:
        usual = "" if each.usual is None else f"{each.usual:.1%}"
        shown = [
            _size(each, each.within[length]) if length in each.within else "" for length in lengths
        ]
        table.add_row(each.column, each.change, usual, *shown)
    terminal, every = console(), monitor.every
    drawn = (
        f"the rows of the reference {every}s"
        if rows is None
        else f"{rows:,} rows {monitor.cadence.one}"
    )
    terminal.print(table)
    terminal.print(
        "A change of this size alarms in four of five cases, at"
        f" a budget of {monitor.alarm_budget.false_alarms_per_month:g} false alarms a month"
        f" and {drawn}."
        f" {every.capitalize()}s are counted from the first {'on' if every == 'day' else 'in'}"
        " which it is there.",
        highlight=False,
    )


def _size(found: "Findable", size: Optional[float]) -> str:
    """A size in the column's unit, or in percentage points."""
    if size is None:
        return "not found"
    if found.usual is not None:
        return f"+{100 * size:.3g} points"
    if found.spread_in_unit is None:
        return f"{size:.2g} sd"
    return f"{size * found.spread_in_unit:.3g} {found.unit or ''} ({size:.2g} sd)".replace(
        "  ", " "
    )
