"""A wind farm's warehouse and dbt project, and the commands that its people run there."""

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
import sqlalchemy as sa
import yaml

from driftmeter import settings
from tests.programs import FOLDER, run_program

HERE = Path(__file__).parent


@dataclass
class Farm:
    """The project's directory and its warehouse.

    Attributes
    ----------
    shown : dict of str to str
        What commands printed, by a word for what was done.
    before : dict of str to list of tuple
        Monitor, day and time of each measured day before a step.
    views_after_stale : set of str
        Views of the project that were there after a run of one monitor.
    service : str
        Address of a service of notifications.
    messages : list of dict
        What that service got.
    result, requests, requests_after
        Of the farm's own Dagster: the run of the last day; what the sensor of stale days asked for
        when labels had landed; and what it asked for once that was done.
    """

    directory: Path
    engine: sa.Engine
    shown: dict[str, str] = field(default_factory=dict)
    before: dict[str, list[tuple[Any, ...]]] = field(default_factory=dict)
    views_after_stale: set[str] = field(default_factory=set)
    service: str = ""
    messages: list[dict[str, Any]] = field(default_factory=list)
    definitions: dg.Definitions = field(default_factory=dg.Definitions)
    result: dg.ExecuteInProcessResult | None = None
    requests: list[dg.RunRequest] = field(default_factory=list)
    requests_after: list[dg.RunRequest] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        """Of a shell in which only the warehouse is named."""
        url = self.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("DRIFTMETER_", "DAGSTER_", "DBT_"))
        }
        return {
            **kept,
            "DRIFTMETER_DATABASE_URL": url,
            "DRIFTMETER_AUTHOR": "ingrid",
            "PYTHONPATH": str(settings.PROJECT_ROOT),
        }

    def run(self, program: str, *arguments: str) -> str:
        """Run a command in the project's directory; what it prints."""
        command = (str(FOLDER / program), *arguments)
        ended = run_program(*command, directory=self.directory, environment=self.environment)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout

    def execute(self, statement: str) -> None:
        with self.engine.begin() as session:
            session.exec_driver_sql(statement.replace("%", "%%"))

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with self.engine.connect() as session:
            return [tuple(row) for row in session.exec_driver_sql(query.replace("%", "%%"))]

    def declared(self, model: str) -> dict[str, Any]:
        """The monitor's block in the YAML that `driftmeter init` wrote."""
        content = yaml.safe_load(self._yaml(model).read_text())
        return dict(content["models"][0]["config"]["meta"]["monitor"])

    def declare(self, model: str, changes: Mapping[str, object]) -> None:
        """Edit fields of a monitor, as a person would after `driftmeter init`."""
        content = yaml.safe_load(self._yaml(model).read_text())
        content["models"][0]["config"]["meta"]["monitor"].update(changes)
        self._yaml(model).write_text(yaml.safe_dump(content, sort_keys=False))

    def _yaml(self, model: str) -> Path:
        return self.directory / "models" / f"{model}.yml"


def make_farm(directory: Path, engine: sa.Engine) -> Farm:
    """Copy the project, fill the farm's tables, and let dbt build its models."""
    shutil.copytree(HERE / "project", directory)
    farm = Farm(directory, engine)
    profile = {
        "type": "postgres",
        "schema": "wind",
        "threads": 2,
        "host": engine.url.host,
        "port": engine.url.port,
        "user": engine.url.username,
        "password": engine.url.password,
        "dbname": engine.url.database,
    }
    (directory / "profiles.yml").write_text(
        yaml.safe_dump({"wind_farm": {"target": "farm", "outputs": {"farm": profile}}})
    )
    farm.execute((HERE / "scada.sql").read_text())
    farm.run("dbt", "run", "--profiles-dir", ".")
    return farm
