"""Writes every dashboard's JSON to a directory: `python -m python_metrics.dashboards.write`."""

import argparse
import datetime as dt
import shutil
from pathlib import Path

import sqlalchemy as sa

from python_metrics import settings
from python_metrics.dashboards.dashboard import FIRST_SHOWN, LAST_SHOWN, Dashboard
from python_metrics.dashboards.data_quality import DATA_QUALITY
from python_metrics.dashboards.drift import DRIFT
from python_metrics.dashboards.overview import OVERVIEW
from python_metrics.dashboards.performance import PERFORMANCE
from python_metrics.dashboards.pipeline import PIPELINE
from python_metrics.dashboards.tests_and_incidents import TESTS_AND_INCIDENTS

DASHBOARDS: tuple[Dashboard, ...] = (
    OVERVIEW,
    DRIFT,
    DATA_QUALITY,
    PERFORMANCE,
    TESTS_AND_INCIDENTS,
    PIPELINE,
)
COMMITTED = settings.GRAFANA / "dashboards"


def write_dashboards(
    directory: Path, first: str = FIRST_SHOWN, last: str = LAST_SHOWN
) -> list[Path]:
    """Write one file a dashboard, named by its uid, and nothing else.

    Parameters
    ----------
    directory : Path
        Made if it is not there.
    first, last : str
        Time range on first opening, as Grafana writes it: an instant, or ``now-30d`` and ``now``.
    """
    directory.mkdir(parents=True, exist_ok=True)
    files = [directory / f"{dashboard.uid}.json" for dashboard in DASHBOARDS]
    for dashboard, file in zip(DASHBOARDS, files, strict=True):
        file.write_text(dashboard.to_text(first, last))
    return files


def write_provisioning(directory: Path) -> None:
    """Write what Grafana is provisioned with, its alert rules over this warehouse's schema."""
    shutil.copytree(settings.GRAFANA / "provisioning", directory, dirs_exist_ok=True)
    rules = directory / "alerting" / "rules.yaml"
    rules.write_text(
        rules.read_text().replace("from metrics.", f"from {settings.metrics_schema()}.")
    )


def newest_range(engine: sa.Engine) -> tuple[str, str]:
    """The newest thirty days that any monitor has, as Grafana writes a time range.

    The demo's days where nothing has run yet.
    """
    query = "select max(partition_date) from metrics.partitions"
    with engine.connect() as connection:
        newest = connection.execute(sa.text(query)).scalar()
    if newest is None:
        return FIRST_SHOWN, LAST_SHOWN
    first = newest - dt.timedelta(days=29)
    return f"{first}T00:00:00.000Z", f"{newest}T23:59:59.999Z"


def main() -> None:
    """Write the committed files, or others to another directory."""
    parser = argparse.ArgumentParser(description="Write Grafana's dashboards from their code.")
    parser.add_argument("--dir", type=Path, default=COMMITTED, help="where to (grafana/dashboards)")
    parser.add_argument("--from", dest="first", default=FIRST_SHOWN, help="such as now-30d")
    parser.add_argument("--to", dest="last", default=LAST_SHOWN, help="such as now")
    options = parser.parse_args()
    for file in write_dashboards(options.dir, options.first, options.last):
        print(file)


if __name__ == "__main__":
    main()
