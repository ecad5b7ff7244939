"""Whether a service of the stack is healthy: `healthcheck.py code|webserver|daemon|reports`.

Asked every few seconds, so it imports no Dagster, whose import takes a second of a core.
"""

import http.client
import os
import socket
import sys

# Dagster's daemon writes each part's heartbeat every 30 seconds; after an error it waits 300.
OLDEST_HEARTBEAT_SECONDS = 400
PARTS = ["SCHEDULER", "SENSOR", "QUEUED_RUN_COORDINATOR"]
SECONDS = 5


def code(port: int) -> str | None:
    """What Dagster's code server says of itself."""
    import grpc
    from grpc_health.v1 import health_pb2, health_pb2_grpc

    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        question = health_pb2.HealthCheckRequest(service="DagsterApi")
        try:
            answer = health_pb2_grpc.HealthStub(channel).Check(question, timeout=SECONDS)
        except grpc.RpcError as error:
            return f"the code server does not answer: {error.code()}"
    return None if answer.status == health_pb2.HealthCheckResponse.SERVING else "it does not serve"


def webserver(port: int) -> str | None:
    """Whether Dagster's pages are served."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    try:
        connection.request("GET", "/server_info")
        status = connection.getresponse().status
    except OSError as error:
        return f"the webserver does not answer: {error}"
    return None if status == 200 else f"the webserver answers {status}"


def daemon(_: int) -> str | None:
    """How old the heartbeats in Dagster's own table are."""
    import psycopg

    query = (
        "select daemon_type, extract(epoch from now() at time zone 'utc' - timestamp)"
        " from dagster.daemon_heartbeats where daemon_type = any(%s)"
    )
    try:
        with psycopg.connect(
            os.environ["DRIFTMETER_DATABASE_URL"], connect_timeout=SECONDS
        ) as session:
            ages = dict(session.execute(query, [PARTS]).fetchall())
    except psycopg.Error as error:
        return f"heartbeats cannot be read: {error}"
    late = [part for part in PARTS if ages.get(part, 1e9) > OLDEST_HEARTBEAT_SECONDS]
    return f"no heartbeat of {', '.join(late)}" if late else None


def reports(port: int) -> str | None:
    """Whether the reports' server listens."""
    try:
        socket.create_connection(("127.0.0.1", port), SECONDS).close()
    except OSError as error:
        return f"the reports' server does not answer: {error}"
    return None


CHECKS = {"code": (code, 4000), "webserver": (webserver, 3001), "daemon": (daemon, 0)}
CHECKS["reports"] = (reports, 3002)

if __name__ == "__main__":
    check, port = CHECKS[sys.argv[1]]
    sys.exit(check(int(sys.argv[2]) if len(sys.argv) > 2 else port))
