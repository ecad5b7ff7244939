"""The metrics schema under the name that a team gives it.

Statements and views say ``metrics``; ``DRIFTMETER_METRICS_SCHEMA`` is what the warehouse calls it.
dbt's package reads the same variable.
"""

import re

import sqlalchemy as sa

from driftmeter import settings

WRITTEN = "metrics"
# What may hold the word and does not mean the schema: comments, names and values of a team's own.
# A value that `to_regclass` is asked for does.
TOKENS = re.compile(
    r"--[^\n]*"
    r"|(?P<before>to_regclass\(')metrics(?=\.)"
    r"|'(?:[^']|'')*'"
    r'|"(?:[^"]|"")*"'
    r"|\bmetrics(?=\.[a-z_])"
    r"|(?P<word>\bschema )metrics\b"
)


def in_warehouse(statement: str) -> str:
    """A statement with the schema's name in this warehouse."""
    schema = settings.metrics_schema()
    if schema == WRITTEN:
        return statement

    def renamed(token: re.Match[str]) -> str:
        before = token["before"] or token["word"] or ""
        return f"{before}{schema}" if token[0] == f"{before}{WRITTEN}" else token[0]

    return TOKENS.sub(renamed, statement)


def rename_statements(engine: sa.Engine) -> None:
    """Have every statement of an engine read the schema under its name in the warehouse."""
    if settings.metrics_schema() == WRITTEN:
        return

    @sa.event.listens_for(engine, "before_cursor_execute", retval=True)
    def rename(
        connection: object, cursor: object, statement: str, parameters: object, *more: object
    ) -> tuple[str, object]:
        return in_warehouse(statement), parameters
