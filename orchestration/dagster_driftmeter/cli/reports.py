"""`driftmeter reports`: the stored reports over HTTP, for links in Dagster and Grafana."""

from typing import Annotated, Optional

import typer

from dagster_driftmeter.cli.arguments import Host
from dagster_driftmeter.runs.ending import serving_until_ended
from dagster_driftmeter.runs.terminal import say
from driftmeter import settings
from driftmeter.reports.report_address import reports_port


def reports(
    port: Annotated[
        Optional[int],
        typer.Option(help="Port to listen on. Default: the port that the links to reports use."),
    ] = None,
    host: Host = "127.0.0.1",
) -> None:
    """Serve the reports in .driftmeter/reports until Ctrl-C. `driftmeter ui` serves them too."""
    from driftmeter.reports.serve_reports import server

    directory, port = settings.home() / "reports", port or reports_port()
    with serving_until_ended(), server(directory, host, port) as running:
        say(f"reports: http://{host}:{port}/<name>.html  (Ctrl-C stops it)")
        running.serve_forever()
