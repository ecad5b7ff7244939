"""What a query of the dashboards answers, and the shape that its panel needs."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from driftmeter.dashboards.macros import expand
from driftmeter.dashboards.preview.frames import Scope
from driftmeter.warehouse import connection
from driftmeter.warehouse.reader import set_reader_password
from tests.dashboards.grafana_files import PANELS, rules

TIMESTAMPTZ = 1184
NUMBERS = {20, 21, 23, 700, 701, 1700}
STRINGS = {25, 1043, 19}
SERIES = ("timeseries", "status-history", "state-timeline")


class Answer:
    """Rows of a query, with the Postgres types of its columns."""

    def __init__(self, engine: sa.Engine, sql: str, scope: Scope) -> None:
        with engine.connect() as session:
            cursor = session.execution_options(no_parameters=True).exec_driver_sql(
                expand(sql, scope.first, scope.last, scope.values)
            )
            self.names = list(cursor.keys())
            description = cursor.cursor.description
            self.types = {column.name: column.type_code for column in description}
            self.rows = [tuple(row) for row in cursor]

    def column(self, name: str) -> list[Any]:
        place = self.names.index(name)
        return [row[place] for row in self.rows]

    def named(self, types: set[int]) -> list[str]:
        return [name for name in self.names if self.types[name] in types]


def with_values(scope: Scope, **values: str | Sequence[str]) -> Scope:
    return replace(scope, values={**scope.values, **values})


def instant(text: str) -> dt.datetime:
    """An instant as Grafana's JSON has it."""
    return dt.datetime.fromisoformat(text.replace("Z", "+00:00"))


def check_shape(panel: dict[str, Any], answer: Answer, scope: Scope) -> None:
    """Rows of a panel's query are of the shape that its kind needs."""
    (target,) = panel["targets"]
    assert len(set(answer.names)) == len(answer.names)
    numbers, strings = answer.named(NUMBERS), answer.named(STRINGS)
    if target["format"] == "time_series":
        assert answer.names[0] == "time"
        assert answer.types["time"] == TIMESTAMPTZ
        assert numbers
        assert {"time", *numbers, *strings} == set(answer.names)
        times = answer.column("time")
        assert None not in times
        assert times == sorted(times)
        # A point of a day sits on that day for a browser in any time zone: dashboards are in UTC.
        assert all(time.astimezone(dt.timezone.utc).time() == dt.time() for time in times)
        assert all(scope.first <= time <= scope.last for time in times)
        for name in strings:
            assert None not in answer.column(name)
        keys = list(zip(times, *(answer.column(name) for name in strings), strict=True))
        assert len(keys) == len(set(keys))
    if panel["type"] in ("status-history", "state-timeline"):
        assert len(numbers) == len(strings) == 1
    if panel["type"] in SERIES or panel["options"].get("graphMode") == "area":
        assert target["format"] == "time_series"
    if panel["type"] == "stat" and target["format"] == "table":
        assert len(answer.rows) <= 1
    if panel["type"] == "barchart":
        assert panel["options"]["xField"] in strings
        assert numbers


def check_alerts(rule: dict[str, Any], answer: Answer) -> None:
    """A rule's rows hold one number, and labels that tell its alerts apart."""
    assert answer.rows, rule["uid"]
    (number,) = answer.named(NUMBERS)
    labels = answer.named(STRINGS)
    assert {number, *labels} == set(answer.names)
    assert {"monitor", "owner", "family", "severity"} <= set(labels)
    # A label that changes while an incident is open would be a new alert.
    assert not {"diagnosis", "report", "kind"} & set(labels)
    assert None not in [value for row in answer.rows for value in row]
    keys = [tuple(answer.column(name)) for name in labels]
    assert len(set(zip(*keys, strict=True))) == len(answer.rows)


def firing(reader: sa.Engine, scope: Scope, uid: str) -> set[tuple[Any, ...]]:
    """Monitor and family of each alert of a rule that fires."""
    (rule,) = [rule for rule in rules() if rule["uid"] == f"driftmeter-{uid}"]
    answer = Answer(reader, rule["data"][0]["model"]["rawSql"], scope)
    (number,) = answer.named(NUMBERS)
    keys = zip(answer.column("monitor"), answer.column("family"), strict=True)
    return {key for key, value in zip(keys, answer.column(number), strict=True) if value > 0}


def check_panel(engine: sa.Engine, where: str, last: dt.date, **values: str) -> None:
    """A panel, by its board and title, has rows of its shape, as Grafana's role reads them.

    Parameters
    ----------
    last : date
        The end of the time range, which begins with 2026.
    values : str
        Of the dashboard's variables.
    """
    reader = connection.engine(set_reader_password(engine))
    (panel,) = (panel for uid, panel in PANELS if f"{uid}: {panel['title']}" == where)
    opened = Scope(
        first=dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc),
        last=dt.datetime.combine(last, dt.time.max, dt.timezone.utc),
        values={"model_version": ["v1"], "segment": "all rows", **values},
    )
    answer = Answer(reader, panel["targets"][0]["rawSql"], opened)
    reader.dispose()
    assert answer.rows
    check_shape(panel, answer, opened)
