"""The static page: drawn from the dashboards' own queries, by itself and for every monitor."""

import datetime as dt
import html
import re
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from driftmeter.dashboards.dashboard import DEMO
from driftmeter.dashboards.preview.static_page import write_page
from driftmeter.dashboards.write import DASHBOARDS, main, newest_opening, write_dashboards
from driftmeter.errors import DriftmeterError
from driftmeter.reports.library_file import LIBRARY
from tests.dashboards.grafana_files import panels


def text_of(page: str) -> str:
    """The page without its scripts."""
    return re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda board: board.name)
def test_a_page_shows_every_panel_and_loads_its_library_only(
    reader: sa.Engine, tmp_path: Path, dashboard
) -> None:
    page = write_page(
        reader, dashboard, tmp_path / "page.html", monitors=["trip_duration"]
    ).read_text()
    shown = text_of(page)
    for panel in panels(dashboard.name):
        title = panel["title"].replace("$column", "predicted_minutes").replace("$metric", "mae")
        assert f">{html.escape(title)}<" in shown
    (library,) = tmp_path.glob("*.js")
    assert LIBRARY.fullmatch(library.name)
    assert re.findall(r"<(?:script|link|img)[^>]+(?:src|href)=\S+", page) == [
        f'<script src="{library.name}"></script></head><body><header><h1>Driftmeter:'
    ]
    assert f"copy {library.name} from the reports' folder to this page's" in shown
    assert len(page) < 1_000_000 < len(library.read_text())
    drawn = {"timeseries", "status-history", "state-timeline", "barchart"}
    count = sum(panel["type"] in drawn for panel in panels(dashboard.name))
    # A panel without an answer says so instead.
    assert count > 0
    assert page.count("Plotly.newPlot(") >= count - page.count('<p class="none">')


def test_the_overview_tells_each_monitors_numbers(reader: sa.Engine, tmp_path: Path) -> None:
    page = text_of(write_page(reader, DASHBOARDS[0], tmp_path / "o.html").read_text())
    with reader.connect() as session:
        for name, rows in session.exec_driver_sql(
            "select monitor, row_count from metrics.monitor_state"
        ):
            assert f"<td>{name}</td>" in page
            assert f"<td>{rows:,}</td>" in page
    assert page.count("Which monitor needs attention?") == 1
    assert page.count("Which columns drifted, and since when?") == 2


def test_days_without_data_say_so(reader: sa.Engine, tmp_path: Path) -> None:
    long_ago = (dt.date(1999, 1, 1), dt.date(1999, 1, 2))
    page = write_page(reader, DASHBOARDS[1], tmp_path / "p.html", days=long_ago).read_text()
    assert "No data for this monitor" in text_of(page)


def test_an_unknown_monitor_or_an_empty_warehouse_is_one_clear_line(
    reader: sa.Engine, warehouse: sa.Engine, tmp_path: Path
) -> None:
    with pytest.raises(DriftmeterError, match="'nobody' has not run yet"):
        write_page(reader, DASHBOARDS[0], tmp_path / "p.html", monitors=["nobody"])
    with pytest.raises(DriftmeterError, match="no monitor has run yet"):
        write_page(warehouse, DASHBOARDS[0], tmp_path / "p.html")
    assert not (tmp_path / "p.html").exists()


def test_dashboards_open_on_the_newest_days_that_there_are(
    reader: sa.Engine, warehouse: sa.Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    newest = newest_opening(reader)
    assert (newest.first, newest.last) == ("2019-03-23T00:00:00.000Z", "2019-04-21T23:59:59.999Z")
    assert (newest.monitor, newest.column) == ("trip_duration", "predicted_minutes")
    # A warehouse that is fed has dashboards that follow the clock, the same every day.
    live = [newest_opening(reader, dt.date(2019, 4, day)) for day in (22, 28)]
    assert live == [replace(newest, first="now-30d", last="now")] * 2
    assert newest_opening(reader, dt.date(2019, 4, 29)) == newest
    # Nothing has run: the demo's days.
    assert newest_opening(warehouse) == DEMO
    (first, *_) = write_dashboards(tmp_path, replace(DEMO, first="now-30d", last="now"))
    assert '"from": "now-30d"' in first.read_text()
    # As the Compose stack writes them whenever it starts.
    monkeypatch.setattr("driftmeter.warehouse.connection.engine", lambda: reader)
    monkeypatch.setattr("sys.argv", ["write", "--newest", "--dir", str(tmp_path)])
    main()
    assert f'"from": "{newest.first}"' in first.read_text()
