"""Where the probabilities of several classes are, in SQL and in a frame of rows.

They are in a column a class, or in one column of jsonb by the name of the class.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import sqlalchemy as sa
from psycopg import sql

from driftmeter.arrival.inference_rows import table_of
from driftmeter.arrival.values import number_of
from driftmeter.monitors.config import Monitor
from driftmeter.quality.counts import Floats
from driftmeter.warehouse.copy import copy_out

# The column of a frame that holds a class's probability begins so; no column of a table does.
BEGINS = "probability of class "
KEYS = (
    "select distinct name from {table} as scored"
    " cross join lateral jsonb_object_keys(case jsonb_typeof({column}::jsonb)"
    " when 'object' then {column}::jsonb end) as name"
    " where partition_date between {first} and {last} order by name"
)
# A class that a row does not name has no probability there, and one that is no number is unknown.
OF_KEY = (
    "case when jsonb_typeof({column}::jsonb -> {name}) = 'number'"
    " then ({column}::jsonb ->> {name})::double precision"
    " when jsonb_typeof({column}::jsonb) = 'object' and {column}::jsonb -> {name} is null"
    " then 0 end"
)


def classes_of(connection: sa.Connection, monitor: Monitor) -> tuple[str, ...]:
    """Classes that have a probability, in the order of their names; of jsonb in the reference."""
    if isinstance(monitor.probabilities, dict):
        return tuple(sorted(monitor.probabilities))
    if monitor.probabilities is None:
        return ()
    query = sql.SQL(KEYS).format(
        table=table_of(monitor),
        column=sql.Identifier(monitor.probabilities),
        first=sql.Literal(monitor.reference.from_date),
        last=sql.Literal(monitor.reference.to_date),
    )
    return tuple(copy_out(connection, query, {"name": pa.string()}).to_pandas()["name"])


def probabilities_in_sql(monitor: Monitor, classes: Sequence[str]) -> dict[str, sql.Composable]:
    """The probability of each class, by the column of a frame that holds it."""
    declared = monitor.probabilities
    return {
        BEGINS + name: number_of(sql.Identifier(declared[name]))
        if isinstance(declared, dict)
        else _of_key(str(declared), sql.Literal(name))
        for name in classes
    }


def of_true_class(monitor: Monitor, target: sql.Composable) -> sql.Composed:
    """The probability of the class that came true.

    It is 0 of a class that has none, and null where the row has no probabilities.
    """
    declared = monitor.probabilities
    if declared is None:
        return sql.SQL("null::double precision").format()
    if isinstance(declared, str):
        return _of_key(declared, target)
    columns = {name: number_of(sql.Identifier(column)) for name, column in declared.items()}
    cases = [
        sql.SQL("when {} then {}").format(sql.Literal(name), column)
        for name, column in columns.items()
    ]
    return sql.SQL(
        "case {target} {cases} else case when {known} is not null then 0 end end"
    ).format(
        target=target,
        cases=sql.SQL(" ").join(cases),
        known=sql.SQL("coalesce({})").format(sql.SQL(", ").join(columns.values())),
    )


def _of_key(column: str, name: sql.Composable) -> sql.Composed:
    return sql.SQL(OF_KEY).format(column=sql.Identifier(column), name=name)


def probabilities_in(rows: pd.DataFrame) -> tuple[tuple[str, ...], Floats]:
    """Classes of a frame's columns, and their probabilities; shape (rows, classes)."""
    names = [name for name in rows.columns if str(name).startswith(BEGINS)]
    return tuple(name.removeprefix(BEGINS) for name in names), rows[names].to_numpy(dtype=float)


def of_each_row(classes: Sequence[str], values: Floats, chosen: "pd.Series[str]") -> Floats:
    """The value of the class that each row names: 0 of a class that has none; shape (rows,)."""
    place = pd.Categorical(chosen, categories=list(classes)).codes.astype(int)
    if not len(classes):
        return np.full(len(chosen), np.nan)
    found: Floats = np.where(place >= 0, values[np.arange(len(values)), place], 0.0)
    return np.where(np.isnan(values).all(axis=1), np.nan, found)
