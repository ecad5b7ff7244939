"""`driftmeter status`: every monitor's state in one table."""

import json
from typing import Annotated

import typer


def status(
    as_json: Annotated[bool, typer.Option("--json", help="For scripts.")] = False,
) -> None:
    """Show each monitor's partitions by state, its newest day and what drifted on it."""
    import sqlalchemy as sa

    from python_metrics.warehouse import connection

    engine = connection.engine()
    with engine.connect() as session:
        if not session.scalar(sa.text("select to_regclass('metrics.partitions')")):
            rows = []
        else:
            rows = [dict(row) for row in session.execute(sa.text(STATUS)).mappings()]
    if as_json:
        typer.echo(json.dumps(rows, default=str, indent=2))
    elif not rows:
        typer.echo("no partition yet: run `driftmeter demo`, or `driftmeter run --help`")
    else:
        _print(rows, engine.url.render_as_string(hide_password=True))


STATUS = """
with newest as (

    select distinct on (monitor) monitor, partition_date, state
    from metrics.partitions
    order by monitor, partition_date desc

)

select
    partitions.monitor,
    count(*) as days,
    count(*) filter (where partitions.state = 'fresh') as fresh,
    count(*) filter (where partitions.state = 'stale') as stale,
    count(*) filter (where partitions.state = 'empty') as empty,
    count(*) filter (where partitions.state = 'missing') as missing,
    count(*) filter (where partitions.state = 'failed') as failed,
    min(partitions.partition_date) as first_day,
    newest.partition_date as newest_day,
    newest.state as newest_state,
    (
        select coalesce(array_agg(drift.column_name order by drift.column_name), '{}')
        from metrics.drift
        where
            drift.monitor = partitions.monitor
            and drift.partition_date = newest.partition_date
            and drift.column_name is not null
            and drift.segment is null
            and drift.is_drifted
    ) as drifted_on_newest_day,
    (
        select string_agg(versions.model_version, ', ')
        from metrics.model_versions as versions
        where versions.monitor = partitions.monitor and versions.is_active
    ) as model_version
from metrics.partitions
inner join newest on partitions.monitor = newest.monitor
group by partitions.monitor, newest.partition_date, newest.state
order by partitions.monitor
"""


def _print(rows: list[dict[str, object]], url: str) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"warehouse {url}", title_justify="left")
    states = ("fresh", "stale", "empty", "missing", "failed")
    for name in ("monitor", "days", *states, "newest day", "drifted on it", "model"):
        table.add_column(name, justify="right" if name in ("days", *states) else "left")
    for row in rows:
        drifted = row["drifted_on_newest_day"]
        table.add_row(
            str(row["monitor"]),
            str(row["days"]),
            *(str(row[state]) for state in states),
            f"{row['newest_day']} {row['newest_state']}",
            ", ".join(drifted) or "nothing",  # type: ignore[arg-type]
            str(row["model_version"] or ""),
        )
    Console().print(table)
