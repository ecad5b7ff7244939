"""`driftmeter ui`: serves Dagster's pages on this warehouse, and the stored reports."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from dagster_driftmeter.runs.ending import serving_until_ended
from dagster_driftmeter.runs.environment import prepare
from dagster_driftmeter.runs.terminal import say
from driftmeter import settings
from driftmeter.errors import DriftmeterError
from driftmeter.reports.report_address import reports_port, reports_url

# Between two looks whether the reports' port is free.
RETRY_SECONDS = 2


def ui(
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")] = 3001,
) -> None:
    """Serve Dagster's UI until Ctrl-C, with the daemon that runs schedules and sensors."""
    from driftmeter.reports.listening import QuietHandler, listen

    # A port that is taken is refused before anything starts.
    listen(QuietHandler, "127.0.0.1", port).server_close()
    prepare()
    dagster = Path(sys.executable).parent / "dagster"
    arguments = ["dev", "--module-name", "dagster_driftmeter.definitions", "--host", "127.0.0.1"]
    say(f"Dagster: http://127.0.0.1:{port}  (Ctrl-C stops it; the warehouse keeps running)")
    code = 0
    with serving_until_ended(), _reports():
        # A group of its own, so that all of it ends; a background job's would ignore Ctrl-C.
        running = subprocess.Popen(
            [str(dagster), *arguments, "--port", str(port)],
            start_new_session=True,
            preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
        )
        try:
            code = running.wait()
        finally:
            end_group(running)
    raise SystemExit(code)


def end_group(process: "subprocess.Popen[bytes]") -> None:
    """End a process and all that it started: politely first, then for good."""
    for number, seconds in ((signal.SIGINT, 15), (signal.SIGTERM, 5), (signal.SIGKILL, 5)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                os.killpg(process.pid, 0)
            except ProcessLookupError:
                return
            time.sleep(0.1)


@contextlib.contextmanager
def _reports() -> Iterator[None]:
    """Serve the reports that assets and incidents link to, while the block is on."""
    # Of the address that the environment names, if it names one.
    port = urlsplit(settings.reports_url() or "").port or reports_port()
    is_over = threading.Event()
    serving = threading.Thread(target=serve_reports, args=[port, is_over])
    serving.start()
    try:
        yield
    finally:
        is_over.set()
        serving.join()


def serve_reports(port: int, is_over: threading.Event) -> None:
    """Serve the reports until the end, from when nobody else listens there.

    That may be the UI before this one, which takes its time to end, or `driftmeter reports`.
    """
    from driftmeter.reports.serve_reports import server

    is_told = False
    while not is_over.is_set():
        try:
            running = server(settings.home() / "reports", "127.0.0.1", port)
        except DriftmeterError:
            if not is_told:
                say(f"reports: another process listens on port {port}; served here once it ends")
            is_told = True
            is_over.wait(RETRY_SECONDS)
            continue
        say(f"reports: {reports_url()}")
        with running:
            threading.Thread(target=running.serve_forever, daemon=True).start()
            is_over.wait()
            running.shutdown()
