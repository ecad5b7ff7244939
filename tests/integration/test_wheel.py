"""The wheel in an environment of its own and an empty directory, beside one table."""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa

from driftmeter import __version__
from driftmeter.settings import PROJECT_ROOT
from tests.integration.test_init import LOANS

PIP = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Programs of an environment with the wheel; what it depends on is that of the tests."""
    root = tmp_path_factory.mktemp("wheel")
    sources = root / "sources"
    ignore = shutil.ignore_patterns("__pycache__", "target", "logs", "dbt_packages")
    for name in ("python_metrics", "orchestration", "dbt_project", "grafana"):
        shutil.copytree(PROJECT_ROOT / name, sources / name, ignore=ignore)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(PROJECT_ROOT / name, sources / name)
    subprocess.run(
        [*PIP, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(root), "."],
        cwd=sources,
        check=True,
    )
    (wheel,) = root.glob("*.whl")
    shutil.rmtree(sources)
    venv.create(root / "environment")
    installed = root / "environment" / "lib" / f"python3.{sys.version_info[1]}" / "site-packages"
    target = ["--python", str(root / "environment"), "install", "--no-deps", "--no-index"]
    subprocess.run([*PIP, *target, str(wheel)], check=True)
    # That path is searched, but its .pth files, the checkout's among them, are not read.
    (installed / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    dbt = root / "environment" / "bin" / "dbt"
    dbt.write_text(
        f"#!{root}/environment/bin/python\n"
        "import sys\nfrom dbt.cli.main import cli\nsys.exit(cli())\n"
    )
    dbt.chmod(0o755)
    return root / "environment" / "bin"


# A team's own code of the names that Driftmeter's packages had, and that many teams have.
NEIGHBOURS = {
    "orchestration/__init__.py": "",
    "orchestration/definitions.py": "OWN = 'the team'\n",
    "python_metrics/__init__.py": "OWN = 'the team'\n",
    "driftmeter_monitoring.py": """
from pathlib import Path

import dagster as dg
import orchestration.definitions
import python_metrics
from dagster_driftmeter import monitoring_definitions

assert orchestration.definitions.OWN == python_metrics.OWN == "the team"


@dg.asset
def of_the_team() -> None: ...


defs = dg.Definitions.merge(
    dg.Definitions(assets=[of_the_team]),
    monitoring_definitions(Path(__file__).parent / "target" / "manifest.json"),
)
""",
}


@dataclass(frozen=True)
class Installed:
    """Programs of the wheel's environment, used in an empty directory with a warehouse."""

    programs: Path
    directory: Path
    warehouse_url: str

    def run(self, program: str, *arguments: str) -> str:
        """What a program prints."""
        kept = {"PATH", "HOME", "LANG"}
        environment = {name: value for name, value in os.environ.items() if name in kept}
        ended = subprocess.run(
            [self.programs / program, *arguments],
            cwd=self.directory,
            env={**environment, "DRIFTMETER_DATABASE_URL": self.warehouse_url},
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout


@pytest.fixture
def installed(programs: Path, tmp_path: Path, warehouse_url: str) -> Installed:
    return Installed(programs, tmp_path, warehouse_url)


def test_the_wheel_has_its_packages_commands_and_dashboards(installed: Installed) -> None:
    for package in ("dagster_driftmeter", "driftmeter"):
        where = installed.run("python", "-c", f"import {package} as p; print(p.__file__)")
        assert str(installed.programs.parent) in where
    assert installed.run("driftmeter", "--version").strip() == __version__
    shown = installed.run("driftmeter", "--help")
    assert "\n  init " in shown
    assert "\n  demo " not in shown
    dashboards = "from driftmeter.settings import GRAFANA; print(*GRAFANA.rglob('*.json'))"
    assert installed.run("python", "-c", dashboards).count(".json") == 6


@pytest.mark.campaign
def test_from_a_filled_table_to_the_first_incident_beside_a_teams_own_packages(
    installed: Installed, warehouse: sa.Engine
) -> None:
    for name, content in NEIGHBOURS.items():
        (installed.directory / name).parent.mkdir(exist_ok=True)
        (installed.directory / name).write_text(content)
    with warehouse.begin() as session:
        session.exec_driver_sql(LOANS.replace("%", "%%"))
    installed.run("driftmeter", "init", "--table", "public.loan_scores", "--yes")
    installed.run("driftmeter", "run")
    incidents = installed.run("driftmeter", "incidents")
    assert "income_eur is 100 times what it was" in incidents
    assert "loan_scores" in installed.run("driftmeter", "status")
    shown = installed.run("driftmeter", "report", "--overview")
    page = Path(shown.strip().removeprefix("file://"))
    assert page.is_relative_to(installed.directory)
    assert "unit_change" in page.read_text()
    # Dagster's own page of it loads too.
    names = "from dagster_driftmeter.definitions import defs; print(len(list(defs.assets)))"
    assert int(installed.run("python", "-c", names)) > 0
    # In the team's own code location, which imports its own packages of those names.
    own = "import driftmeter_monitoring as m; print(len(list(m.defs.assets)))"
    assert int(installed.run("python", "-c", own)) > 1
    checked = ["definitions", "validate", "-m", "driftmeter_monitoring"]
    installed.run("python", "-m", "dagster", *checked)
