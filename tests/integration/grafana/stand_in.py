"""A Grafana in memory, behind HTTP: it keeps what it is given, and answers as Grafana does.

Every request and every answer is held against `api.yaml`. Its check of a data source is a real one:
it logs in to Postgres with what it was given.
"""

import copy
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import psycopg

from tests.integration.grafana.description import call, faults

Json = dict[str, Any]
TOKEN = "glsa_test"
ORGANISATION = 7
GROUP = "/v1/provisioning/folder/driftmeter/rule-groups/driftmeter"


class Refusal(Exception):
    """An answer other than 200."""

    def __init__(self, code: int, message: str, **more: str) -> None:
        self.code, self.body = code, {"message": message, **more}


@dataclass
class Grafana:
    """What it holds, and what was asked of it."""

    version: str = "13.2.3"
    has_alerting: bool = True
    folders: dict[str, Json] = field(default_factory=dict)
    datasources: dict[str, Json] = field(default_factory=dict)
    dashboards: dict[str, Json] = field(default_factory=dict)
    groups: dict[str, Json] = field(default_factory=dict)
    # Calls that are refused in any case, by method and path.
    refusals: dict[str, Refusal] = field(default_factory=dict)
    writes: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    url: str = ""

    def answer(self, method: str, path: str, token: str, body: Any) -> tuple[int, Json]:
        """Status and body; whatever breaks the description is kept in `violations`."""
        if "/provisioning/" in path and not self.has_alerting:
            return 404, {"message": "Not found"}
        try:
            described = call(method, path)
        except KeyError as error:
            self.violations.append(str(error))
            return 404, {"message": "Not found"}
        if "body" in described:
            self.violations += faults(described["body"], body)
        elif body is not None:
            self.violations.append(f"{method} {path} takes no body")
        try:
            if token != f"Bearer {TOKEN}" and path != "/health":
                raise Refusal(401, "Invalid API key")
            if refusal := self.refusals.get(f"{method} {path}"):
                raise refusal
            status, answer = 200, self.respond(method, path, copy.deepcopy(body))
            if method != "GET":
                self.writes.append(f"{method} {path}")
        except Refusal as refusal:
            status, answer = refusal.code, refusal.body
        if status in described:
            self.violations += faults(described[status], answer)
        elif status != 401:
            self.violations.append(f"{method} {path} never answers {status}")
        return status, answer

    def respond(self, method: str, path: str, body: Json) -> Json:
        match [method, *path.strip("/").split("/")]:
            case ["GET", "health"]:
                return {"database": "ok", "version": self.version, "commit": "0"}
            case ["GET", "folders", uid]:
                return there(self.folders, uid, "folder not found")
            case ["POST", "folders"]:
                return self.add_folder(body)
            case ["GET", "datasources", "uid", uid]:
                return shown(there(self.datasources, uid, "Data source not found"))
            case ["GET", "datasources", "uid", uid, "health"]:
                return self.check_datasource(uid)
            case ["POST", "datasources"]:
                return self.add_datasource(body)
            case ["PUT", "datasources", "uid", uid]:
                return self.change_datasource(uid, body)
            case ["GET", "dashboards", "uid", uid]:
                return there(self.dashboards, uid, "Dashboard not found")
            case ["POST", "dashboards", "db"]:
                return self.save_dashboard(body)
            case ["GET", "v1", *_]:
                return there(self.groups, path, "rule group not found")
            case ["PUT", "v1", _, _, folder, _, group]:
                return self.replace_group(path, folder, group, body)
        raise AssertionError(f"{method} {path} is described and not played")

    def add_folder(self, body: Json) -> Json:
        if body["uid"] in self.folders:
            raise Refusal(409, "a folder with the same uid already exists")
        self.folders[body["uid"]] = {**body, "id": 1, "url": "/dashboards/f/x", "version": 1}
        return self.folders[body["uid"]]

    def add_datasource(self, body: Json) -> Json:
        if any(body["name"] == known["name"] for known in self.datasources.values()):
            raise Refusal(409, "data source with the same name already exists")
        self.datasources[body["uid"]] = {"isDefault": False, **body, "version": 1}
        return saved(self.datasources[body["uid"]], "Datasource added")

    def change_datasource(self, uid: str, body: Json) -> Json:
        known = there(self.datasources, uid, "Data source not found")
        if known.get("readOnly"):
            raise Refusal(403, "Cannot update read-only data source")
        self.datasources[uid] = {**body, "version": known["version"] + 1}
        return saved(self.datasources[uid], "Datasource updated")

    def check_datasource(self, uid: str) -> Json:
        source = there(self.datasources, uid, "Data source not found")
        host, _, port = source["url"].rpartition(":")
        try:
            with psycopg.connect(
                host=host,
                port=port,
                dbname=source["jsonData"]["database"],
                sslmode=source["jsonData"]["sslmode"],
                user=source["user"],
                password=source["secureJsonData"]["password"],
                connect_timeout=5,
            ) as session:
                session.execute("select 1")
        except psycopg.OperationalError as error:
            raise Refusal(400, str(error), status="ERROR") from error
        return {"message": "Database Connection OK"}

    def save_dashboard(self, body: Json) -> Json:
        board, folder = body["dashboard"], body.get("folderUid", "")
        if folder and folder not in self.folders:
            raise Refusal(400, "folder not found", status="not-found")
        known = self.dashboards.get(board["uid"])
        if known and known["meta"].get("provisioned"):
            raise Refusal(400, "Cannot save provisioned dashboard")
        if known and not body.get("overwrite"):
            raise Refusal(412, "The dashboard has been changed", status="version-mismatch")
        version = known["meta"]["version"] + 1 if known else 1
        self.dashboards[board["uid"]] = {
            "dashboard": {**board, "id": len(self.dashboards) + 1, "version": version},
            "meta": {"folderUid": folder, "version": version, "provisioned": False},
        }
        answer = {"id": 1, "status": "success", "title": board["title"], "uid": board["uid"]}
        return {**answer, "url": f"/d/{board['uid']}", "version": version, "folderUid": folder}

    def replace_group(self, path: str, folder: str, group: str, body: Json) -> Json:
        if folder not in self.folders:
            raise Refusal(400, "folder does not exist")
        for number, rule in enumerate(body["rules"], start=1):
            rule |= {"orgID": ORGANISATION, "folderUID": folder, "ruleGroup": group}
            rule |= {"id": number, "provenance": "api", "updated": "2026-01-31T00:00:00Z"}
            for query in rule["data"]:
                query["queryType"] = ""
                query["model"] = {"intervalMs": 1000, "maxDataPoints": 43200, **query["model"]}
        self.groups[path] = {**body, "folderUid": folder, "title": group}
        return self.groups[path]


def there(held: dict[str, Json], key: str, message: str) -> Json:
    """What is held under a key, or 404."""
    if key not in held:
        raise Refusal(404, message)
    return held[key]


def shown(source: Json) -> Json:
    """A data source as it is told: which secrets it has, and none of them."""
    secret = source.get("secureJsonData", {})
    told = {name: value for name, value in source.items() if name != "secureJsonData"}
    fields = {"id": 1, "orgId": ORGANISATION, "readOnly": False}
    return {**fields, **told, "secureJsonFields": dict.fromkeys(secret, True)}


def saved(source: Json, message: str) -> Json:
    return {"datasource": shown(source), "id": 1, "message": message, "name": source["name"]}


@contextmanager
def serve(grafana: Grafana) -> Iterator[Grafana]:
    """Answer on a free port of this machine, below a path as behind a proxy."""

    class Handler(BaseHTTPRequestHandler):
        def reply(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            prefix, path = "/grafana/api", self.path.removeprefix("/grafana/api")
            assert self.path.startswith(prefix), self.path
            token = self.headers.get("Authorization", "")
            status, answer = grafana.answer(self.command, path, token, body)
            text = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_PUT = do_DELETE = reply

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    grafana.url = f"http://127.0.0.1:{server.server_port}/grafana"
    try:
        yield grafana
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
