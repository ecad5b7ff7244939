"""`driftmeter grafana --url`: into a Grafana that keeps state and holds its published API."""

import datetime as dt
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from dagster_driftmeter.cli.app import run_app
from driftmeter.dashboards import provisioned
from driftmeter.dashboards.write import DASHBOARDS
from driftmeter.errors import DriftmeterError
from driftmeter.warehouse.address import read_address
from tests.integration.grafana.stand_in import GROUP, TOKEN, Grafana, Refusal, serve

SOURCE = "driftmeter-warehouse"
TITLES = ["Driftmeter warehouse", "Driftmeter", *(board.title for board in DASHBOARDS)]
RULES = ["Open incident", "Partitions not fresh", "No new day"]
Put = Callable[..., tuple[int, list[str], str]]


@pytest.fixture
def grafana() -> Iterator[Grafana]:
    """A Grafana with a team's own data source; nothing may break its description."""
    with serve(Grafana()) as served:
        served.datasources["team"] = {"name": "Team", "uid": "team", "isDefault": True}
        yield served
        assert served.violations == []


@pytest.fixture
def put(
    warehouse_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Put:
    """Run the command; gives its exit code, what it says line by line, and its errors."""
    monkeypatch.setenv("DRIFTMETER_DATABASE_URL", warehouse_url)
    monkeypatch.setenv("DRIFTMETER_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("GRAFANA_TOKEN", TOKEN)
    monkeypatch.delenv("DRIFTMETER_READER_PASSWORD", raising=False)

    def run(url: str, *arguments: str) -> tuple[int, list[str], str]:
        monkeypatch.setattr(sys, "argv", ["driftmeter", "grafana", "--url", url, *arguments])
        with pytest.raises(SystemExit) as ended:
            run_app()
        shown = capsys.readouterr()
        return int(ended.value.code or 0), shown.out.splitlines(), shown.err

    return run


def states(lines: list[str]) -> dict[str, str]:
    """What became of each object, by its name."""
    return {line[23:]: line.split()[0] for line in lines if not line.startswith(("open", "noth"))}


def test_a_first_run_creates_everything_and_a_second_changes_nothing(
    grafana: Grafana, put: Put
) -> None:
    code, lines, errors = put(grafana.url)
    assert (code, errors) == (0, "")
    assert states(lines) == dict.fromkeys([*TITLES, *RULES], "created")
    assert lines[-1] == f"open {grafana.url}/d/driftmeter-overview"
    assert grafana.writes == [
        "POST /datasources",
        "POST /folders",
        *["POST /dashboards/db"] * len(DASHBOARDS),
        f"PUT {GROUP}",
    ]
    # The team's default stays theirs, and the password lets the reader in: the check logs in.
    assert grafana.datasources[SOURCE]["isDefault"] is False
    assert grafana.datasources[SOURCE]["user"] == "driftmeter_reader"
    assert {board["meta"]["folderUid"] for board in grafana.dashboards.values()} == {"driftmeter"}
    # The alert leads to its panel.
    rule = grafana.groups[GROUP]["rules"][0]
    assert rule["annotations"]["__dashboardUid__"] == "driftmeter-tests-and-incidents"
    assert rule["annotations"]["__panelId__"] == "3"
    assert grafana.groups[GROUP]["interval"] == 60

    grafana.writes.clear()
    code, lines, errors = put(grafana.url + "/")
    assert (code, errors) == (0, "")
    assert states(lines) == dict.fromkeys([*TITLES, *RULES], "unchanged")
    assert grafana.writes == []


def test_a_dry_run_says_the_same_and_writes_nothing(grafana: Grafana, put: Put) -> None:
    code, lines, _ = put(grafana.url, "--dry-run")
    assert code == 0
    assert grafana.writes == []
    assert lines.pop() == "nothing was written (--dry-run)"
    assert lines == put(grafana.url)[1][:-1]
    source = dict(grafana.datasources[SOURCE])
    grafana.dashboards["driftmeter-drift"]["dashboard"]["title"] = "Mine"
    grafana.writes.clear()
    assert states(put(grafana.url, "--dry-run")[1])["Drift"] == "updated"
    assert grafana.writes == []
    # Nor is the reader's password another one now.
    assert grafana.datasources[SOURCE] == source
    assert grafana.check_datasource(SOURCE)


def test_what_was_changed_there_is_put_right_and_nothing_else_is_touched(
    grafana: Grafana, put: Put
) -> None:
    put(grafana.url)
    grafana.dashboards["driftmeter-drift"]["dashboard"]["panels"].pop()
    grafana.dashboards["driftmeter-pipeline"]["meta"]["folderUid"] = "elsewhere"
    grafana.folders["driftmeter"]["title"] = "Models, watched"
    rules = grafana.groups[GROUP]["rules"]
    rules[0]["data"][1]["model"]["conditions"][0]["evaluator"]["params"] = [5]
    rules.append({**rules.pop(2), "uid": "driftmeter-of-old", "title": "Of old"})
    grafana.datasources[SOURCE]["isDefault"] = True
    grafana.datasources[SOURCE]["jsonData"] |= {
        "sslmode": "require",
        "enableSecureSocksProxy": True,
    }
    grafana.writes.clear()
    found = states(put(grafana.url)[1])
    changed = {name: state for name, state in found.items() if state != "unchanged"}
    assert changed == {
        "Driftmeter warehouse": "updated",
        "Drift": "updated",
        "Pipeline": "updated",
        "Open incident": "updated",
        "No new day": "created",
        "Of old": "removed",
    }
    assert grafana.writes == [
        f"PUT /datasources/uid/{SOURCE}",
        *["POST /dashboards/db"] * 2,
        f"PUT {GROUP}",
    ]
    source = grafana.datasources[SOURCE]
    assert source["isDefault"] is True
    assert source["jsonData"]["sslmode"] == "disable"
    assert source["jsonData"]["enableSecureSocksProxy"] is True
    assert set(states(put(grafana.url)[1]).values()) == {"unchanged"}


def test_a_password_that_no_longer_fits_is_made_anew(
    grafana: Grafana, put: Put, warehouse: sa.Engine
) -> None:
    put(grafana.url)
    with warehouse.begin() as session:
        session.exec_driver_sql("alter role driftmeter_reader password 'another'")
    code, lines, errors = put(grafana.url)
    assert (code, errors) == (0, "")
    found = states(lines)
    assert found.pop("Driftmeter warehouse") == "updated"
    assert set(found.values()) == {"unchanged"}


def test_a_password_of_the_environment_is_written_whenever_the_command_runs(
    grafana: Grafana, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    for password in ("f0e1d2", "f0e1d2", "c3b4a5"):
        monkeypatch.setenv("DRIFTMETER_READER_PASSWORD", password)
        code, _, errors = put(grafana.url)
        assert (code, errors) == (0, "")
        assert grafana.datasources[SOURCE]["secureJsonData"] == {"password": password}
        assert grafana.check_datasource(SOURCE)
    assert grafana.datasources[SOURCE]["version"] == 3
    # Grafana shows no password, so what can be seen is what is said.
    assert states(put(grafana.url)[1])["Driftmeter warehouse"] == "unchanged"


def test_what_that_grafana_has_from_files_is_left(grafana: Grafana, put: Put) -> None:
    put(grafana.url)
    grafana.datasources[SOURCE] |= {"readOnly": True, "name": "From a file"}
    for board in grafana.dashboards.values():
        board["meta"]["provisioned"] = True
    for rule in grafana.groups[GROUP]["rules"]:
        rule["provenance"] = "file"
    grafana.writes.clear()
    found = states(put(grafana.url)[1])
    assert found.pop("Driftmeter") == "unchanged"
    assert found == dict.fromkeys([TITLES[0], *TITLES[2:], *RULES], "left")
    assert grafana.writes == []


def test_a_rule_of_the_teams_own_in_our_group_is_not_thrown_away(
    grafana: Grafana, put: Put
) -> None:
    put(grafana.url)
    rules = grafana.groups[GROUP]["rules"]
    rules.append({**rules[0], "uid": "theirs", "title": "Disk full"})
    grafana.dashboards.clear()
    grafana.writes.clear()
    code, lines, errors = put(grafana.url)
    assert (code, lines, grafana.writes) == (1, [], [])
    assert "also holds other rules: Disk full" in errors


@pytest.mark.parametrize(
    ("refused", "said", "written"),
    [
        (("GET /folders/driftmeter", 403, "folders:read"), "may not do this (folders:read)", 0),
        (("POST /datasources", 403, "datasources:create"), "role Admin", 0),
        (("POST /datasources", 409, "data source with the same name already exists"), "409", 0),
        (("POST /dashboards/db", 412, "The dashboard has been changed"), "(The dashboard has", 2),
        (("POST /dashboards/db", 500, "database is locked"), "500 (database is locked)", 2),
        ((f"PUT {GROUP}", 400, "invalid rule"), "(invalid rule)", 8),
    ],
)
def test_a_refusal_is_one_line_after_those_of_what_was_written(
    grafana: Grafana, put: Put, refused: tuple[str, int, str], said: str, written: int
) -> None:
    call, status, message = refused
    grafana.refusals[call] = Refusal(status, message)
    code, lines, errors = put(grafana.url)
    assert code == 1
    assert errors.startswith(f"error: {call.split()[0]} {grafana.url}/api{call.split()[1]}: ")
    assert errors.count("\n") == 1
    assert said in errors
    assert len(lines) == len(grafana.writes) == written
    # The next run does the rest.
    grafana.refusals.clear()
    found = list(states(put(grafana.url)[1]).values())
    assert found == ["unchanged"] * written + ["created"] * (11 - written)


def test_a_token_that_grafana_does_not_know(grafana: Grafana, put: Put) -> None:
    code, lines, errors = put(grafana.url, "--token", "glsa_wrong")
    assert (code, lines) == (1, [])
    assert "Grafana does not know the token (Invalid API key)" in errors
    assert "glsa_wrong" not in errors
    code, _, errors = put(grafana.url, "--token", " ")
    assert code == 1
    assert "the token is missing" in errors


def test_a_grafana_that_cannot_take_it_is_named(grafana: Grafana, put: Put) -> None:
    grafana.version = "9.0.2"
    code, lines, errors = put(grafana.url)
    assert (code, lines) == (1, [])
    assert "it is Grafana 9.0.2, which is too old" in errors
    grafana.version, grafana.has_alerting = "", False
    code, lines, errors = put(grafana.url)
    assert code == 1
    assert list(states(lines).values()) == ["created"] * 8
    assert "this Grafana lacks an API that is needed (Not found)" in errors
    assert "with Grafana's own alerting switched on" in errors


def test_a_warehouse_that_grafana_does_not_reach_is_an_error_that_names_the_address(
    grafana: Grafana, put: Put
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        code, lines, errors = put(grafana.url, "--datasource-address", address)
    assert code == 1
    assert len(lines) == 11
    assert errors.startswith(f"error: {address}: everything was installed, but Grafana cannot read")
    assert "--datasource-address" in errors
    assert errors.count("\n") == 1


class Page(BaseHTTPRequestHandler):
    """What stands before a Grafana, and is none."""

    def do_GET(self) -> None:
        moved = self.path.startswith("/moved")
        self.send_response(302 if moved else 200)
        self.send_header("Location", "https://login.example/")
        self.end_headers()
        self.wfile.write(b"" if moved else b"<html>Welcome</html>")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def page() -> Iterator[HTTPServer]:
    with HTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_an_address_that_is_no_grafanas(page: HTTPServer, put: Put) -> None:
    url = f"http://127.0.0.1:{page.server_port}"
    assert "what answers at /api/health is not a Grafana" in put(url)[2]
    assert "it redirects to https://login.example/" in put(f"{url}/moved")[2]
    assert "'grafana.example' is not an address" in put("grafana.example")[2]
    code, lines, errors = put("http://127.0.0.1:9")
    assert (code, lines) == (1, [])
    assert errors.count("\n") == 1
    assert "Grafana does not answer (" in errors
    assert "refused" in errors


def test_a_certificate_is_checked_and_an_authority_of_ones_own_is_taken(
    page: HTTPServer, put: Put, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = tmp_path / "certificate.pem"
    certificate.write_bytes(self_signed("localhost"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    page.socket = context.wrap_socket(page.socket, server_side=True)
    url = f"https://localhost:{page.server_port}"
    errors = put(url)[2]
    assert errors.count("\n") == 1
    assert "its certificate is not trusted (" in errors
    assert "REQUESTS_CA_BUNDLE" in errors
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    assert "what answers at /api/health is not a Grafana" in put(url)[2]


def self_signed(host: str) -> bytes:
    """A key and its certificate, valid for a day."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
    now = dt.datetime.now(dt.timezone.utc)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    form = serialization.PrivateFormat.PKCS8
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, form, serialization.NoEncryption())
    return private + certificate.public_bytes(pem)


def test_a_warehouse_that_is_not_there_yet_is_left_alone_by_a_dry_run(
    grafana: Grafana, put: Put, postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRIFTMETER_DATABASE_URL", f"{postgres}/postgres")
    code, lines, errors = put(grafana.url, "--dry-run")
    assert (code, lines) == (1, [])
    assert "the warehouse has no schema metrics yet" in errors
    with psycopg.connect(f"{postgres}/postgres") as session:
        assert session.execute("select to_regnamespace('metrics')").fetchone() == (None,)


@pytest.mark.parametrize("arguments", [("--port", "3001"), ("--binary", "/bin/grafana")])
def test_options_of_the_other_kind_are_refused(put: Put, arguments: tuple[str, str]) -> None:
    code, _, errors = put("http://127.0.0.1:9", *arguments)
    assert code == 1
    assert f"{arguments[0]} cannot be used with --url" in errors


OURS = "postgresql://u:p@127.0.0.1:5433/w"
THEIRS = "postgresql://u:p@db.example/w"


@pytest.mark.parametrize(
    ("warehouse", "grafana_url", "given", "address"),
    [
        (OURS, "http://localhost:3000", None, "127.0.0.1:5433"),
        (THEIRS, "https://grafana.example", None, "db.example:5432"),
        (OURS, "https://grafana.example", "db:6543", "db:6543"),
        (OURS, "https://grafana.example", "db.example", "db.example:5432"),
        (OURS, "https://grafana.example", "[2001:db8::1]", "[2001:db8::1]:5432"),
        ("postgresql://u:p@[2001:db8::1]:5433/w", "https://g.example", None, "[2001:db8::1]:5433"),
    ],
)
def test_the_warehouses_address_as_grafana_reaches_it(
    warehouse: str, grafana_url: str, given: str | None, address: str
) -> None:
    url = read_address(warehouse)
    assert provisioned.datasource_address(url, grafana_url, given) == address


@pytest.mark.parametrize(
    ("warehouse", "given", "said"),
    [
        (OURS, None, "127.0.0.1, which that Grafana cannot use"),
        ("postgresql://u:p@localhost/w", None, "which that Grafana cannot use"),
        ("postgresql://u:p@/w?host=/run/postgresql", None, "which that Grafana cannot use"),
        (THEIRS, "postgresql://db", "not a host and port"),
        (THEIRS, "db:port", "not a host and port"),
    ],
)
def test_an_address_that_grafana_could_not_use_is_refused(
    warehouse: str, given: str | None, said: str
) -> None:
    with pytest.raises(DriftmeterError, match=said):
        provisioned.datasource_address(read_address(warehouse), "https://grafana.example", given)
