"""`driftmeter ui`: Dagster's own pages on this warehouse, and the stored reports beside them."""

import contextlib
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from orchestration.environment import prepare
from python_metrics import settings


def ui(
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")] = 3001,
) -> None:
    """Open Dagster's UI and its daemon, which runs schedules and the replay, until Ctrl-C."""
    prepare()
    dagster = Path(sys.executable).parent / "dagster"
    arguments = ["dev", "--module-name", "orchestration.definitions", "--host", "127.0.0.1"]
    typer.echo(f"Dagster: http://127.0.0.1:{port}  (Ctrl-C ends it; the warehouse stays up)")
    with _reports():
        running = subprocess.Popen([str(dagster), *arguments, "--port", str(port)])
        signal.signal(signal.SIGTERM, lambda *_: running.terminate())
        try:
            code = running.wait()
        except KeyboardInterrupt:
            # The terminal told Dagster as well.
            code = running.wait()
    raise SystemExit(code)


@contextlib.contextmanager
def _reports() -> Iterator[None]:
    """Serve the reports that assets and incidents link to, unless somebody does already."""
    from python_metrics.reports.serve import server

    address = urlsplit(settings.reports_url())
    try:
        serving = server(settings.home() / "reports", "127.0.0.1", address.port or 3002)
    except OSError:
        typer.echo(f"reports: {settings.reports_url()} is served by another process")
        yield
        return
    threading.Thread(target=serving.serve_forever, daemon=True).start()
    try:
        yield
    finally:
        serving.shutdown()
        serving.server_close()
