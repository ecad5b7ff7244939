"""Writes every dashboard's JSON to a directory: `python -m driftmeter.dashboards.write`."""

import argparse
import datetime as dt
import shutil
from dataclasses import replace
from pathlib import Path

import sqlalchemy as sa

from driftmeter import settings
from driftmeter.dashboards.dashboard import DEMO, Opening, read_dashboard
from driftmeter.dashboards.preview.static_page import first_shown
from driftmeter.monitors.cadence import Every
from driftmeter.warehouse import connection

NAMES = ("overview", "drift", "data-quality", "performance", "tests-and-incidents", "pipeline")
DASHBOARDS = tuple(read_dashboard(name) for name in NAMES)
COMMITTED = settings.GRAFANA / "dashboards"
PROVISIONING = settings.GRAFANA / "provisioning"


def write_dashboards(directory: Path, opening: Opening = DEMO) -> list[Path]:
    """Write one file a dashboard, named by its uid, and nothing else.

    Parameters
    ----------
    directory : Path
        Made if it is not there.
    opening : Opening
        What they show when they are opened for the first time.
    """
    directory.mkdir(parents=True, exist_ok=True)
    files = [directory / f"{dashboard.uid}.json" for dashboard in DASHBOARDS]
    for dashboard, file in zip(DASHBOARDS, files, strict=True):
        file.write_text(dashboard.to_text(opening))
    return files


def write_provisioning(directory: Path) -> None:
    """Write what Grafana is provisioned with, its alert rules over this warehouse's schema."""
    shutil.copytree(PROVISIONING, directory, dirs_exist_ok=True)
    (directory / "alerting" / "rules.yaml").write_text(rules_text())


def rules_text() -> str:
    """The file of alert rules, over this warehouse's schema."""
    rules = (PROVISIONING / "alerting" / "rules.yaml").read_text()
    return rules.replace("from metrics.", f"from {settings.metrics_schema()}.")


NEWEST = sa.text(
    """
    with newest as (
        select
            monitor, newest_day, monitors.every, monitors.reference_from,
            (newest_day + greatest(metrics.batch_length(monitor), interval '1 day'))::date - 1
                as last_day
        from metrics.monitor_state inner join metrics.monitors using (monitor)
        where newest_day is not null and state <> 'retired'
    )
    select newest.*, columns.column_name
    from newest inner join metrics.monitored_columns as columns using (monitor)
    order by least(last_day, :recent) desc, monitor, columns.role <> 'prediction'
    limit 1
    """
)
# A warehouse whose newest batch ended no longer ago is fed: its dashboards follow the clock.
RECENT = dt.timedelta(days=7)
# Thirty batches before now, as Grafana writes it; of hours those of a week.
BEFORE_NOW: dict[Every, str] = {"hour": "7d", "day": "30d", "week": "30w", "month": "30M"}


def newest_opening(engine: sa.Engine, today: dt.date | None = None) -> Opening:
    """The newest thirty batches that any monitor has, of that monitor; of hours those of a week.

    Of a warehouse that is fed it is the same on every day: the last thirty days, weeks or months of
    the first of its monitors with recent ones. The demo's where nothing has run yet.
    """
    recent = (today or dt.date.today()) - RECENT
    with engine.connect() as session:
        newest = session.execute(NEWEST, {"recent": recent}).first()
    if newest is None:
        return DEMO
    if newest.last_day >= recent:
        span = BEFORE_NOW[newest.every]
        return Opening(f"now-{span}", "now", newest.monitor, newest.column_name)
    first = first_shown(newest.every, newest.newest_day, newest.reference_from)
    return Opening(
        f"{first}T00:00:00.000Z",
        f"{newest.last_day}T23:59:59.999Z",
        newest.monitor,
        newest.column_name,
    )


def main() -> None:
    """Write the committed files, or others to another directory."""
    parser = argparse.ArgumentParser(description="Write Grafana's dashboards from their YAML.")
    parser.add_argument(
        "--dir",
        type=Path,
        default=COMMITTED,
        help="directory to write to (default: grafana/dashboards)",
    )
    parser.add_argument(
        "--from", dest="first", default=DEMO.first, help="start of the time range, such as now-30d"
    )
    parser.add_argument(
        "--to", dest="last", default=DEMO.last, help="end of the time range, such as now"
    )
    parser.add_argument(
        "--newest",
        action="store_true",
        help="open on the newest days of the warehouse, in place of --from and --to",
    )
    options = parser.parse_args()
    opening = replace(DEMO, first=options.first, last=options.last)
    if options.newest:
        opening = newest_opening(connection.engine())
    for file in write_dashboards(options.dir, opening):
        print(file)


if __name__ == "__main__":
    main()
