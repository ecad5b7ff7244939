"""`driftmeter versions train`, `promote` and `retire`, for the example's models."""

from typing import Annotated

import typer

from dagster_driftmeter.cli.arguments import read_days
from dagster_driftmeter.runs.terminal import say

Version = Annotated[str, typer.Argument(help="Version, as listed by `driftmeter versions`.")]


def train(
    monitor: Annotated[str, typer.Option(help="Monitor whose model to train.")],
    from_date: Annotated[str, typer.Option("--from", metavar="YYYY-MM-DD", help="First day.")],
    to_date: Annotated[str, typer.Option("--to", metavar="YYYY-MM-DD", help="Last day, included.")],
) -> None:
    """Train a challenger on these days. Later runs score their days with it too.

    Example: driftmeter versions train --monitor trip_duration --from 2019-04-01 --to 2019-04-14
    """
    from dagster_driftmeter.runs.environment import prepare
    from driftmeter.warehouse import connection

    days = read_days(from_date, to_date)
    prepare()
    from dagster_taxi.baseline_assets import train_challenger
    from dagster_taxi.source_choice import chosen

    model = train_challenger(monitor, days, connection.engine(), chosen().open().signature)
    say(
        f"{model.model_version}: {model.train_metric} on held-back trips {model.holdout_value:.4g}."
        " Run days again to compare it with the champion:"
        f" driftmeter demo --monitor {monitor} --from ... --to ..."
    )


def promote(version: Version) -> None:
    """Make a version the active one. Later runs score their days with it."""
    from driftmeter.warehouse import connection
    from taxi.models import stored_versions as act

    say(f"{version} is the active version of {act.promote(connection.engine(), version)}")


def retire(version: Version) -> None:
    """Retire a challenger. Later runs no longer score with it."""
    from driftmeter.warehouse import connection
    from taxi.models import stored_versions as act

    act.retire(connection.engine(), version)
    say(f"{version} is retired and no longer scores")
