"""Downloads of TLC's files, from a real HTTP server on this machine."""

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from driftmeter.errors import DriftmeterError
from taxi.sources.tlc import download, months_between

FILE = "green_tripdata_2022-01.parquet"
CONTENT = bytes(range(256)) * 4000


class Ranges(SimpleHTTPRequestHandler):
    """Serves a directory; honours `Range: bytes=N-`, and keeps what was asked for."""

    asked: list[str | None]

    def do_GET(self) -> None:
        content = Path(self.translate_path(self.path))
        self.server.asked.append(self.headers.get("Range"))  # type: ignore[attr-defined]
        if not content.exists():
            self.send_error(404)
            return
        body = content.read_bytes()
        start = int((self.headers.get("Range") or "bytes=0-")[6:-1])
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()
        self.wfile.write(body[start:])

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ThreadingHTTPServer]:
    published = tmp_path / "published"
    published.mkdir()
    (published / FILE).write_bytes(CONTENT)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Ranges, directory=str(published)))
    server.asked = []  # type: ignore[attr-defined]
    monkeypatch.setenv("DRIFTMETER_TLC_URL", f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_file_is_fetched_once(server: ThreadingHTTPServer, tmp_path: Path) -> None:
    for _ in range(2):
        assert download(FILE, tmp_path).read_bytes() == CONTENT
    assert server.asked == [None]  # type: ignore[attr-defined]


def test_a_download_that_was_cut_off_goes_on_where_it_was(
    server: ThreadingHTTPServer, tmp_path: Path
) -> None:
    (tmp_path / f"{FILE}.part").write_bytes(CONTENT[:300_000])
    assert download(FILE, tmp_path).read_bytes() == CONTENT
    assert server.asked == ["bytes=300000-"]  # type: ignore[attr-defined]
    assert not (tmp_path / f"{FILE}.part").exists()


def test_a_month_that_is_not_published_is_one_line(
    server: ThreadingHTTPServer, tmp_path: Path
) -> None:
    with pytest.raises(DriftmeterError, match="TLC has no such file") as error:
        download("green_tripdata_2099-01.parquet", tmp_path)
    assert "2099-01" in str(error.value)
    assert list(tmp_path.glob("green*")) == []


def test_no_network_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRIFTMETER_TLC_URL", "http://127.0.0.1:1")
    with pytest.raises(DriftmeterError, match="the download stopped"):
        download(FILE, tmp_path)


def test_a_span_of_months_includes_both_ends_and_crosses_years() -> None:
    assert months_between("2021-11..2022-02") == ["2021-11", "2021-12", "2022-01", "2022-02"]
    assert months_between("2022-01") == ["2022-01"]


@pytest.mark.parametrize("text", ["2022-13", "January", "2022-02..2022-01"])
def test_a_span_that_is_none_is_one_line(text: str) -> None:
    with pytest.raises(DriftmeterError, match="--months"):
        months_between(text)
