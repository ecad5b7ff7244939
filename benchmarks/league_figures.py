"""What a monitor said of its days: alarms, incidents, messages, known events, and estimates."""

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import sqlalchemy as sa

from benchmarks.detection import MONTH
from benchmarks.league_tables import ERRORS, Event, Table
from driftmeter.incidents.messages import AT_ONCE, FAMILY, OPENING, PAGED_KINDS

METRICS = {"classification": ("accuracy", "brier", "roc_auc"), "regression": ("mae", "rmse")}
# Metrics that are means over rows, so that a month's is the mean of its days by their rows.
MEANS = ("accuracy", "brier", "mae")

OF_ERROR = (
    "evidence ? 'error' or evidence ? 'estimate'"
    " or kind in ('performance_drop', 'concept_drift') as is_of_error"
)
DAYS = (
    "select partition_date as day, state, row_count, labelled_count from metrics.partitions"
    " where monitor = :monitor and partition_date > :last order by 1"
)
ALARMS = (
    "select partition_date as day, budget, column_name, segment, segment_value from metrics.alarms"
    " where monitor = :monitor and partition_date > :last order by 1, 2, 3"
)
INCIDENTS = (
    "select incident_id, kind, severity, opened_on, last_seen_on, closed_on, days, reopened,"
    f" column_name, columns, segment, segment_value, diagnosis, {OF_ERROR} from metrics.incidents"
    " where monitor = :monitor and opened_on > :last order by opened_on, incident_id"
)
BREACHES = (
    "select partition_date as day, rank, kind, column_name, columns, segment, segment_value,"
    f" diagnosis, {OF_ERROR} from metrics.breaches"
    " where monitor = :monitor and partition_date > :last order by 1, 2"
)
# What a team is told by a message of its own, where its YAML says nothing of messages.
EVENTS = (
    "select events.incident_id, event, on_date from metrics.incident_events as events"
    " join metrics.incidents using (incident_id)"
    " left join metrics.monitors on monitors.monitor = events.monitor"
    f" cross join lateral {FAMILY} as families where events.monitor = :monitor"
    f" and on_date > :last and event = any(:told) and {AT_ONCE} order by on_date, event_id"
)
ERROR_ROWS = (
    "select partition_date as day, model_version, metric, kind, value, lower, upper, row_count,"
    " reference_value from metrics.performance where monitor = :monitor and partition_date > :last"
    " and segment is null and value is not null order by 1"
)


@dataclass(frozen=True)
class Said:
    """All that is stored about the judged days of one monitor, a row a thing."""

    days: pd.DataFrame
    alarms: pd.DataFrame
    incidents: pd.DataFrame
    breaches: pd.DataFrame
    events: pd.DataFrame
    errors: pd.DataFrame


def read_said(engine: sa.Engine, table: Table) -> Said:
    """Read what was said of the days after the reference period."""
    asked = {
        "monitor": table.name,
        "last": table.reference[1],
        "opening": list(OPENING),
        "told": [*OPENING, "closed"],
        **PAGED_KINDS,
    }
    with engine.connect() as session:
        return Said(
            *(
                pd.read_sql(sa.text(query), session, params=asked)
                for query in (DAYS, ALARMS, INCIDENTS, BREACHES, EVENTS, ERROR_ROWS)
            )
        )


def figures_of(table: Table, said: Said) -> dict[str, Any]:
    """Every figure of a monitor, as JSON holds them."""
    judged = said.days[(said.days["state"] == "fresh") & (said.days["row_count"] > 0)]
    alarm_days = said.alarms["day"].nunique()
    months = len(judged) / MONTH
    told = Counter(said.events["event"])
    by_budget = said.alarms.groupby("budget")["day"].nunique()
    return {
        "monitor": table.name,
        "source": table.source,
        "reference": [str(day) for day in table.reference],
        "rows_judged": int(judged["row_count"].sum()),
        "days_judged": len(judged),
        "states": dict(Counter(said.days["state"])),
        "alarm_days": alarm_days,
        "alarm_days_a_month": round(alarm_days / months, 2),
        "alarm_days_a_month_by_budget": {
            str(budget): round(days / months, 2) for budget, days in by_budget.items()
        },
        "incidents_opened": len(said.incidents),
        "incidents_open_at_the_end": int(said.incidents["closed_on"].isna().sum()),
        "incidents_a_month": round(len(said.incidents) / months, 2),
        "messages": dict(told),
        "messages_a_month": round(sum(told.values()) / months, 2),
        "months": by_month(said, judged),
        "outside_events": outside(table.events, said, judged),
        "events": [found(event, said) for event in table.events],
        "estimates": estimates(said.errors),
    }


def by_month(said: Said, judged: pd.DataFrame) -> list[dict[str, Any]]:
    """Days, alarm days by budget, incidents and messages of each month."""
    rows = []
    for month, days in judged.groupby(_month(judged["day"])):
        alarms = said.alarms[_month(said.alarms["day"]) == month]
        events = said.events[_month(said.events["on_date"]) == month]
        rows.append(
            {
                "month": str(month),
                "days": len(days),
                "alarm_days": int(alarms["day"].nunique()),
                "by_budget": {
                    str(budget): int(part["day"].nunique())
                    for budget, part in alarms.groupby("budget")
                },
                "messages": dict(Counter(events["event"])),
            }
        )
    return rows


def outside(events: Sequence[Event], said: Said, judged: pd.DataFrame) -> dict[str, Any]:
    """Judged days on which nothing is known to have happened, and those with an alarm."""

    def is_calm(day: dt.date) -> bool:
        return not any(event.from_date <= day <= event.to_date for event in events)

    days = sum(map(is_calm, judged["day"]))
    alarm_days = sum(map(is_calm, said.alarms["day"].unique()))
    a_month = round(alarm_days * MONTH / days, 2) if days else None
    return {"days": days, "alarm_days": alarm_days, "alarm_days_a_month": a_month}


def found(event: Event, said: Said) -> dict[str, Any]:
    """Whether an event was found: its first alarm, breach and incident that name it.

    A loss of accuracy is named too by a breach of inputs that says that the error rose with them.
    """
    alarms = sorted({day for day in said.alarms["day"] if event.from_date <= day <= event.to_date})
    breach = next((row for row in said.breaches.itertuples() if _names(event, row, row.day)), None)
    incident = next(
        (row for row in said.incidents.itertuples() if _names(event, row, row.opened_on)), None
    )
    return {
        "event": event.name,
        "from": str(event.from_date),
        "to": str(event.to_date),
        "alarm_days": len(alarms),
        "first_alarm": str(alarms[0]) if alarms else None,
        "breach": f"{breach.day} {breach.kind}: {breach.diagnosis}" if breach else None,
        "incident": f"{incident.opened_on} {incident.kind}: {incident.diagnosis}"
        if incident
        else None,
    }


def _names(event: Event, row: Any, day: dt.date) -> bool:
    """Whether a breach or an incident of a day names an event."""
    is_kind = row.kind in event.kinds or (row.is_of_error and set(ERRORS) <= set(event.kinds))
    is_column = not event.columns or row.column_name in event.columns
    return is_kind and is_column and event.from_date <= day <= event.to_date


def estimates(errors: pd.DataFrame) -> list[dict[str, Any]]:
    """By month and metric: the true error, its estimate, and the share of days inside."""
    chosen = errors[errors["metric"].isin([name for names in METRICS.values() for name in names])]
    if chosen.empty:
        return []
    key = ["day", "metric", "model_version"]
    columns = [*key, "value", "lower", "upper", "row_count", "reference_value"]
    true, guess = (
        chosen.loc[chosen["kind"] == kind, columns] for kind in ("realised", "estimated")
    )
    both = true.merge(guess, on=key, suffixes=("", "_estimated"))
    rows = []
    for (metric, month), part in both.groupby(["metric", _month(both["day"])]):
        weight = part["row_count"] if metric in MEANS else part["row_count"] * 0 + 1
        # Where the reference has too few days, an estimate has no interval.
        known = part.dropna(subset=["lower_estimated"])
        inside = known["value"].between(known["lower_estimated"], known["upper_estimated"])
        rows.append(
            {
                "metric": str(metric),
                "month": str(month),
                "days": int(part["day"].nunique()),
                "true": _mean(part["value"], weight),
                "estimated": _mean(part["value_estimated"], weight),
                "reference": _mean(part["reference_value"], weight),
                "days_inside": round(float(inside.mean()), 3) if len(known) else None,
            }
        )
    return rows


def _mean(values: "pd.Series[float]", weight: "pd.Series[float]") -> float | None:
    known = values.notna() & weight.notna()
    total = float(weight[known].sum())
    return round(float((values[known] * weight[known]).sum()) / total, 4) if total else None


def _month(days: "pd.Series[Any]") -> "pd.Series[str]":
    return days.astype(str).str[:7]


def _percent(share: float | None) -> str:
    return "no interval" if share is None else f"{share:.0%}"


def as_markdown(figures: dict[str, Any], incidents: pd.DataFrame) -> str:
    """A monitor's figures and incidents as Markdown."""
    budgets = sorted(figures["alarm_days_a_month_by_budget"])
    lines = [
        f"## {figures['monitor']}\n",
        f"The data are from {figures['source']}. The reference period is"
        f" {' to '.join(figures['reference'])}.\n",
        f"Driftmeter judged {figures['days_judged']} days with {figures['rows_judged']:,} rows."
        f" {figures['alarm_days']} days had an alarm, {figures['alarm_days_a_month']} a month (by"
        " family: "
        + ", ".join(
            f"{budget} {days}" for budget, days in figures["alarm_days_a_month_by_budget"].items()
        )
        + f"). {figures['incidents_opened']} incidents opened,"
        f" {figures['incidents_a_month']} a month; {figures['incidents_open_at_the_end']} of them"
        f" were open at the end. {figures['messages_a_month']} messages a month were sent ("
        + ", ".join(f"{count} {event}" for event, count in figures["messages"].items())
        + ").\n",
        f"| month | days | with an alarm | {' | '.join(budgets)} | messages |",
        f"|---|---:|---:|{'---:|' * len(budgets)}---|",
        *(
            f"| {row['month']} | {row['days']} | {row['alarm_days']} | "
            + " | ".join(str(row["by_budget"].get(budget, 0)) for budget in budgets)
            + f" | {', '.join(f'{n} {event}' for event, n in row['messages'].items())} |"
            for row in figures["months"]
        ),
        "",
    ]
    if figures["events"]:
        lines += [
            "| known event | from | to | days with an alarm | first alarm"
            " | first breach that names it | first incident that names it |",
            "|---|---|---|---:|---|---|---|",
            *(
                f"| {e['event']} | {e['from']} | {e['to']} | {e['alarm_days']} |"
                f" {e['first_alarm'] or 'none'} | {e['breach'] or 'none'} |"
                f" {e['incident'] or 'none'} |"
                for e in figures["events"]
            ),
            "",
        ]
    lines += [
        "| opened | last seen | closed | days | reopened | kind | what was said |",
        "|---|---|---|---:|---:|---|---|",
        *(
            f"| {i.opened_on} | {i.last_seen_on} | {i.closed_on or 'open'} | {i.days} |"
            f" {i.reopened} | {i.kind} | {i.diagnosis} |"
            for i in incidents.itertuples()
        ),
        "",
    ]
    if figures["estimates"]:
        lines += [
            "| metric | month | days | true | estimated | expected by the reference"
            " | days inside |",
            "|---|---|---:|---:|---:|---:|---:|",
            *(
                f"| {e['metric']} | {e['month']} | {e['days']} | {e['true']} | {e['estimated']} |"
                f" {e['reference'] or ''} | {_percent(e['days_inside'])} |"
                for e in figures["estimates"]
            ),
            "",
        ]
    return "\n".join(lines)
