"""A table of predictions as `driftmeter init` reads it: each column's type and first values."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import sqlalchemy as sa

from driftmeter.monitors.derived_columns import VECTORS
from driftmeter.monitors.labels import SPELLED
from driftmeter.monitors.proposal.names import is_key_name

# Rows that kinds and counts are read off: enough to tell a code from a measurement.
SAMPLE_ROWS = 100_000
# A code, or a class, is a whole number with few values; more, and it is likelier a count.
MOST_CODES = 25

WHOLE_NUMBERS = {"smallint", "integer", "bigint"}
# Types in which a number can be NaN, which counts as missing.
FRACTIONS = {"numeric", "real", "double precision"}
NUMBERS = WHOLE_NUMBERS | FRACTIONS
TEXTS = {"text", "character varying", "character"}
TIMES = {"timestamp with time zone", "timestamp without time zone", "date"}


@dataclass(frozen=True)
class TableColumn:
    """A column of the table, with what its first rows hold.

    Attributes
    ----------
    data_type : str
        As Postgres names it, in the view.
    sql : str
        What the view selects for the column: its name, or a cast of it.
    rows : int
        Rows that were read, at most `SAMPLE_ROWS`.
    known, distinct : int
        Rows that are neither null nor NaN, and different values among them.
    lowest, highest : float or None
        Of a number; infinities are left aside. Of a vector, how many numbers it has.
    words : float or None
        How many words a text has on average.
    values : tuple of str
        Every value as text, in order, where there are at most `MOST_CODES`.
    is_of_labels : bool
        Whether it is a column of the table of labels.
    """

    name: str
    data_type: str
    sql: str
    rows: int
    known: int
    distinct: int
    lowest: float | None = None
    highest: float | None = None
    values: tuple[str, ...] = ()
    is_of_labels: bool = False
    words: float | None = None

    @property
    def is_cast(self) -> bool:
        """Whether the view selects something other than the column itself."""
        return self.sql != quote(self.name)

    @property
    def is_number(self) -> bool:
        """Whether it is of a type that can be a prediction."""
        return self.data_type in NUMBERS

    @property
    def is_share(self) -> bool:
        """Whether it is a number between 0 and 1 in every row."""
        return (
            self.lowest is not None
            and self.highest is not None
            and self.lowest >= 0
            and self.highest <= 1
        )

    @cached_property
    def is_label(self) -> bool:
        """Whether each value says yes or no: a boolean, 0 and 1, or a text that spells them."""
        if self.data_type == "boolean":
            return True
        if self.is_number:
            return self.distinct <= 2 and all(float(value) in (0, 1) for value in self.values)
        spelled = {value.strip().lower() for value in self.values}
        return self.data_type in TEXTS and 0 < self.distinct <= 2 and spelled <= SPELLED.keys()

    @cached_property
    def is_class(self) -> bool:
        """Whether its values are names of classes rather than amounts: text, or few whole ones."""
        if not self.is_number:
            return self.data_type in {*TEXTS, "boolean"}
        is_repeated = 2 * self.distinct <= self.known or self.distinct <= 2
        return (
            bool(self.values)
            and is_repeated
            and all(
                float(value).is_integer() for value in self.values if value.strip("-")[0] != "I"
            )
        )

    @property
    def is_key(self) -> bool:
        """Whether it is a whole number or a text that is different in each row that was read."""
        is_exact = self.data_type not in {*FRACTIONS, *TIMES, "boolean"}
        return is_exact and self.known == self.distinct == self.rows

    @property
    def may_be_key(self) -> bool:
        """Whether its name or its values are those of a key, and not of an amount."""
        return self.is_key or is_key_name(self.name)


def quote(name: str) -> str:
    """An identifier as Postgres takes it."""
    return '"' + name.replace('"', '""') + '"'


def known(column: str, data_type: str) -> str:
    """SQL for a column's value, null where it is NaN."""
    return f"nullif({quote(column)}, 'NaN')" if data_type in FRACTIONS else quote(column)


def run(session: sa.Connection, statement: str) -> sa.CursorResult[Any]:
    """Run SQL that takes no parameters: a percent sign in a column's name is itself."""
    return session.exec_driver_sql(statement.replace("%", "%%"))


def read_columns(
    session: sa.Connection, origin: str, types: Mapping[str, tuple[str, str]]
) -> dict[str, TableColumn]:
    """Columns by name, with what their first rows hold.

    Parameters
    ----------
    origin : str
        What is read, as a ``from`` clause has it.
    types : mapping of str to (str, str)
        Of each column its type in the view, and the SQL that the view selects for it.

    Returns
    -------
    dict of str to TableColumn
        In the order of `types`; without rows where the table is empty.
    """
    selected = ", ".join(f"{sql} as {quote(name)}" for name, (_, sql) in types.items())
    sample = f"(select {selected} from {origin} limit {SAMPLE_ROWS}) as rows"
    counted = ["count(*)"]
    for name, (data_type, _) in types.items():
        value = known(name, data_type)
        if data_type in VECTORS:
            size = f"cardinality({value}::real[])::double precision"
            # To compare long vectors takes long, and tells nothing.
            counted += [f"count({value})"] * 2 + [f"min({size})", f"max({size})", "null"]
            continue
        counted += [f"count({value})", f"count(distinct {value}::text)"]
        # Neither NaN nor an infinity is between them, nor a number that no double holds.
        finite = f"filter (where {value} between -1e300 and 1e300)"
        # A numeric may be too small for a double, which is an error in Postgres.
        digits = ", 300" if data_type == "numeric" else ""
        counted += [
            f"({'round' * bool(digits)}({end}({value}) {finite}{digits}))::double precision"
            if data_type in NUMBERS
            else "null"
            for end in ("min", "max")
        ]
        blanks = f"length({value}) - length(replace({value}, ' ', ''))"
        counted.append(f"avg(1 + {blanks})::double precision" if data_type in TEXTS else "null")
    rows, *counts = run(session, f"select {', '.join(counted)} from {sample}").one()
    few = [
        name
        for at, (name, (data_type, _)) in enumerate(types.items())
        if data_type in {*NUMBERS, *TEXTS, "boolean"} and 0 < counts[5 * at + 1] <= MOST_CODES
    ]
    listed = ", ".join(f"array_agg(distinct {known(n, types[n][0])}::text)" for n in few)
    arrays = run(session, f"select {listed} from {sample}").one() if few else ()
    values = dict(zip(few, arrays, strict=True))
    columns = {}
    for at, (name, (data_type, sql)) in enumerate(types.items()):
        known_rows, distinct, lowest, highest, words = counts[5 * at : 5 * at + 5]
        texts = tuple(value for value in values.get(name, ()) if value is not None)
        columns[name] = TableColumn(
            name, data_type, sql, rows, known_rows, distinct, lowest, highest, texts, words=words
        )
    return columns
