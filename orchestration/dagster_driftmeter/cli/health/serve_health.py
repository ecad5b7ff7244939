"""Serves the findings over HTTP, without a password, for whatever supervises the machine."""

import json
import threading
import time
from http.server import ThreadingHTTPServer

from dagster_driftmeter.cli.health.examine import examine
from dagster_driftmeter.cli.health.finding import Finding
from driftmeter.reports.listening import QuietHandler, listen

# Supervisors ask every few seconds, and some of the questions take the warehouse a while.
KEPT_SECONDS = 15
HEADERS = {"Content-Type": "application/json", "Cache-Control": "no-store"}


class Findings:
    """The newest findings, looked for again when they are old."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._findings: list[Finding] = []
        self._looked_at = float("-inf")

    def newest(self) -> list[Finding]:
        """Findings that are at most `KEPT_SECONDS` old."""
        # Those who ask at once wait for one look.
        with self._lock:
            if time.monotonic() - self._looked_at > KEPT_SECONDS:
                self._findings = list(examine())
                self._looked_at = time.monotonic()
            return self._findings


def server(host: str, port: int) -> ThreadingHTTPServer:
    """A server of ``/health`` and ``/alive``; the caller runs and closes it.

    Raises
    ------
    DriftmeterError
        If the address is taken, or not this user's to take.
    """
    findings = Findings()

    class Handler(QuietHandler):
        def answer(self) -> None:
            path = self.path.partition("?")[0]
            if path == "/alive":
                self._send(200, {"state": "ok"})
            elif path == "/health":
                newest = findings.newest()
                is_failed = any(finding.state == "failure" for finding in newest)
                # Addresses and names are the team's own matter: states alone are for everybody.
                parts = [{"part": one.part, "state": one.state} for one in newest]
                state = "failure" if is_failed else "ok"
                self._send(503 if is_failed else 200, {"state": state, "parts": parts})
            else:
                self.send_error(404, "ask /health or /alive")

        def _send(self, status: int, content: object) -> None:
            self.send_content(status, json.dumps(content).encode(), HEADERS)

    return listen(Handler, host, port)
