"""`driftmeter groups`: shows how alike a model treats the groups of its protected columns."""

from typing import TYPE_CHECKING, Annotated

import typer

from dagster_driftmeter.cli.arguments import AsJson, NamedMonitor, monitor_named, read_date
from dagster_driftmeter.runs.terminal import console, say, say_json
from driftmeter.errors import DriftmeterError
from driftmeter.warehouse import connection

if TYPE_CHECKING:
    from driftmeter.performance.group_table import GroupRow


def groups(
    monitor: NamedMonitor,
    date: Annotated[str, typer.Option(metavar="YYYY-MM-DD", help="The day, or a batch's first.")],
    as_json: AsJson = False,
) -> None:
    """Show each group of the protected columns beside all other rows of a day.

    For a classifier these are the selection rate, the true and the false positive rate and
    calibration; for a regression the mean prediction and the mean error. Each difference has its
    95% interval and the usual difference of the reference period. Nothing is computed or written:
    run `driftmeter run` first.

    Example: driftmeter groups --monitor NAME --date 2026-01-31
    """
    from driftmeter.performance.group_table import groups_of_day, lowest_ratios

    declared, day = monitor_named(monitor), read_date("--date", date)
    if not declared.protected:
        raise DriftmeterError(
            f"{monitor} declares no protected column",
            where="--monitor",
            fix="add `protected: [COLUMN]` to its YAML, and run `driftmeter run`",
        )
    with connection.engine().connect() as session:
        rows = groups_of_day(session, declared, day)
    if not rows:
        raise DriftmeterError(
            f"{declared.cadence.named(day)} has no row of a group",
            where=f"{monitor}, --date",
            fix="name a day that has rows and was measured, or run `driftmeter run`",
        )
    if as_json:
        say_json([{**vars(row), "verdict": row.verdict} for row in rows])
        return
    _show(rows)
    for row in lowest_ratios(rows):
        interval = (
            "" if row.ratio_lower is None else f" ({_within(row.ratio_lower, row.ratio_upper)})"
        )
        say(
            f"Lowest selection rate over the highest, by {row.column_name}: {row.ratio:.2f}"
            f"{interval}, of {row.group_value}. The four-fifths rule asks for at least 0.8."
        )


def _show(rows: "list[GroupRow]") -> None:
    from rich import box
    from rich.table import Table

    table = Table("column", "group", "statistic", box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("rows", "group's", "others'", "difference", "95% interval", "reference"):
        table.add_column(heading, justify="right")
    table.add_column("verdict")
    for row in rows:
        is_share = row.metric not in ("mean_prediction", "mean_error")
        interval = "" if row.lower is None else _within(row.lower, row.upper, is_share=is_share)
        table.add_row(
            row.column_name,
            row.group_value,
            row.metric.replace("_", " "),
            f"{row.row_count:,}",
            *(
                _number(value, is_share=is_share)
                for value in (row.value, row.other_value, row.difference)
            ),
            interval,
            _number(row.expected, is_share=is_share),
            row.verdict,
        )
    console().print(table)


def _within(lower: "float | None", upper: "float | None", *, is_share: bool = False) -> str:
    written = [_number(value, is_share=is_share) or "no bound" for value in (lower, upper)]
    return " to ".join(written)


def _number(value: "float | None", *, is_share: bool = False) -> str:
    """A share in percent, any other number in three digits."""
    if value is None:
        return ""
    return f"{value:.1%}" if is_share else f"{value:.3g}"
