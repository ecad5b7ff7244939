"""The route of stored reports: pages of one folder by name, and nothing else of the machine."""

import datetime as dt
import http.client
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from driftmeter.reports.serve_reports import PAGE, server
from driftmeter.reports.write_report import file_name


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    folder = tmp_path / "reports"
    (folder / "inner").mkdir(parents=True)
    (folder / "day-2019-04-07.html").write_text("<p>a page</p>")
    (folder / "inner" / "deep.html").write_text("secret")
    (folder / "notes.txt").write_text("secret")
    for library in ("evidently-0.7.js", "plotly-3.1.0.js"):
        (folder / library).write_text("draw()")
    (folder / "other.js").write_text("secret")
    (tmp_path / "secret.html").write_text("secret")
    (folder / "link.html").symlink_to(tmp_path / "secret.html")
    running = server(folder, "127.0.0.1", 0)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    yield running.server_port
    running.shutdown()
    running.server_close()


def ask(port: int, path: str, method: str = "GET") -> tuple[int, str, dict[str, str]]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    # As it is: http.client, unlike a browser, cleans nothing up.
    connection.putrequest(method, path, skip_host=False)
    connection.endheaders()
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    return answer.status, body, dict(answer.headers)


def test_a_page_is_served_with_safe_headers(port: int) -> None:
    status, body, headers = ask(port, "/day-2019-04-07.html")
    assert (status, body) == (200, "<p>a page</p>")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Type"].startswith("text/html")
    assert ask(port, "/day-2019-04-07.html?x=1")[0] == 200


@pytest.mark.parametrize("library", ["evidently-0.7.js", "plotly-3.1.0.js"])
def test_a_library_that_draws_pages_is_served_as_a_script(port: int, library: str) -> None:
    status, body, headers = ask(port, f"/{library}")
    assert (status, body) == (200, "draw()")
    assert headers["Content-Type"].startswith("text/javascript")
    assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/../secret.html",
        "/%2e%2e/secret.html",
        "/..%2fsecret.html",
        "/%252e%252e%252fsecret.html",
        "/..\\secret.html",
        "/..%5csecret.html",
        "//etc/passwd",
        "/inner/deep.html",
        "/inner",
        "/./inner/deep.html",
        "/link.html",
        "/notes.txt",
        "/other.js",
        "/evidently-0.7.js.html",
        "/evidently-../secret.js",
        "/day-2019-04-07.html/",
        "/day-2019-04-07.html%00.txt",
        "/absent.html",
        "/" + "a" * 300 + ".html",
    ],
)
def test_nothing_else_is(port: int, path: str) -> None:
    status, body, _ = ask(port, path)
    assert status == 404
    assert "secret" not in body


def test_head_answers_as_get_without_the_page(port: int) -> None:
    status, body, headers = ask(port, "/day-2019-04-07.html", "HEAD")
    got = ask(port, "/day-2019-04-07.html")[2]
    assert (status, body) == (200, "")
    assert {**headers, "Date": ""} == {**got, "Date": ""}
    assert ask(port, "/absent.html", "HEAD")[0] == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_it_only_reads(port: int, method: str) -> None:
    assert ask(port, "/day-2019-04-07.html", method)[0] == 501


def test_the_name_of_a_report_is_one_that_is_served() -> None:
    day = dt.date(2019, 4, 7)
    name = file_name("trip_duration", day, ("pickup borough", "../Staten Island"), "weekday")
    assert PAGE.fullmatch(name)


def test_a_page_is_served_with_a_policy_that_lets_it_connect_to_nobody(port: int) -> None:
    policy = ask(port, "/day-2019-04-07.html")[2]["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "connect-src" not in policy
    assert "frame-ancestors 'none'" in policy


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("127.0.0.1:3002", 200),
        ("localhost", 200),
        ("[::1]:3002", 200),
        ("10.1.2.3", 200),
        ("reports.team.example", 200),
        ("Reports.Team.Example:443", 200),
        ("rebound.attacker.example", 421),
        ("127.0.0.1.attacker.example", 421),
        ("localhost.attacker.example", 421),
        ("[", 421),
        ("", 421),
    ],
)
def test_only_a_request_for_its_own_name_is_answered(
    port: int, monkeypatch: pytest.MonkeyPatch, name: str, status: int
) -> None:
    monkeypatch.setenv("DRIFTMETER_REPORTS_URL", "https://reports.team.example/pages")
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.putrequest("GET", "/day-2019-04-07.html", skip_host=True)
    connection.putheader("Host", name)
    connection.endheaders()
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    assert answer.status == status
    assert ("a page" in body) == (status == 200)
