"""The assets of raw data: the trips of a day, and the baseline models' predictions."""

import dagster as dg

from dagster_driftmeter.assets.partitions import DAILY, days_of, in_one_run
from dagster_driftmeter.dbt.project_manifest import monitors
from dagster_driftmeter.runs.progress import track
from dagster_driftmeter.runs.resources import Warehouse
from dagster_driftmeter.runs.run_scope import monitors_of
from dagster_taxi.trip_resources import Trips, loading_engine
from driftmeter import settings
from driftmeter.warehouse.months import analyze
from taxi.load_trips import days_with_late_trips, load_day
from taxi.models.baseline_models import MODELS
from taxi.models.score import load_active, load_challengers, score_days
from taxi.trip_labels import EVERY_LABEL, mark_landed, newest_loaded

# A run of the reference's days takes every label in: they are long past.
MATURE_TAG = "driftmeter/labels_are_mature"
TRIPS = [dg.AssetKey(["raw", "trips"])]
PREDICTIONS = [dg.AssetKey(["raw", "predictions"])]


@in_one_run
@dg.asset(
    key=["raw", "trips"],
    group_name="raw",
    owners=["team:data-platform"],
    kinds={"postgres", "python"},
    partitions_def=DAILY,
)
def raw_trips(context: dg.AssetExecutionContext, trips: Trips) -> None:
    """Loads the trips of the day from the source. Unusable rows go to raw.rejected_trips.

    A day is replaced in one transaction, so a failed load leaves it as it was. The asset also
    loads late trips of earlier days. Late trips and late labels make their days stale, and the
    sensor `stale_days` runs these days again.
    """
    engine, days = loading_engine(), days_of(context)
    today = max([day for day in [newest_loaded(engine)] if day] + list(days))
    taken_on = EVERY_LABEL if MATURE_TAG in context.run.tags else today
    source = trips.open(as_of=taken_on)
    for day in track("loading trips", days):
        load = load_day(engine, source, day, trips.delay(), taken_on, list(MODELS))
        context.add_asset_metadata(
            {
                "state": load.state,
                "dagster/row_count": load.loaded,
                "read": load.read,
                "rejected": load.rejected,
                "changed": load.changed,
                "source": source.signature,
            },
            partition_key=day.isoformat(),
        )
    for day in days_with_late_trips(engine, source, today):
        load_day(engine, source, day, trips.delay(), today, list(MODELS))
    mark_landed(engine, today, MODELS)
    analyze(engine, "raw.trips", days)


@in_one_run
@dg.asset(
    key=["raw", "predictions"],
    group_name="raw",
    owners=["team:data-platform"],
    kinds={"postgres", "scikitlearn"},
    partitions_def=DAILY,
    deps=[raw_trips, dg.AssetKey(["raw", "baseline_models"])],
)
def raw_predictions(context: dg.AssetExecutionContext, warehouse: Warehouse) -> None:
    """Scores the day's trips with the baseline models: the example's batch scoring job.

    Your own predictions come from your own job, and a monitor reads the table that it fills.
    """
    engine = warehouse.engine()
    scored = [name for name in monitors_of(context, monitors()) if name in MODELS]
    models = {name: load_active(engine, name, settings.home()) for name in scored}
    others = {name: load_challengers(engine, name, settings.home()) for name in scored}
    days = days_of(context)
    rows = {
        name: score_days(loading_engine(), models[name], days, others[name])
        for name in track("scoring trips", scored)
    }
    for day in days:
        context.add_asset_metadata(
            {
                "dagster/row_count": sum(rows[name][day] for name in scored),
                **{f"{name} rows": rows[name][day] for name in scored},
                **{f"{name} version": model.model_version for name, model in models.items()},
            },
            partition_key=day.isoformat(),
        )
    analyze(loading_engine(), "raw.predictions", days)
