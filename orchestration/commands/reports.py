"""`driftmeter reports`: the stored reports over HTTP, for links in Dagster and Grafana."""

from typing import Annotated

import typer

from python_metrics import settings


def reports(
    port: Annotated[int, typer.Option(help="Port.")] = 3002,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
) -> None:
    """Serve .driftmeter/reports until Ctrl-C; `driftmeter ui` does so too."""
    from python_metrics.reports.serve import open_server

    directory = settings.home() / "reports"
    with open_server(directory, host, port) as running:
        typer.echo(f"reports: http://{host}:{port}/<name>.html  (Ctrl-C ends it)")
        try:
            running.serve_forever()
        except KeyboardInterrupt:
            return
