"""What the farm's people do in the fortnight, one step after the other."""

import shutil
from typing import Any

import dagster as dg

from tests.own_project.code_location import farm_definitions
from tests.own_project.farm import HERE, Farm

REFERENCE = "2026-03-02..2026-04-12"
LAST_DAY = "2026-04-26"
# Some readings come late, some came twice by mistake, and outcomes of the last days are not known.
HELD_BACK = """
create table scada.late_readings as
select * from scada.turbine_power
where partition_date = '2026-04-14' and hashtext(reading) % 10 = 0;
delete from scada.turbine_power
where reading in (select reading from scada.late_readings);
insert into scada.turbine_power
select 'again ' || reading, observed_at, partition_date, version, wind_speed, air_temperature,
    pitch_degrees, predicted_kw, actual_kw
from scada.turbine_power where partition_date = '2026-04-15' limit 7;
create table scada.outcomes as
select inspection, has_failed from scada.bearing_failure where inspected_at >= '2026-04-23 22:00Z';
update scada.bearing_failure set has_failed = null
where inspection in (select inspection from scada.outcomes);
create table scada.next_readings as
select * from scada.turbine_power where partition_date = '2026-04-26';
create table scada.next_inspections as
select * from scada.bearing_failure where inspected_at >= '2026-04-25 22:00Z';
delete from scada.turbine_power where partition_date = '2026-04-26';
delete from scada.bearing_failure where inspected_at >= '2026-04-25 22:00Z';
"""
NEXT_DAY = """
insert into scada.turbine_power select * from scada.next_readings;
insert into scada.bearing_failure select * from scada.next_inspections;
"""
LATE_ROWS = """
insert into scada.turbine_power select * from scada.late_readings;
delete from scada.turbine_power where reading like 'again %';
"""
LATE_LABELS = """
update scada.bearing_failure set has_failed = outcomes.has_failed
from scada.outcomes where outcomes.inspection = bearing_failure.inspection
    and inspected_at < '2026-04-25 22:00Z';
"""
COMPUTED = "select monitor, partition_date::text, computed_at from metrics.partitions"


def declare_monitors(farm: Farm) -> None:
    """`driftmeter init` on both models, and what people change in its YAML."""
    given = ("--owner", "team-wind", "--timezone", "Europe/Copenhagen", "--reference", REFERENCE)
    farm.shown["init"] = farm.run("driftmeter", "init", "--model", "turbine_power", "--yes", *given)
    named = ("--name", "bearing_watch", "--target", "has_failed", "--segments", "site")
    farm.run("driftmeter", "init", "--model", "bearing_failure", "--yes", *named, *given)
    features = farm.declared("turbine_power")["features"]
    features["wind_speed"] |= {"unit": "m/s", "range": [0, 25]}
    farm.declare("turbine_power", {"features": features})
    features = farm.declared("bearing_watch")["features"]
    # The model is not told where a bearing is.
    del features["site"]
    features["maker"]["accepted"] = ["skf", "nsk", "fag"]
    farm.declare("bearing_watch", {"features": features, "label_delay_days": 2})
    for model in ("turbine_board", "unrelated"):
        shutil.copy(HERE / "later" / f"{model}.sql", farm.directory / "models")
    farm.run("dbt", "run", "--profiles-dir", ".", "--select", "turbine_board")


def hold_back(farm: Farm) -> None:
    farm.execute(HELD_BACK)


def measure(farm: Farm) -> None:
    """Twelve days, the reference first; then, without naming it, the day that came since."""
    farm.shown["run"] = farm.run("driftmeter", "run", "--from", "2026-04-13", "--to", "2026-04-24")
    farm.before["new day"] = farm.rows(COMPUTED)
    farm.shown["new"] = farm.run("driftmeter", "run")
    farm.shown["incidents"] = farm.run("driftmeter", "incidents", "--all")


def land(farm: Farm) -> None:
    """Rows come late and others vanish, and a challenger begins to score."""
    farm.before["late rows"] = farm.rows(COMPUTED)
    shutil.copy(HERE / "later" / "turbine_power_challengers.sql", farm.directory / "models")
    challengers = {"model": "turbine_power_challengers", "id": "reading_id"}
    farm.declare("turbine_power", {"challengers": challengers})
    farm.execute(LATE_ROWS)
    farm.shown["stale"] = farm.run("driftmeter", "run", "--stale")
    farm.before["late labels"] = farm.rows(COMPUTED)
    farm.shown["nothing new"] = farm.run("driftmeter", "run")
    views = "select viewname from pg_views where schemaname = 'wind_scoring'"
    farm.views_after_stale = {view for (view,) in farm.rows(views)}


def put_right(farm: Farm) -> None:
    """The blades stand otherwise for good: that is the new normal."""
    ((number,),) = farm.rows(
        "select incident_id from metrics.incidents where column_name = 'pitch_degrees'"
        " and closed_on is null order by opened_on limit 1"
    )
    farm.shown["accept"] = farm.run("driftmeter", "incidents", "accept", str(number))


def run_in_dagster(farm: Farm) -> None:
    """The last day, and the days whose labels landed, in the farm's own Dagster."""
    farm.run("dbt", "parse", "--profiles-dir", ".")
    farm.definitions = farm_definitions(farm.directory)
    with dg.DagsterInstance.ephemeral() as instance:
        farm.execute(NEXT_DAY)
        farm.result = _run(farm.definitions, instance, partition_key=LAST_DAY)
        farm.execute(LATE_LABELS)
        sensor = farm.definitions.get_sensor_def("stale_days")
        context = dg.build_sensor_context(
            instance, definitions=farm.definitions, resources=_resources(farm.definitions)
        )
        farm.requests = list(sensor.evaluate_tick(context).run_requests or [])
        for request in farm.requests:
            _run(farm.definitions, instance, request=request)
        farm.requests_after = list(sensor.evaluate_tick(context).run_requests or [])


def tell_people(farm: Farm) -> None:
    """What the sensor of notifications starts."""
    job = farm.definitions.resolve_job_def("incident_messages")
    assert job.execute_in_process().success


def _run(
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    partition_key: str | None = None,
    request: dg.RunRequest | None = None,
) -> dg.ExecuteInProcessResult:
    job = definitions.resolve_implicit_global_asset_job_def()
    options: dict[str, Any] = {"instance": instance}
    if request is not None:
        options |= {"tags": dict(request.tags), "asset_selection": request.asset_selection}
    else:
        options["partition_key"] = partition_key
    return job.execute_in_process(**options)


def _resources(definitions: dg.Definitions) -> dict[str, Any]:
    return {"warehouse": (definitions.resources or {})["warehouse"]}


def states_of(farm: Farm) -> dict[tuple[str, str], str]:
    """State of each measured day."""
    rows = farm.rows("select monitor, partition_date::text, state from metrics.partitions")
    return {(monitor, day): state for monitor, day, state in rows}


def changed_since(farm: Farm, step: str) -> set[tuple[str, str]]:
    """Monitors and days that were measured after a step began and before the next."""
    steps = list(farm.before)
    following = steps[steps.index(step) + 1 :]
    after = farm.before[following[0]] if following else farm.rows(COMPUTED)
    then = {(monitor, day): at for monitor, day, at in farm.before[step]}
    return {(monitor, day) for monitor, day, at in after if then.get((monitor, day)) != at}
