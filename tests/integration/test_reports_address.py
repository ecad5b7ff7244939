"""Links to reports lead to their own clone's pages, whoever else serves some on this machine."""

import os
import signal
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path

import pytest

from dagster_driftmeter.cli import ui
from driftmeter.errors import DriftmeterError
from driftmeter.reports.report_address import link_in_page, page_link, reports_port, reports_url
from driftmeter.reports.serve_reports import server
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
            serving.send_signal(signal.SIGTERM)
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


def test_a_ui_serves_the_reports_once_the_one_before_it_has_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DRIFTMETER_HOME", str(tmp_path))
    monkeypatch.setattr(ui, "RETRY_SECONDS", 0.05)
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "day.html").write_text("a page")
    link, is_over = report_url(tmp_path / "day.html"), threading.Event()
    with server(tmp_path / "elsewhere", "127.0.0.1", reports_port()):
        serving = threading.Thread(target=ui.serve_reports, args=[reports_port(), is_over])
        serving.start()
        said = ""
        while "another process listens" not in said:
            said += capsys.readouterr().out
    while reports_url() not in said:
        said += capsys.readouterr().out
    with urllib.request.urlopen(link, timeout=10) as answer:
        assert answer.read() == b"a page"
    is_over.set()
    serving.join(10)
    assert not serving.is_alive()
    assert said.count("another process listens") == 1


def test_a_static_page_links_to_files_that_are_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRIFTMETER_HOME", str(tmp_path))
    reports = tmp_path / "reports"
    reports.mkdir()
    (reports / "day.html").write_text("a page")
    # Of a port that this home had before.
    url = "http://127.0.0.1:1/day.html"
    assert link_in_page(url, reports / "overview.html") == "day.html"
    assert link_in_page(url, tmp_path / "overview.html") == (reports / "day.html").as_uri()
    for absent in ("http://127.0.0.1:1/gone.html", "https://example.org/", "http://a/b/.."):
        assert link_in_page(absent, reports / "overview.html") == absent
