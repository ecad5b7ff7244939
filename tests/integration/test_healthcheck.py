"""The stack's health checks, against real servers and a real Postgres."""

import importlib.util
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import grpc
import pytest
import sqlalchemy as sa
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from driftmeter.settings import PROJECT_ROOT
from driftmeter.warehouse.ports import free_port

FILE = PROJECT_ROOT / "docker" / "healthcheck.py"
spec = importlib.util.spec_from_file_location("healthcheck", FILE)
assert spec is not None
assert spec.loader is not None
healthcheck = importlib.util.module_from_spec(spec)
spec.loader.exec_module(healthcheck)


@contextmanager
def code_server(status: int) -> Iterator[int]:
    server, servicer = grpc.server(ThreadPoolExecutor(2)), health.HealthServicer()
    servicer.set("DagsterApi", status)
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield port
    finally:
        server.stop(None)


@contextmanager
def pages(status: int) -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/server_info" else 404)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def test_a_code_server_is_healthy_when_it_says_so() -> None:
    with code_server(health_pb2.HealthCheckResponse.SERVING) as port:
        assert healthcheck.code(port) is None
    with code_server(health_pb2.HealthCheckResponse.NOT_SERVING) as port:
        assert healthcheck.code(port) == "it does not serve"
    assert "does not answer" in healthcheck.code(free_port())


def test_pages_are_healthy_when_they_are_served() -> None:
    with pages(200) as port:
        assert healthcheck.webserver(port) is None
        assert healthcheck.reports(port) is None
    with pages(500) as port:
        assert healthcheck.webserver(port) == "the webserver answers 500"
    assert "does not answer" in healthcheck.webserver(free_port())
    assert "does not answer" in healthcheck.reports(free_port())


def test_the_daemon_is_healthy_while_all_its_parts_beat(
    warehouse: sa.Engine, warehouse_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRIFTMETER_DATABASE_URL", warehouse_url)
    assert "cannot be read" in healthcheck.daemon(0)
    with warehouse.begin() as session:
        session.exec_driver_sql("create schema if not exists dagster")
        # Columns as Dagster makes them: a time without a zone, in UTC.
        session.exec_driver_sql(
            "create table dagster.daemon_heartbeats (daemon_type text, timestamp timestamp)"
        )
    assert healthcheck.daemon(0) == f"no heartbeat of {', '.join(healthcheck.PARTS)}"
    with warehouse.begin() as session:
        for part in (*healthcheck.PARTS, "ASSET"):
            session.exec_driver_sql(
                "insert into dagster.daemon_heartbeats values (%(part)s, now() at time zone 'utc')",
                {"part": part},
            )
    # In whatever zone the server is, and whatever Dagster no longer runs.
    assert healthcheck.daemon(0) is None
    with warehouse.begin() as session:
        session.exec_driver_sql(
            "update dagster.daemon_heartbeats set timestamp = timestamp - interval '7 minutes'"
            " where daemon_type in ('SENSOR', 'ASSET')"
        )
    assert healthcheck.daemon(0) == "no heartbeat of SENSOR"


def test_a_check_says_what_is_wrong_and_imports_no_dagster() -> None:
    ended = subprocess.run(
        [sys.executable, "-X", "importtime", str(FILE), "code", str(free_port())],
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 1
    assert "the code server does not answer" in ended.stderr
    assert "| dagster" not in ended.stderr
    assert " grpc" in ended.stderr
