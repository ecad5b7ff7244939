"""A table's columns as its view will have them: with casts, and joined with labels elsewhere."""

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from driftmeter.errors import DriftmeterError
from driftmeter.monitors.proposal.table import NUMBERS, TEXTS, TIMES, quote

# A name in SQL: words with dots between them, each quoted or plain.
PART = r'"(?:[^"]|"")+"|[^".]+'
# A domain may be over a domain; its values are of the type at the bottom.
TYPES = sa.text(
    "with recursive types as (select attnum, attname, atttypid as given, atttypid as base"
    " from pg_attribute where attrelid = to_regclass(:relation) and attnum > 0"
    " and not attisdropped union all select attnum, attname, given, typbasetype"
    " from types join pg_type on pg_type.oid = base where typtype = 'd')"
    " select attname, format_type(base, null) as data_type, typtype = 'e' or typcategory = 'S'"
    " as is_text, base <> given as is_domain"
    " from types join pg_type on pg_type.oid = base where typtype <> 'd' order by attnum"
)
# Where the table may be that was meant: one of the same name, or of one that is spelled alike.
RELATIONS = sa.text(
    "select relnamespace::regnamespace::text, relname from pg_class"
    " where relkind in ('r', 'v', 'm', 'p', 'f') and not relispartition"
    " and relnamespace::regnamespace::text !~ '^(pg_|information_schema$)'"
)
CASTS = {
    "money": "numeric",
    "uuid": "text",
    '"char"': "text",
    "numeric[]": "double precision[]",
}


@dataclass(frozen=True)
class TableName:
    """A table or view of the warehouse, by its schema and name as they are."""

    schema: str
    name: str

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"

    @property
    def quoted(self) -> str:
        """The name as SQL takes it."""
        return f"{quote(self.schema)}.{quote(self.name)}"


def read_name(text: str, option: str) -> TableName:
    """The table that a person names, as ``schema.table`` or ``"a schema"."a table"``.

    A part without quotes is taken as it is written: capitals stay capitals. Without a schema it is
    a table of schema public.

    Raises
    ------
    DriftmeterError
        If the quotes do not close, or there are more than two parts.
    """
    if '"' not in text:
        schema, _, name = text.rpartition(".")
        return TableName(schema or "public", name)
    if not re.fullmatch(rf"(?:(?:{PART})\.)?(?:{PART})", text):
        raise DriftmeterError(
            f"{text} cannot be read as the name of a table",
            where=option,
            fix="""write SCHEMA.TABLE, and for quoted names '"A schema"."A table"'""",
        )
    parts = [
        part[1:-1].replace('""', '"') if part.startswith('"') else part
        for part in re.findall(PART, text)
    ]
    return TableName(parts[0] if len(parts) == 2 else "public", parts[-1])


def read_types(session: sa.Connection, table: TableName, option: str) -> dict[str, tuple[str, str]]:
    """Each column's type in the view, and the SQL that the view selects for it.

    A domain is read as its own base type, an enum and a uuid as text, money as a number.

    Raises
    ------
    DriftmeterError
        If there is no such table.
    """
    found = session.execute(TYPES, {"relation": table.quoted}).all()
    if not found:
        raise _no_table(session, table, option)
    types = {}
    for name, data_type, is_text, is_domain in found:
        # A cast to `character` keeps one letter.
        is_known = data_type in {*NUMBERS, *TEXTS, *TIMES, "boolean"}
        is_plain = is_known and not (is_domain and data_type == "character")
        wanted = CASTS.get(data_type, "text" if is_text and not is_plain else data_type)
        is_cast = wanted != data_type or is_domain
        types[name] = (wanted, f"{quote(name)}::{wanted}" if is_cast else quote(name))
    return types


def _no_table(session: sa.Connection, table: TableName, option: str) -> DriftmeterError:
    there = [TableName(*row) for row in session.execute(RELATIONS)]
    alike = [other for other in there if other.name.lower() == table.name.lower()]
    close = difflib.get_close_matches(str(table), map(str, there), n=3)
    meant = [str(other) for other in alike] or close
    fix = f"name {' or '.join(meant)}, if you mean that" if meant else "name one as SCHEMA.TABLE"
    return DriftmeterError(
        f"there is no table {table}",
        where=option,
        fix=f"{fix}, or let DRIFTMETER_DATABASE_URL name another warehouse",
    )


@dataclass(frozen=True)
class Labels:
    """A table of labels, and how a prediction finds its own.

    Attributes
    ----------
    keys : dict of str to str
        By column of the table: the column of the predictions that has the same value.
    conditions : tuple of str
        SQL of the join, one for each key.
    selected : dict of str to str
        SQL with which the join reads each column of the table.
    """

    table: TableName
    keys: Mapping[str, str]
    conditions: tuple[str, ...]
    selected: Mapping[str, str]

    def join(self, table: str, names: Iterable[str], written: Callable[[str], str] = str) -> str:
        """SQL that joins columns of the labels to the predictions before it.

        No name is that of a column of the predictions, and none needs its table before it: a view
        by name gives null in the place of a column that is gone only where it is named alone.

        Parameters
        ----------
        table : str
            The table of labels as SQL or dbt has it.
        names : iterable of str
            Columns to have beside the keys.
        written : function of str to str
            How a file that dbt renders has a piece of SQL.
        """
        columns = [
            f"        {written(f'{self.selected[name]} as {joined(name)}')}"
            for name in dict.fromkeys([*self.keys, *names])
        ]
        return (
            "\nleft join (\n    select\n" + ",\n".join(columns) + f"\n    from {table}\n) as labels"
            f"\n    on {written(' and '.join(self.conditions))}"
        )


def joined(name: str) -> str:
    """The name of a column of the labels beside those of the predictions."""
    return quote(f"labels.{name}")
