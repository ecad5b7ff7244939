"""`driftmeter versions`: which version is acted on, which ones score beside it, which is better."""

from typing import Annotated

import typer

from orchestration.commands.arguments import read_days

app = typer.Typer(
    help="List a model's versions; train a challenger, promote it, or retire it.",
    epilog="Example: driftmeter versions train --monitor trip_duration --from 2019-04-01"
    " --to 2019-04-14",
    no_args_is_help=False,
    invoke_without_command=True,
    rich_markup_mode=None,
)
Version = Annotated[str, typer.Argument(help="Version, as `driftmeter versions` lists it.")]
LIST = (
    "select monitor, model_version, is_active, is_challenger, trained_from, trained_to,"
    " train_metric, holdout_value from metrics.model_versions order by monitor, computed_at"
)


@app.callback()
def versions(context: typer.Context) -> None:
    """List a model's versions, and how challengers compare."""
    if context.invoked_subcommand:
        return
    import sqlalchemy as sa

    from orchestration.terminal import console as output
    from python_metrics.performance.versions import verdicts
    from python_metrics.warehouse import connection

    console = output()
    with connection.engine().connect() as session:
        rows = session.execute(sa.text(LIST)).all()
        if not rows:
            console.print("no version has been trained: driftmeter demo")
        for row in rows:
            state = "active" if row.is_active else "challenger" if row.is_challenger else "retired"
            console.print(
                f"{row.model_version}  {state}, trained on {row.trained_from} to {row.trained_to},"
                f" held-back {row.train_metric} {row.holdout_value:.4g}",
                highlight=False,
            )
        for monitor in dict.fromkeys(row.monitor for row in rows):
            for verdict in verdicts(session, monitor):
                console.print(
                    f"{verdict.challenger} is {verdict.words} beside {verdict.champion}:"
                    f" {verdict.metric} {verdict.difference:+.4g} ({verdict.lower:.4g} to"
                    f" {verdict.upper:.4g}) over {verdict.days} days, {verdict.rows:,} rows",
                    highlight=False,
                )


@app.command()
def train(
    monitor: Annotated[str, typer.Option(help="The monitor whose model is trained.")],
    from_date: Annotated[str, typer.Option("--from", metavar="YYYY-MM-DD", help="First day.")],
    to_date: Annotated[str, typer.Option("--to", metavar="YYYY-MM-DD", help="Last day, included.")],
) -> None:
    """Train a challenger on these days; days that are run from then on are scored by it too."""
    from orchestration.environment import prepare
    from python_metrics.warehouse import connection

    days = read_days(from_date, to_date)
    prepare()
    from orchestration.example.baseline import train_challenger
    from orchestration.example.source_choice import chosen

    model = train_challenger(monitor, days, connection.engine(), chosen().open().signature)
    typer.echo(
        f"{model.model_version}: held-back {model.train_metric} {model.holdout_value:.4g}."
        f" Run days again to compare it: driftmeter demo --monitor {monitor} --from ... --to ..."
    )


@app.command()
def promote(version: Version) -> None:
    """Make a version the active one: days that are run from then on are scored by it."""
    from python_metrics.example.models import versions as act
    from python_metrics.warehouse import connection

    typer.echo(f"{version} is the active version of {act.promote(connection.engine(), version)}")


@app.command()
def retire(version: Version) -> None:
    """Let a challenger score no more."""
    from python_metrics.example.models import versions as act
    from python_metrics.warehouse import connection

    act.retire(connection.engine(), version)
    typer.echo(f"{version} scores no more")
