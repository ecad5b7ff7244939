"""`driftmeter versions`: lists model versions, and compares challengers with the champion."""

from typing import Any

import sqlalchemy as sa
import typer

from dagster_driftmeter.runs.terminal import console as output
from driftmeter.warehouse import connection

app = typer.Typer(
    help="List each model's versions, and compare challengers with the champion.",
    no_args_is_help=False,
    invoke_without_command=True,
    rich_markup_mode=None,
)
LIST = """
select
    monitor, model_version, first_day, is_active, is_challenger, trained_from, trained_to,
    train_metric, holdout_value
from metrics.model_version_starts
full join metrics.model_versions using (monitor, model_version)
order by monitor, computed_at nulls first, first_day
"""


@app.callback()
def versions(context: typer.Context) -> None:
    """List each model's versions, and compare challengers with the champion.

    Driftmeter finds the versions in the rows that they predicted. It reads how they were trained
    from metrics.model_versions, if your training job writes to that table.

    Example: driftmeter versions
    """
    if context.invoked_subcommand:
        return
    from driftmeter.performance.version_comparison import verdicts

    console = output()
    with connection.engine().connect() as session:
        rows = session.execute(sa.text(LIST)).all()
        if not rows:
            console.print("no day with predictions has been measured yet: run `driftmeter run`")
        for row in rows:
            console.print(f"{row.model_version}  {_about(row)}", highlight=False)
        compared = session.scalars(
            sa.text("select distinct monitor from metrics.version_comparisons order by 1")
        )
        for monitor in compared.all():
            for verdict in verdicts(session, monitor):
                console.print(
                    f"{verdict.challenger} compared with {verdict.champion}: {verdict.words},"
                    f" {verdict.metric} {verdict.difference:+.4g} ({verdict.lower:.4g} to"
                    f" {verdict.upper:.4g}) over {verdict.days} days, {verdict.rows:,} rows",
                    highlight=False,
                )


def _about(row: sa.Row[Any]) -> str:
    since = (
        f"predicts {row.monitor} since {row.first_day}"
        if row.first_day
        else "no measured day has its predictions"
    )
    if row.trained_from is None:
        return since
    state = "active" if row.is_active else "challenger" if row.is_challenger else "retired"
    return (
        f"{state}, {since}, trained on {row.trained_from} to {row.trained_to},"
        f" {row.train_metric} on held-back rows {row.holdout_value:.4g}"
    )
