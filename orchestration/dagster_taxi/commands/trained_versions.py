"""Of `driftmeter versions`: trains a challenger of the example, promotes it, or retires it."""

from typing import Annotated

import typer

from dagster_driftmeter.cli.arguments import read_days

Version = Annotated[str, typer.Argument(help="Version, as `driftmeter versions` lists it.")]


def train(
    monitor: Annotated[str, typer.Option(help="The monitor whose model is trained.")],
    from_date: Annotated[str, typer.Option("--from", metavar="YYYY-MM-DD", help="First day.")],
    to_date: Annotated[str, typer.Option("--to", metavar="YYYY-MM-DD", help="Last day, included.")],
) -> None:
    """Train a challenger on these days; days that are run from then on are scored by it too.

    Example: driftmeter versions train --monitor trip_duration --from 2019-04-01 --to 2019-04-14
    """
    from dagster_driftmeter.runs.environment import prepare
    from driftmeter.warehouse import connection

    days = read_days(from_date, to_date)
    prepare()
    from dagster_taxi.baseline_assets import train_challenger
    from dagster_taxi.source_choice import chosen

    model = train_challenger(monitor, days, connection.engine(), chosen().open().signature)
    typer.echo(
        f"{model.model_version}: held-back {model.train_metric} {model.holdout_value:.4g}."
        f" Run days again to compare it: driftmeter demo --monitor {monitor} --from ... --to ..."
    )


def promote(version: Version) -> None:
    """Make a version the active one: days that are run from then on are scored by it."""
    from driftmeter.warehouse import connection
    from taxi.models import stored_versions as act

    typer.echo(f"{version} is the active version of {act.promote(connection.engine(), version)}")


def retire(version: Version) -> None:
    """Let a challenger score no more."""
    from driftmeter.warehouse import connection
    from taxi.models import stored_versions as act

    act.retire(connection.engine(), version)
    typer.echo(f"{version} scores no more")
