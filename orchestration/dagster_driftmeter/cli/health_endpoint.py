"""`driftmeter health`: the doctor's findings over HTTP, for a supervisor."""

from dagster_driftmeter.cli.arguments import Host, Port
from dagster_driftmeter.runs.ending import serving_until_ended
from dagster_driftmeter.runs.terminal import say
from driftmeter import settings


def health(
    port: Port = 3003,
    host: Host = "127.0.0.1",
) -> None:
    """Serve /health until Ctrl-C, so that a supervisor can watch Driftmeter.

    /health answers 200, or 503 if `driftmeter doctor` finds a failure. Its JSON holds the state of
    each part. /alive answers 200 as long as this process runs.

    Example: driftmeter health --port 3003
    """
    from dagster_driftmeter.cli.health.serve_health import server

    # A directory that is nobody's would be a failure for ever.
    settings.home()
    with serving_until_ended(), server(host, port) as running:
        say(f"health: http://{host}:{port}/health  (Ctrl-C stops it)")
        running.serve_forever()
