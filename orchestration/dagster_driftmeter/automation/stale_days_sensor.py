"""The sensor that measures days again whose rows or labels changed, and missing days."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence

import dagster as dg

from dagster_driftmeter.runs.resources import Warehouse
from dagster_driftmeter.runs.run_scope import in_a_row, partition_key, range_tags
from driftmeter.arrival.changed_days import mark_changed, stale_days
from driftmeter.arrival.missing import missing_days
from driftmeter.monitors.cadence import Every
from driftmeter.monitors.config import Monitor
from driftmeter.warehouse.connection import of_monitor

# Steps of a run over many days may be so far apart; after that it has ended before its last step.
REST = dt.timedelta(hours=1)


def stale_days_sensors(
    monitors: Mapping[str, Monitor],
    keys: Mapping[str, Sequence[dg.AssetKey]],
    timezone: str | None = None,
) -> list[dg.SensorDefinition]:
    """A sensor over these monitors' days, one over their hours, their weeks and their months.

    Dagster has a sensor start assets of the same partitions only. Parameters are those of
    `stale_days_sensor`.
    """
    by_cadence: dict[Every, dict[str, Monitor]] = {}
    for name, monitor in monitors.items():
        by_cadence.setdefault(monitor.every, {})[name] = monitor
    return [
        stale_days_sensor(alike, {name: keys[name] for name in alike}, f"stale_{every}s", timezone)
        for every, alike in by_cadence.items()
    ]


def stale_days_sensor(
    monitors: Mapping[str, Monitor],
    keys: Mapping[str, Sequence[dg.AssetKey]],
    name: str = "stale_days",
    timezone: str | None = None,
) -> dg.SensorDefinition:
    """The sensor over these monitors, all of the same cadence.

    Parameters
    ----------
    keys : mapping of str to sequence of AssetKey
        By monitor: what to materialize when a day of its table changed.
    timezone : str, optional
        Of the partitions that are hours.
    """

    @dg.sensor(
        name=name,
        # Of these, what this code location makes: dbt's models may be made elsewhere.
        target=dg.AssetSelection.assets(*{key for own in keys.values() for key in own})
        & dg.AssetSelection.all(),
        minimum_interval_seconds=60,
        description=f"Runs {name.replace('_', ' and missing ')}. It is off until you turn it on.",
    )
    def stale_days_again(
        context: dg.SensorEvaluationContext, warehouse: Warehouse
    ) -> Iterator[dg.RunRequest | dg.SkipReason]:
        """One run a range of days in a row, and one only for each change of them.

        The first look of each day is also at an earlier month, as that of `driftmeter run` is.
        """
        is_calm, today = True, dt.datetime.now(dt.timezone.utc).date().isoformat()
        looks_back = context.cursor != today
        for name, monitor in monitors.items():
            engine = of_monitor(warehouse.engine(), monitor)
            mark_changed(engine, monitor, looks_back=looks_back)
            changed = stale_days(engine, name, REST)
            runs = [
                (days, max(at for day, at in changed.items() if day in days))
                for days in in_a_row(changed, monitor.cadence)
            ]
            with engine.connect() as session:
                missing = missing_days(session, monitor)
            runs += [(days, "missing") for days in in_a_row(missing, monitor.cadence)]
            for days, change in runs:
                is_calm = False
                yield dg.RunRequest(
                    run_key=f"{name} {partition_key(days.from_date)}"
                    f" {partition_key(days.to_date)} {change}",
                    asset_selection=list(keys[name]),
                    tags=range_tags(days, name, timezone),
                )
        context.update_cursor(today)
        if is_calm:
            yield dg.SkipReason("no day is stale, and none is missing")

    return stale_days_again
