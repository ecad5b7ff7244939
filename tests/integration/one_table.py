"""A project whose one monitor is a view of a table."""

from collections.abc import Mapping
from typing import ClassVar

import yaml

from tests.integration.test_any_columns import Project


class OneTable(Project):
    """A project with a monitor of a table of the schema team, whose column `day` is its days.

    Attributes
    ----------
    name : str
        Of the table and of the monitor.
    columns : tuple of str
        Of the view; the first one is `partition_date`.
    monitor : mapping
        What the YAML says of it.
    """

    name: ClassVar[str]
    columns: ClassVar[tuple[str, ...]]
    monitor: ClassVar[Mapping[str, object]]

    def declare(self, *listed: str, materialized: str = "view", **changes: object) -> None:
        models = self.directory / "models"
        (models / "odd_names.sql").unlink(missing_ok=True)
        (models / f"{self.name}.sql").write_text(
            f"select day as partition_date, {', '.join(self.columns[1:])} from team.{self.name}"
        )
        model = {
            "name": self.name,
            "config": {"materialized": "view", "meta": {"monitor": {**self.monitor, **changes}}},
            "columns": [{"name": name} for name in self.columns],
        }
        (models / "_models.yml").write_text(yaml.safe_dump({"models": [model]}, sort_keys=False))
        file = self.directory / "dbt_project.yml"
        content = yaml.safe_load(file.read_text())
        content["vars"]["monitors"] = [self.name]
        file.write_text(yaml.safe_dump(content))
