"""Links to reports lead to their own clone's pages, whoever else serves some on this machine."""

import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from driftmeter.errors import DriftmeterError
from driftmeter.reports.report_address import page_link, reports_port, reports_url
from driftmeter.reports.write_report import report_url

DRIFTMETER = str(Path(sys.executable).parent / "driftmeter")


@pytest.fixture(autouse=True)
def no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DRIFTMETER_REPORTS_URL", raising=False)


def test_two_homes_that_are_served_at_once_have_links_that_lead_to_their_own_pages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    links, running = {}, []
    try:
        for name in ("one", "two"):
            home = tmp_path / name
            (home / "reports").mkdir(parents=True)
            (home / "reports" / "day.html").write_text(f"page of {name}")
            monkeypatch.setenv("DRIFTMETER_HOME", str(home))
            links[name] = report_url(home / "reports" / "day.html")
            # Asked again, it is the same: links are stored.
            assert report_url(home / "reports" / "day.html") == links[name]
            serving = subprocess.Popen(
                [DRIFTMETER, "reports"],
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
                stdout=subprocess.PIPE,
                text=True,
            )
            running.append(serving)
            assert serving.stdout is not None
            assert reports_url() in serving.stdout.readline()
        for name, link in links.items():
            with urllib.request.urlopen(link, timeout=10) as answer:
                assert answer.read().decode() == f"page of {name}"
    finally:
        for serving in running:
            serving.send_signal(signal.SIGINT)
            serving.communicate(timeout=20)


def test_the_environments_address_comes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRIFTMETER_HOME", str(tmp_path))
    monkeypatch.setenv("DRIFTMETER_REPORTS_URL", "https://reports.team.example/")
    assert report_url(tmp_path / "day.html") == "https://reports.team.example/day.html"
    assert not (tmp_path / "reports_port").exists()


def test_a_file_that_holds_no_port_is_one_clear_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRIFTMETER_HOME", str(tmp_path))
    (tmp_path / "reports_port").write_text("http")
    with pytest.raises(DriftmeterError, match="holds no port but 'http'"):
        reports_port()


def test_a_terminal_is_shown_the_address_where_pages_are_served_for_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a container a file's own address leads nowhere."""
    monkeypatch.setenv("DRIFTMETER_HOME", str(tmp_path))
    served, elsewhere = tmp_path / "reports" / "day.html", tmp_path / "day.html"
    assert page_link(served) == served.as_uri()
    monkeypatch.setenv("DRIFTMETER_REPORTS_URL", "https://reports.team.example/")
    assert page_link(served) == "https://reports.team.example/day.html"
    # Nobody serves a page that `--out` put elsewhere.
    assert page_link(elsewhere) == elsewhere.as_uri()
