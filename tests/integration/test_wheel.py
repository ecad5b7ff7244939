"""The wheel in an environment of its own and an empty directory, beside one table."""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest
import sqlalchemy as sa

from driftmeter import __version__
from driftmeter.settings import PROJECT_ROOT
from tests.integration.test_init import LOANS
from tests.warm import COLD

PIP = [str(COLD / "python"), "-m", "pip", "--quiet", "--disable-pip-version-check"]


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


def test_from_a_filled_table_to_the_first_incident_beside_a_teams_own_packages(
    programs: Path, tmp_path: Path, warehouse: sa.Engine, warehouse_url: str
) -> None:
    with warehouse.begin() as session:
        session.exec_driver_sql(LOANS.replace("%", "%%"))
    kept = {"PATH", "HOME", "LANG"}
    environment = {name: value for name, value in os.environ.items() if name in kept}
    environment["DRIFTMETER_DATABASE_URL"] = warehouse_url
    for name, content in NEIGHBOURS.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)

    def run(program: str, *arguments: str) -> str:
        ended = subprocess.run(
            [programs / program, *arguments],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout

    where = run(
        "python",
        "-c",
        "import driftmeter, dagster_driftmeter as d; print(driftmeter.__file__, d.__file__)",
    )
    assert where.count(str(programs.parent)) == 2
    assert run("driftmeter", "--version").strip() == __version__
    shown = run("driftmeter", "--help")
    assert "\n  init " in shown
    assert "\n  demo " not in shown
    run("driftmeter", "init", "--table", "public.loan_scores", "--yes")
    run("driftmeter", "run")
    incidents = run("driftmeter", "incidents")
    assert "income_eur is 100 times what it was" in incidents
    assert "loan_scores" in run("driftmeter", "status")
    page = Path(run("driftmeter", "report", "--overview").strip().removeprefix("file://"))
    assert page.is_relative_to(tmp_path)
    assert "unit_change" in page.read_text()
    # Dagster's own page of it loads too.
    names = "from dagster_driftmeter.definitions import defs; print(len(list(defs.assets)))"
    assert int(run("python", "-c", names)) > 0
    dashboards = "from driftmeter.settings import GRAFANA; print(*GRAFANA.rglob('*.json'))"
    assert run("python", "-c", dashboards).count(".json") == 6
    # In the team's own code location, which imports its own packages of those names.
    own = "import driftmeter_monitoring as m; print(len(list(m.defs.assets)))"
    assert int(run("python", "-c", own)) > 1
    checked = ["definitions", "validate", "-m", "driftmeter_monitoring"]
    run("python", "-m", "dagster", *checked)
