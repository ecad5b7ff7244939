"""Migrations of the metrics schema: a file a revision, its SQL beside it."""

import re
from pathlib import Path

from driftmeter import settings

# Words in quotes with a letter that is not of ASCII.
OTHER_WORDS = re.compile(r"'[^'\s]*[^\x00-\x7f'\s][^'\s]*'")
# Lists in `grant_roles` name the tables of dbt. Whatever else an earlier migration says of rights
# stays.
LET_FILL = """
do $$
declare
    granting constant text := pg_get_functiondef(
        (select oid from pg_proc where proname = 'grant_roles'
            and pronamespace = 'metrics'::regnamespace)
    );
begin
    if granting not like '%''{before}''%' then
        raise exception 'grant_roles names other tables of dbt than this migration knows';
    end if;
    execute replace(granting, '''{before}''', '''{before}'', ''{table}''');
end
$$;
select metrics.grant_roles();
"""


def run_files(revision: str) -> None:
    """Run the SQL of a revision in the schema, whatever its name.

    Parameters
    ----------
    revision : str
        The revision's own file: beside it is a file of SQL of the same name, or a folder of them,
        which are run in their order.
    """
    folder, name = Path(revision).parent, Path(revision).stem
    for file in sorted([*folder.glob(f"{name}.sql"), *folder.glob(f"{name}/*.sql")]):
        _run(file.read_text())


def let_dbt_fill(table: str, before: str) -> None:
    """Let dbt's role write a table; `before` is the one that precedes it in the lists of these."""
    _run(LET_FILL.format(table=table, before=before))


def _run(statements: str) -> None:
    # Late: Alembic takes a quarter of the time in which a command starts that needs none.
    from alembic import op

    statements = re.sub(r"\bmetrics\b", settings.metrics_schema(), statements)
    if not statements.isascii():
        encoding = op.get_bind().exec_driver_sql("show server_encoding").scalar_one()
        if encoding not in ("UTF8", "SQL_ASCII"):
            # Another encoding may have no such letters, and texts in it then no such words.
            statements = OTHER_WORDS.sub("''", statements)
    # The driver takes a percent sign for a parameter.
    op.get_bind().exec_driver_sql(statements.replace("%", "%%"))
