"""`driftmeter status`: shows the state of every monitor."""

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from dagster_driftmeter.cli.arguments import AsJson
from dagster_driftmeter.dbt.project_manifest import monitors
from dagster_driftmeter.runs.terminal import console, say, say_json
from driftmeter.alarms.not_judged import not_judged, with_wide_thresholds
from driftmeter.errors import DriftmeterError
from driftmeter.monitors.cadence import Cadence
from driftmeter.monitors.changed_settings import (
    days_of_other_policy,
    days_of_other_version,
    judged_otherwise,
)
from driftmeter.warehouse import connection

if TYPE_CHECKING:
    from rich.table import Table

MOST_INCIDENTS = 3
STATES = ("fresh", "stale", "empty", "missing", "failed")
STATUS = """
select
    measured.*,
    coalesce((
        select monitors.every from metrics.monitors
        where monitors.monitor = measured.monitor
    ), 'day') as every,
    coalesce((
        select monitors.timezone from metrics.monitors
        where monitors.monitor = measured.monitor
    ), 'UTC') as timezone,
    verdicts.*,
    (
        select monitors.retired_at::date from metrics.monitors
        where monitors.monitor = measured.monitor
    ) as retired_on,
    (
        select coalesce(json_agg(json_build_object(
            'incident', incidents.incident_id,
            'kind', incidents.kind,
            'since', incidents.opened_on,
            'since_start', incidents.opened_start,
            'diagnosis', incidents.diagnosis
        )
        order by
            incidents.family in ('performance', 'metric') desc,
            incidents.opened_start desc,
            incidents.incident_id desc
        ), '[]')
        from metrics.incidents
        where incidents.monitor = measured.monitor and incidents.closed_on is null
    ) as open_incidents,
    (
        select versions.model_version
        from (
            select * from metrics.model_version_starts
            full join metrics.model_versions using (monitor, model_version)
        ) as versions
        where versions.monitor = measured.monitor
        -- The one that whoever trained it calls active; else the newest that predicted.
        order by versions.is_active desc nulls last, versions.first_day desc
        limit 1
    ) as model_version,
    (
        select json_build_object(
            'from', baselines.from_date, 'to', baselines.to_date, 'rows', baselines.row_count
        )
        from metrics.baselines
        where baselines.monitor = measured.monitor and baselines.kind = 'fixed'
        order by baselines.computed_at desc
        limit 1
    ) as reference
from (
    select
        monitor,
        count(*) as days,
        count(*) filter (where state = 'fresh') as fresh,
        count(*) filter (where state = 'stale') as stale,
        count(*) filter (where state = 'empty') as empty,
        count(*) filter (where state = 'missing') as missing,
        count(*) filter (where state = 'failed') as failed,
        min(partition_date) as first_day,
        max(partition_date) as last_day,
        min(partition_start) as first_start,
        max(partition_start) as last_start,
        max(partition_start) filter (where state = 'fresh') as last_fresh_start,
        (array_agg(state order by partition_start desc))[1] as last_state,
        max(partition_date) filter (where state = 'fresh') as last_fresh_day,
        (
            array_agg(reason order by partition_start desc) filter (where state = 'stale')
        )[1] as stale_reason
    from metrics.partitions
    group by monitor
) as measured
cross join lateral (
    select
        coalesce(
            array_agg(distinct drift.column_name) filter (where drift.is_drifted), '{}'
        ) as drifted_on_last_day,
        count(distinct drift.column_name)
        filter (where drift.status = 'ok') as compared_on_last_day,
        coalesce(
            array_agg(distinct drift.column_name)
            filter (where drift.is_away and not drift.is_drifted),
            '{}'
        ) as away_on_last_day
    from metrics.drift_scored as drift
    where
        drift.monitor = measured.monitor
        and drift.partition_date = measured.last_day
        and drift.partition_start = measured.last_start
        and drift.column_name is not null
        and drift.segment is null
) as verdicts
order by measured.monitor
"""


def status(
    as_json: AsJson = False,
) -> None:
    """Show each monitor's days, drifted columns, open incidents, model and reference period.

    Example: driftmeter status --json
    """
    engine = connection.engine()
    with engine.connect() as session:
        is_made = session.scalar(sa.text("select to_regclass('metrics.partitions') is not null"))
        measured = session.execute(sa.text(STATUS)).mappings().all() if is_made else []
        names = [row["monitor"] for row in measured]
        other_policy = _days_of_other_policy(session, names)
        parts = not_judged(session, names)
        wide = with_wide_thresholds(session, names)
        rows = [
            {
                **row,
                "days_of_other_policy": other_policy.get(row["monitor"], 0),
                "days_of_other_version": days_of_other_version(session, row["monitor"]),
                "not_judged": [part.sentence for part in parts if part.monitor == row["monitor"]],
                "wide_thresholds": wide.get(row["monitor"]),
            }
            for row in measured
        ]
    if as_json:
        say_json(rows)
        return
    say(f"warehouse {engine.url.render_as_string(hide_password=True)}")
    if not rows:
        say(
            "no day has been measured yet: run `driftmeter run`, or `driftmeter demo` (the example)"
        )
        return
    for row in rows:
        console().print(_table(row))


def _days_of_other_policy(session: sa.Connection, measured: Collection[str]) -> dict[str, int]:
    """How many stored days of each monitor another policy than the declared one has judged."""
    if not measured:
        return {}
    try:
        declared = monitors()
    except DriftmeterError:
        # Where a warehouse stands is told without the project that fills it, too.
        return {}
    return {
        name: days_of_other_policy(session, monitor)
        for name, monitor in declared.items()
        if name in measured
    }


def _incidents(incidents: Sequence[Mapping[str, Any]], cadence: Cadence) -> str:
    """How many are open, and the newest of them."""
    lines = [f"{row['kind']} since {_since(row, cadence)}: {row['diagnosis']}" for row in incidents]
    more = [f"and {len(lines) - MOST_INCIDENTS} more"] if len(lines) > MOST_INCIDENTS else []
    return "\n".join([str(len(lines)) if lines else "none", *lines[:MOST_INCIDENTS], *more])


def _since(incident: Mapping[str, Any], cadence: Cadence) -> str:
    if not cadence.is_hourly:
        return str(incident["since"])
    return cadence.name(dt.datetime.fromisoformat(incident["since_start"]))


def _nothing_drifted(row: Mapping[Any, Any]) -> str:
    """Whether no column drifted on the last day, or no column was judged."""
    if row["last_state"] != "fresh":
        return f"not judged: the {row['every']} is {row['last_state']}"
    if not row["compared_on_last_day"]:
        return "not judged: no column could be judged"
    return f"no column drifted, of {row['compared_on_last_day']} that were judged"


def _table(row: Mapping[Any, Any]) -> "Table":
    """One monitor, narrow enough for 80 columns."""
    from rich.table import Table

    drifted, reference = row["drifted_on_last_day"], row["reference"]
    table = Table(title=row["monitor"], title_justify="left", show_header=False)
    states = ", ".join(f"{row[state]:,} {state}" for state in STATES if row[state])
    if row["retired_on"]:
        table.add_row(
            "retired", f"since {row['retired_on']}: it is no longer declared; its history stays"
        )
    table.add_row(f"{row['every']}s", f"{row['days']:,}: {states}")
    if row["stale_reason"] and not row["retired_on"]:
        table.add_row(
            "stale",
            f"{row['stale_reason']}: `driftmeter run --stale` measures such {row['every']}s again",
        )
    every, cadence = row["every"], Cadence.of(row["every"], row["timezone"])
    if days := row["days_of_other_policy"]:
        judged = f"{cadence.counted(days)} were judged by the old policy"
        table.add_row("policy changed", f"{judged}: `driftmeter run` judges them again")
    if days := row["days_of_other_version"]:
        table.add_row(
            "version changed", f"{cadence.counted(days)} {judged_otherwise(row['monitor'])}"
        )
    ends = ("first_day", "last_day", "last_fresh_day")
    if cadence.is_hourly:
        ends = ("first_start", "last_start", "last_fresh_start")
    named, (first, last, fresh) = cadence.name, (row[end] for end in ends)
    table.add_row(f"first to last {every}", f"{named(first)} to {named(last)}")
    table.add_row(f"last fresh {every}", named(fresh) if fresh else "none")
    found = f"drifted: {', '.join(drifted)}" if drifted else _nothing_drifted(row)
    table.add_row(named(last), found)
    if row["not_judged"]:
        table.add_row("not judged", "\n".join(row["not_judged"]))
    if row["wide_thresholds"]:
        table.add_row(f"few {every}s", row["wide_thresholds"])
    if row["away_on_last_day"]:
        table.add_row("still shifted", ", ".join(row["away_on_last_day"]))
    table.add_row("open incidents", _incidents(row["open_incidents"], cadence))
    table.add_row("model", row["model_version"] or "no version is recorded")
    table.add_row(
        "reference",
        f"{reference['from']} to {reference['to']}, {reference['rows']:,} rows"
        if reference
        else "not measured yet: `driftmeter run` measures it",
    )
    return table
