"""The wheel in environments of their own, beside a team's own code and one table."""

import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
import venv
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
import requests
import sqlalchemy as sa

from driftmeter import __version__
from driftmeter.settings import PROJECT_ROOT
from driftmeter.warehouse.ports import free_port
from tests.integration.test_init import LOANS

PIP = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
# Of what the wheel depends on, and of the tests' own: programs that teams start.
SCRIPTS = ("dbt", "dagster", "dg", "create-dagster")

# A team's own code of the names that Driftmeter's packages had, and that many teams have.
TEAM = {
    "orchestration/__init__.py": "OWN = 'the team'\n",
    "orchestration/definitions.py": """
from pathlib import Path

import dagster as dg
import python_metrics
from dagster_driftmeter import monitoring_definitions

import orchestration

assert orchestration.OWN == python_metrics.OWN == "the team"


@dg.asset
def of_the_team() -> None: ...


defs = dg.Definitions.merge(
    dg.Definitions(assets=[of_the_team]),
    monitoring_definitions(Path.cwd() / "target" / "manifest.json"),
)
""",
    "python_metrics/__init__.py": "OWN = 'the team'\n",
}
BESIDE = {
    **TEAM,
    "driftmeter_monitoring.py": "from orchestration.definitions import defs as defs\n",
}
PACKAGED = {
    **TEAM,
    "pyproject.toml": """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "team-models"
version = "1"

[tool.hatch.build.targets.wheel]
packages = ["orchestration", "python_metrics"]
""",
}
OURS = "import dagster_driftmeter as d, driftmeter as p; print(d.__file__, p.__file__)"
TEAMS_IMPORT = "import orchestration as o, python_metrics as p; print(o.OWN, p.OWN, p.__file__)"
# What a page of Dagster's asks first: is each code location there, and what is in it?
LOCATIONS = """{ workspaceOrError { ... on Workspace { locationEntries {
    name loadStatus locationOrLoadError {
        __typename
        ... on PythonError { message }
        ... on RepositoryLocation { repositories { assetNodes { assetKey { path } } } }
    }
} } } }"""


@dataclass(frozen=True)
class Wheels:
    """Driftmeter's wheel, and that of a team."""

    ours: Path
    teams: Path


@dataclass(frozen=True)
class Installed:
    """An environment with wheels, used in a directory with a warehouse."""

    environment: Path
    directory: Path
    warehouse_url: str

    @property
    def programs(self) -> Path:
        return self.environment / "bin"

    @property
    def packages(self) -> Path:
        return self.environment / "lib" / f"python3.{sys.version_info[1]}" / "site-packages"

    def variables(self) -> dict[str, str]:
        kept = {"PATH", "HOME", "LANG"}
        environment = {name: value for name, value in os.environ.items() if name in kept}
        return {**environment, "DRIFTMETER_DATABASE_URL": self.warehouse_url}

    def run(
        self,
        program: str,
        *arguments: str,
        within: str = ".",
        variables: Mapping[str, str] | None = None,
    ) -> str:
        """What a program prints."""
        ended = self.end_of(program, *arguments, within=within, variables=variables)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout

    def end_of(
        self,
        program: str,
        *arguments: str,
        within: str = ".",
        variables: Mapping[str, str] | None = None,
    ) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [self.programs / program, *arguments],
            cwd=self.directory / within,
            env={**self.variables(), **(variables or {})},
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        )

    def pip(self, *arguments: str) -> None:
        subprocess.run([*PIP, "--python", str(self.environment), *arguments], check=True)

    def install(self, *wheels: Path) -> None:
        self.pip("install", "--no-deps", "--no-index", *map(str, wheels))


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Wheels:
    root = tmp_path_factory.mktemp("wheels")
    ours, teams = root / "ours", root / "teams"
    ignore = shutil.ignore_patterns("__pycache__", "target", "logs", "dbt_packages")
    for name in ("python_metrics", "orchestration", "dbt_project", "grafana"):
        shutil.copytree(PROJECT_ROOT / name, ours / name, ignore=ignore)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(PROJECT_ROOT / name, ours / name)
    write(teams, PACKAGED)
    return Wheels(build(ours), build(teams))


def write(directory: Path, files: Mapping[str, str]) -> None:
    for name, content in files.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text(content)


def build(sources: Path) -> Path:
    """The wheel of some sources, which are gone then."""
    made = sources.with_name(f"{sources.name}_wheel")
    options = ["--no-deps", "--no-build-isolation", "--wheel-dir", str(made)]
    subprocess.run([*PIP, "wheel", *options, "."], cwd=sources, check=True)
    shutil.rmtree(sources)
    (wheel,) = made.glob("*.whl")
    return wheel


@pytest.fixture
def installed(
    wheels: Wheels, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, warehouse_url: str
) -> Installed:
    """Driftmeter's wheel; what it depends on is that of the tests."""
    environment = tmp_path_factory.mktemp("environment")
    venv.create(environment)
    made = Installed(environment, tmp_path, warehouse_url)
    made.install(wheels.ours)
    # That path is searched, but its .pth files, the checkout's among them, are not read.
    (made.packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    for name in SCRIPTS:
        (script,) = entry_points(group="console_scripts", name=name)
        (environment / "bin" / name).write_text(
            f"#!{environment}/bin/python\n"
            f"import sys\nfrom {script.module} import {script.attr}\nsys.exit({script.attr}())\n"
        )
        (environment / "bin" / name).chmod(0o755)
    return made


@pytest.fixture(params=["beside", "installed"])
def definitions(
    request: pytest.FixtureRequest, installed: Installed, wheels: Wheels, warehouse: sa.Engine
) -> str:
    """The team's definitions as a module, in files beside the table's project or in a wheel."""
    with warehouse.begin() as session:
        session.exec_driver_sql(LOANS.replace("%", "%%"))
    if request.param == "beside":
        write(installed.directory, BESIDE)
        return "driftmeter_monitoring"
    installed.install(wheels.teams)
    return "orchestration.definitions"


def test_the_wheel_has_its_packages_commands_and_dashboards(installed: Installed) -> None:
    for package in ("dagster_driftmeter", "driftmeter"):
        where = installed.run("python", "-c", f"import {package} as p; print(p.__file__)")
        assert str(installed.environment) in where
    assert installed.run("driftmeter", "--version").strip() == __version__
    shown = installed.run("driftmeter", "--help")
    assert "\n  init " in shown
    assert "\n  demo " not in shown
    dashboards = "from driftmeter.settings import GRAFANA; print(*GRAFANA.rglob('*.json'))"
    assert installed.run("python", "-c", dashboards).count(".json") == 6


def test_it_and_a_teams_wheel_of_the_old_names_come_and_go_without_each_other(
    installed: Installed, wheels: Wheels
) -> None:
    installed.install(wheels.teams)
    assert names_in(wheels.ours).isdisjoint(names_in(wheels.teams))
    assert "the team the team" in installed.run("python", "-c", TEAMS_IMPORT)
    installed.pip("uninstall", "--yes", "team-models")
    without = installed.end_of("python", "-c", TEAMS_IMPORT)
    assert "No module named 'orchestration'" in without.stderr
    assert str(installed.environment) in installed.run("python", "-c", OURS)
    assert installed.run("driftmeter", "--version").strip() == __version__
    installed.install(wheels.teams)
    installed.pip("uninstall", "--yes", "driftmeter")
    assert not (installed.programs / "driftmeter").exists()
    without = installed.end_of("python", "-c", OURS)
    assert "No module named 'dagster_driftmeter'" in without.stderr
    assert str(installed.environment) in installed.run("python", "-c", TEAMS_IMPORT)


def names_in(wheel: Path) -> set[str]:
    """Top-level names that a wheel puts into an environment."""
    names = zipfile.ZipFile(wheel).namelist()
    return {name.split("/", 1)[0] for name in names}


@pytest.mark.campaign
def test_from_a_filled_table_to_the_first_incident_beside_a_teams_own_packages(
    installed: Installed, wheels: Wheels, definitions: str
) -> None:
    installed.run("driftmeter", "init", "--table", "public.loan_scores", "--yes")
    installed.run("driftmeter", "run")
    incidents = installed.run("driftmeter", "incidents")
    assert "income_eur is 100 times what it was" in incidents
    assert "loan_scores" in installed.run("driftmeter", "status")
    shown = installed.run("driftmeter", "report", "--overview")
    page = Path(shown.strip().removeprefix("file://"))
    assert page.is_relative_to(installed.directory)
    assert "unit_change" in page.read_text()
    # The team's own code location, which imports its own packages of those names.
    own = (
        f"import {definitions} as m; graph = m.defs.resolve_asset_graph();"
        "print(*(key.to_user_string() for key in graph.get_all_asset_keys()))"
    )
    assert {"of_the_team", "drift/loan_scores"} <= set(installed.run("python", "-c", own).split())
    installed.run("dagster", "definitions", "validate", "-m", definitions)
    pages_of_dagster_show_the_table(installed)
    a_scaffolded_component_loads(installed)
    if definitions == "orchestration.definitions":
        installed.pip("uninstall", "--yes", "team-models")
        installed.run("driftmeter", "run")
        installed.run("driftmeter", "doctor")
        installed.install(wheels.teams)
        installed.pip("uninstall", "--yes", "driftmeter")
        assert "the team the team" in installed.run("python", "-c", TEAMS_IMPORT)


def pages_of_dagster_show_the_table(installed: Installed) -> None:
    """Start `driftmeter ui`, ask for a page and what the pages ask for, and end it."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    with (installed.directory / "ui.log").open("w") as log:
        pages = subprocess.Popen(
            [installed.programs / "driftmeter", "ui", "--port", str(port)],
            cwd=installed.directory,
            env={
                **installed.variables(),
                "DRIFTMETER_REPORTS_URL": f"http://127.0.0.1:{free_port()}",
            },
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        try:
            until = time.monotonic() + 300
            while not answers(f"{address}/server_info"):
                assert pages.poll() is None, (installed.directory / "ui.log").read_text()
                assert time.monotonic() < until, (installed.directory / "ui.log").read_text()
                time.sleep(1)
            page = requests.get(address, timeout=60)
            assert page.status_code == 200
            assert page.headers["content-type"].startswith("text/html")
            (entry,) = locations(address)
        finally:
            pages.send_signal(signal.SIGTERM)
            code = pages.wait(60)
    assert code == 0
    assert not answers(f"{address}/server_info")
    assert entry["name"] == "dagster_driftmeter.definitions"
    assert entry["loadStatus"] == "LOADED"
    location = entry["locationOrLoadError"]
    assert location["__typename"] == "RepositoryLocation", location
    nodes = [node for each in location["repositories"] for node in each["assetNodes"]]
    assert ["drift", "loan_scores"] in [node["assetKey"]["path"] for node in nodes]


def answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=10).status_code == 200
    except requests.RequestException:
        return False


def locations(address: str) -> list[dict[str, Any]]:
    asked = requests.post(f"{address}/graphql", json={"query": LOCATIONS}, timeout=60).json()
    entries: list[dict[str, Any]] = asked["data"]["workspaceOrError"]["locationEntries"]
    return entries


def a_scaffolded_component_loads(installed: Installed) -> None:
    """Make a project of Dagster's components, and the component in it as docs/dagster.md does."""
    settings = installed.directory / "settings_of_dg.toml"
    settings.write_text("[cli.telemetry]\nenabled = false\n")
    quiet = {"DG_CLI_CONFIG": str(settings), "DAGSTER_DG_UPDATE_CHECK_ENABLED": "0"}

    def dg(*arguments: str) -> str:
        return installed.run("dg", *arguments, within="team_dagster", variables=quiet)

    made = ("project", "team_dagster", "--no-uv-sync")
    installed.run("create-dagster", *made, variables=quiet)
    project = installed.directory / "team_dagster"
    # All that an editable install of the project would be.
    (installed.packages / "team_dagster.pth").write_text(f"{project / 'src'}\n")
    component = ("dagster_driftmeter.MonitoringComponent", "watch")
    dg("scaffold", "defs", *component, "--manifest", "../target/manifest.json")
    dg("check", "defs")
    listed = json.loads(dg("list", "defs", "--json"))
    assert "drift/loan_scores" in {each["asset_key"] for each in listed["assets"]}
