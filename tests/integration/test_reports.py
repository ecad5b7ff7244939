"""Reports on demand: what they compare, what they leave out, and who links to them."""

import datetime as dt
import html
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
import sqlalchemy as sa

from dagster_driftmeter.dbt.project_manifest import monitors
from dagster_driftmeter.runs.environment import prepare
from driftmeter.arrival.inference_rows import count_rows, read_rows
from driftmeter.errors import DriftmeterError
from driftmeter.monitors.baselines import baseline_days
from driftmeter.monitors.config import Monitor
from driftmeter.performance.undeclared_slices import slices_of
from driftmeter.reports.write_report import MOST_ROWS, write_report

DAY = dt.date(2019, 4, 13)
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on the path")


@pytest.fixture(scope="module")
def monitor(demo: sa.Engine) -> Monitor:
    return monitors()["trip_duration"]


@pytest.fixture(scope="module")
def page(demo: sa.Engine, monitor: Monitor, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(demo, monitor, DAY, tmp_path_factory.mktemp("reports"))


def header(path: Path) -> str:
    found = re.search(r'<header id="driftmeter".*?</header>', path.read_text(), re.DOTALL)
    assert found
    return re.sub(r"<[^>]+>", " ", found.group())


def test_a_page_says_what_it_compares(page: Path, demo: sa.Engine, monitor: Monitor) -> None:
    with demo.connect() as session:
        rows = count_rows(session, monitor, [DAY])
    said = header(page)
    assert f"Saturday 2019-04-13, {rows:,} rows, model version trip_duration-" in said
    assert "reference: 59 days from 2019-02-01 to 2019-03-31" in said
    # TLC's later columns hold nothing in 2019.
    assert "one side has no value: trip_type, airport_fee_usd" in said


def test_a_page_names_the_slices_that_stand_out(
    page: Path, demo: sa.Engine, monitor: Monitor
) -> None:
    with demo.connect() as session:
        day, reference = (
            read_rows(session, monitor, days, most_rows=MOST_ROWS)
            for days in ([DAY], monitor.reference_batches)
        )
    found = slices_of(monitor, reference, day)
    # On that day the amounts of one vendor are in another unit, and its trips' durations are off.
    assert {one.question for one in found} == {"rows", "loss"}
    said = html.unescape(header(page))
    assert [one for one in found if str(one) not in said] == []


def test_a_segment_and_another_baseline_are_other_rows_and_another_file(
    demo: sa.Engine, monitor: Monitor, page: Path
) -> None:
    path = write_report(
        demo,
        monitor,
        DAY,
        page.parent,
        segment=("vendor_id", "2"),
        against="weekday",
    )
    assert path.name == "trip_duration-2019-04-13-vendor_id-2-against-weekday.html"
    with demo.connect() as session:
        rows = count_rows(session, monitor, [DAY], segment=("vendor_id", "2"))
    said = header(path)
    assert f"2019-04-13, {rows:,} rows" in said
    assert "weekday: 8 days from 2019-02-16 to 2019-04-06" in said
    assert "vendor_id = 2" in said


def test_few_rows_are_drawn_and_the_page_says_what_evidently_makes_of_them(
    demo: sa.Engine, monitor: Monitor, tmp_path: Path
) -> None:
    with demo.connect() as session:
        boroughs = session.execute(
            sa.text(
                "select pickup_borough, count(*) from inference.trip_duration"
                " where partition_date = :day group by 1 having count(*) < :least order by 2 desc"
            ),
            {"day": DAY, "least": monitor.min_rows},
        )
        borough, rows = boroughs.tuples().first() or ("", 0)
    assert rows > 0
    path = write_report(demo, monitor, DAY, tmp_path, segment=("pickup_borough", borough))
    assert f"scores of {rows} rows of the day say little" in header(path)


def test_a_day_without_rows_is_one_clear_error(
    demo: sa.Engine, monitor: Monitor, tmp_path: Path
) -> None:
    with pytest.raises(DriftmeterError, match="2019-04-18 holds no row"):
        write_report(demo, monitor, dt.date(2019, 4, 18), tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_sample_is_the_same_each_time_and_about_as_large_as_asked(
    demo: sa.Engine, monitor: Monitor
) -> None:
    days = [dt.date(2019, 2, 1) + dt.timedelta(days=number) for number in range(28)]
    with demo.connect() as session:
        every = read_rows(session, monitor, days)
        one, two = (read_rows(session, monitor, days, most_rows=1000) for _ in range(2))
        inside = read_rows(session, monitor, days, segment=("payment_type", "1"))
    assert len(every) > 4000
    assert 850 < len(one) < 1150
    assert sorted(one["total_usd"]) == sorted(two["total_usd"])
    assert len(inside) == (every["payment_type"] == "1").sum()


def test_baselines_leave_out_what_must_not_be_in_them(demo: sa.Engine, monitor: Monitor) -> None:
    with demo.connect() as session:
        reference = baseline_days(session, monitor, "reference", DAY)
        trailing = baseline_days(session, monitor, "trailing", DAY)
        weekday = baseline_days(session, monitor, "weekday", DAY)
        late = baseline_days(session, monitor, "weekday", dt.date(2019, 4, 24))
        with pytest.raises(DriftmeterError, match="trailing baseline"):
            baseline_days(session, monitor, "trailing", dt.date(2018, 4, 1))
    assert len(reference) == 59
    assert (trailing[0], trailing[-1]) == (dt.date(2019, 3, 10), dt.date(2019, 4, 6))
    assert {day.weekday() for day in weekday} == {5}
    # The day that never came is nobody's baseline.
    assert dt.date(2019, 4, 17) not in late
    with demo.connect() as session:
        kinds = session.exec_driver_sql(
            "select distinct kind from metrics.baselines where monitor = 'trip_duration'"
        )
        assert {row.kind for row in kinds} == {"fixed", "trailing", "weekday"}


def dom(url: str) -> str:
    """What a browser has on its page once its scripts have run."""
    command = [str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"]
    command += ["--virtual-time-budget=40000", "--window-size=1500,1100"]
    return subprocess.run([*command, url], capture_output=True, text=True, timeout=180).stdout


@needs_chromium
def test_a_browser_draws_the_page(page: Path) -> None:
    drawn = dom(page.as_uri())
    assert "driftmeter" in drawn
    # Drawn by Evidently's scripts, not in the file as text: one of each preset.
    assert "Drift is detected for" in drawn
    assert "predicted_minutes" in drawn
    assert "Regression Model Performance" in drawn


@needs_chromium
def test_a_classifiers_page_draws_its_errors(demo: sa.Engine, tmp_path: Path) -> None:
    path = write_report(demo, monitors()["trip_tip"], dt.date(2019, 4, 2), tmp_path)
    assert re.search(r"[\d,]+ rows without a label are left out", header(path))
    assert "Classification Model Performance" in dom(path.as_uri())


@needs_chromium
def test_dagsters_page_of_a_day_links_to_its_report(
    demo: sa.Engine, demo_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = demo.url.set(drivername="postgresql").render_as_string(hide_password=False)
    monkeypatch.setenv("DRIFTMETER_DATABASE_URL", url)
    monkeypatch.setenv("DRIFTMETER_HOME", str(demo_home))
    # Set here so that they are put back; `prepare` writes them.
    monkeypatch.setenv("DAGSTER_HOME", "")
    monkeypatch.setenv("DRIFTMETER_DAGSTER_URL", "")
    prepare()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    webserver = Path(sys.executable).parent / "dagster-webserver"
    arguments = ["-m", "dagster_driftmeter.definitions", "-h", "127.0.0.1", "-p", str(port)]
    running = subprocess.Popen(
        [str(webserver), *arguments],
        env=os.environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        answering(f"http://127.0.0.1:{port}/server_info")
        address = f"http://127.0.0.1:{port}/assets/incidents/trip_duration"
        drawn = dom(f"{address}?view=partitions&partition=2019-04-07")
    finally:
        os.killpg(running.pid, signal.SIGTERM)
        running.wait(30)
    (link,) = set(re.findall(r"http://127.0.0.1:[0-9]+/(incident-[\w-]+\.html)", drawn))
    assert "unit_change" in drawn
    assert (demo_home / "reports" / link).is_file()


def answering(url: str, seconds: float = 120) -> None:
    """Wait until somebody answers."""
    until = time.monotonic() + seconds
    while True:
        try:
            urllib.request.urlopen(url, timeout=5)
            return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(1)
