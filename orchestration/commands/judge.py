"""`driftmeter judge`: what another alarm policy would have alarmed, from stored results."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from orchestration.commands.arguments import monitor_named, read_date
from python_metrics import settings
from python_metrics.errors import DriftmeterError

if TYPE_CHECKING:
    from python_metrics.calibration.verdicts import Verdict
    from python_metrics.monitors.config import Monitor

# What of a monitor is policy: the rest decides what is measured, and needs days computed anew.
POLICY = (
    "alarm_budget.false_alarms_per_month",
    "least_effect.shift",
    "least_effect.share",
)


def judge(
    monitor: Annotated[str, typer.Option(help="The monitor.")],
    from_date: Annotated[str, typer.Option("--from", metavar="YYYY-MM-DD", help="First day.")],
    to_date: Annotated[str, typer.Option("--to", metavar="YYYY-MM-DD", help="Last day, included.")],
    changes: Annotated[
        Optional[list[str]],
        typer.Option("--set", metavar="FIELD=VALUE", help=f"One of {', '.join(POLICY)}."),
    ] = None,
) -> None:
    """Show what a policy would have alarmed on days that were computed; nothing is written.

    Example: driftmeter judge --monitor NAME --from 2026-01-01 --to 2026-01-31
    --set alarm_budget.false_alarms_per_month=0.5
    """
    from python_metrics.calibration import detect
    from python_metrics.warehouse import connection

    declared = monitor_named(monitor)
    first, last = read_date("--from", from_date), read_date("--to", to_date)
    asked = with_policy(declared, changes or [])
    engine, cache = connection.engine(), settings.home() / "calibration"
    then = detect.judge_stored(engine, declared, first, last, cache)
    now = detect.judge_stored(engine, asked, first, last, cache) if changes else then
    show(asked, [(day, then[day], now[day]) for day in now])


def with_policy(monitor: "Monitor", changes: Sequence[str]) -> "Monitor":
    """The monitor with other alarm fields, checked as its YAML is."""
    from pydantic import ValidationError

    content: dict[str, Any] = monitor.model_dump(by_alias=True)
    for change in changes:
        field, equals, value = change.partition("=")
        if field not in POLICY or not equals:
            raise DriftmeterError(
                f"{change!r} sets no alarm policy",
                where="--set",
                fix=f"write FIELD=VALUE with FIELD one of {', '.join(POLICY)}",
            )
        group, _, name = field.partition(".")
        content[group] = {**content[group], name: value}
    try:
        return type(monitor).model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        raise DriftmeterError(
            f"{'.'.join(map(str, first['loc']))}: {first['msg'].lower()}",
            where="--set",
            fix="write a number in its range",
        ) from error


def show(monitor: "Monitor", days: "Sequence[tuple[Any, list[Verdict], list[Verdict]]]") -> None:
    """Days with an alarm under either policy, and how many there are."""
    from rich import box
    from rich.table import Table

    from orchestration.terminal import console

    terminal = console()
    table = Table("day", "as declared", "with this policy", box=box.SIMPLE_HEAD)
    counts = [0, 0]
    for day, then, now in days:
        names = [_names(then), _names(now)]
        counts = [count + bool(name) for count, name in zip(counts, names, strict=True)]
        if any(names):
            table.add_row(str(day), *names)
    budget = monitor.alarm_budget.false_alarms_per_month
    terminal.print(table if any(counts) else "no alarm on any day")
    terminal.print(
        f"{len(days)} days: {counts[0]} with an alarm as declared, {counts[1]} with this policy"
        f" ({budget:g} false alarms a month)"
    )


def _names(verdicts: "Sequence[Verdict]") -> str:
    """The columns in alarm, the plainest first, and how many segments beside."""
    alarms = sorted((v for v in verdicts if v.is_drifted), key=lambda v: v.p_value or 0)
    columns = [v.column_name or "all columns together" for v in alarms if v.segment is None]
    segments = [v for v in alarms if v.segment is not None]
    if not columns and segments:
        first = segments[0]
        return f"{first.column_name} in {first.segment} = {first.segment_value}"
    more = f" +{len(columns) - 3}" if len(columns) > 3 else ""
    return ", ".join(columns[:3]) + more
