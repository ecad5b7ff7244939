"""Texts and vectors that a monitor declares and whose columns are of another type."""

from collections.abc import Collection

import sqlalchemy as sa

from driftmeter.arrival.column_changes import NOW
from driftmeter.errors import DriftmeterError
from driftmeter.monitors.config import Monitor
from driftmeter.monitors.derived_columns import VECTORS

TEXTS = ("text", "character varying", "character", "citext", "name")
FITTING: dict[str, Collection[str]] = {"text": TEXTS, "vector": VECTORS}
NEEDS = {"text": "a text", "vector": "an array of numbers or a pgvector"}


def wrong_kinds(connection: sa.Connection, monitor: Monitor) -> list[DriftmeterError]:
    """One error for each column whose type is not that of its kind."""
    place = {"schema": monitor.schema_name, "table": monitor.name}
    types = {row.name: _plain(row.type) for row in connection.execute(NOW, place)}
    kinds = {
        str(column.of): "vector" if column.measure == "norm" else "text"
        for column in monitor.features.values()
        if column.of
    }
    numbers = [name for name, column in monitor.features.items() if column.kind == "numerical"]
    kinds |= {name: "numerical" for name in numbers if types.get(name) in VECTORS}
    return [
        DriftmeterError(
            f"kind {kind} needs {NEEDS.get(kind, 'a number')}, and {name} is {types[name]}",
            where=f"{monitor.name}, features.{name}",
            fix=f"write kind: {_fitting(types[name])}",
        )
        for name, kind in kinds.items()
        if name in types and types[name] not in FITTING.get(kind, ())
    ]


def _plain(data_type: str) -> str:
    """A type without its length or schema: ``vector`` of ``extensions.vector(384)``."""
    return data_type.split("(")[0].rpartition(".")[2].strip()


def _fitting(data_type: str) -> str:
    if data_type in VECTORS:
        return "vector"
    return "text or categorical" if data_type in TEXTS else "numerical or categorical"
