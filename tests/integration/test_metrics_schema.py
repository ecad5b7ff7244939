"""The metrics schema under another name: one setting, which Python and dbt read."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from dagster_driftmeter.assets.monitored_table import monitored_tables
from driftmeter import settings
from driftmeter.errors import DriftmeterError
from driftmeter.monitors.manifest import quality_schema
from driftmeter.warehouse.schema import in_warehouse
from tests.integration.test_init import LOANS
from tests.programs import DRIFTMETER, run_program

SCHEMA = "watched"


@pytest.fixture
def renamed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRIFTMETER_METRICS_SCHEMA", SCHEMA)


@pytest.mark.parametrize(
    ("statement", "renamed_statement"),
    [
        ("select 1 from metrics.drift", "select 1 from watched.drift"),
        ("grant usage on schema metrics to x", "grant usage on schema watched to x"),
        ("select to_regclass('metrics.drift')", "select to_regclass('watched.drift')"),
        ("from metrics.drift as d, metrics.drift", "from watched.drift as d, watched.drift"),
        # Names and values of a team's own, and words that are no schema.
        ('select "metrics.x" from "my metrics.y"', 'select "metrics.x" from "my metrics.y"'),
        ("select 'metrics.x', 'it''s metrics.y'", "select 'metrics.x', 'it''s metrics.y'"),
        ("select metrics, a.metrics from b", "select metrics, a.metrics from b"),
        # An apostrophe in a comment opens no value.
        ("-- a day's\nselect metrics.f(1)", "-- a day's\nselect watched.f(1)"),
    ],
)
def test_only_the_schema_is_renamed(renamed: None, statement: str, renamed_statement: str) -> None:
    assert in_warehouse(statement) == renamed_statement


def test_a_name_that_is_no_plain_one_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRIFTMETER_METRICS_SCHEMA", "My Metrics")
    with pytest.raises(DriftmeterError, match=r"^DRIFTMETER_METRICS_SCHEMA: 'My Metrics' is no"):
        settings.metrics_schema()


def test_a_manifest_of_another_schema_is_refused(tmp_path: Path) -> None:
    from dagster_driftmeter.assets.dbt_models import translator
    from dagster_driftmeter.dbt.project_manifest import manifest_path, monitors

    content = json.loads(manifest_path().read_text())
    for node in content["nodes"].values():
        if node["name"] == "column_summary":
            node["schema"] = "elsewhere"
    manifest = tmp_path / "manifest.json"
    manifest.write_text(json.dumps(content))
    with pytest.raises(DriftmeterError, match="in schema elsewhere, and Driftmeter reads metrics"):
        monitored_tables(manifest, monitors(), translator)


def test_everything_that_is_measured_lies_in_that_schema_and_is_read_from_there(
    tmp_path: Path, warehouse: sa.Engine, warehouse_url: str
) -> None:
    with warehouse.begin() as session:
        session.exec_driver_sql("drop schema metrics, raw cascade")
        session.exec_driver_sql(LOANS.replace("%", "%%"))
    environment = {
        **os.environ,
        "DRIFTMETER_DATABASE_URL": warehouse_url,
        "DRIFTMETER_METRICS_SCHEMA": SCHEMA,
        "PYTHONPATH": str(settings.PROJECT_ROOT),
    }
    environment.pop("DRIFTMETER_HOME", None)

    def driftmeter(*arguments: str) -> str:
        ended = run_program(DRIFTMETER, *arguments, directory=tmp_path, environment=environment)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout

    driftmeter("init", "--table", "public.loan_scores", "--yes")
    driftmeter("run", "--workers", "1")
    assert "income_eur is 100 times what it was" in driftmeter("incidents")
    assert "loan_scores" in driftmeter("status")
    page = Path(driftmeter("report", "--overview").strip().removeprefix("file://"))
    assert "unit_change" in page.read_text()
    inspector = sa.inspect(warehouse)
    assert not inspector.has_schema("metrics")
    tables = {"drift", "column_summary", "performance", "incidents"}
    assert tables <= set(inspector.get_table_names(schema=SCHEMA))
    with warehouse.connect() as session:
        for table in tables:
            assert session.scalar(sa.text(f"select count(*) from {SCHEMA}.{table}")), table
        # Grafana's role may read it.
        privilege = "select has_table_privilege('driftmeter_reader', 'watched.drift', 'select')"
        assert session.scalar(sa.text(privilege))
    # The same project in another schema: dbt parses it anew.
    environment["DRIFTMETER_METRICS_SCHEMA"] = "tried"
    driftmeter("init", "--check")
    assert quality_schema(tmp_path / "target" / "manifest.json") == "tried"


def test_grafanas_queries_and_alert_rules_read_that_schema(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path;"
        "from driftmeter.dashboards.write import write_dashboards, write_provisioning;"
        "write_dashboards(Path(sys.argv[1])); write_provisioning(Path(sys.argv[1]));"
        # What a Grafana gets through its API.
        "from driftmeter.dashboards.provisioned import rule_group;"
        "Path(sys.argv[1], 'group.txt').write_text(str(rule_group()))"
    )
    subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        cwd=settings.PROJECT_ROOT,
        env={**os.environ, "DRIFTMETER_METRICS_SCHEMA": SCHEMA},
        check=True,
    )
    dashboards = "".join(file.read_text() for file in tmp_path.glob("*.json"))
    rules = (tmp_path / "alerting" / "rules.yaml").read_text()
    group = (tmp_path / "group.txt").read_text()
    for text in (dashboards, rules, group):
        assert f"from {SCHEMA}." in text
        assert "from metrics." not in text
