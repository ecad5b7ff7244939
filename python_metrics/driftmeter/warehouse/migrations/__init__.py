"""Migrations of the metrics schema: a file a revision, its SQL beside it."""

import re
from pathlib import Path

from driftmeter import settings

# Words in quotes with a letter that is not of ASCII.
OTHER_WORDS = re.compile(r"'[^'\s]*[^\x00-\x7f'\s][^'\s]*'")


def run_files(revision: str) -> None:
    """Run the SQL of a revision in the schema, whatever its name.

    Parameters
    ----------
    revision : str
        The revision's own file: beside it is a file of SQL of the same name, or a folder of them,
        which are run in their order.
    """
    # Late: Alembic takes a quarter of the time in which a command starts that needs none.
    from alembic import op

    folder, name = Path(revision).parent, Path(revision).stem
    for file in sorted([*folder.glob(f"{name}.sql"), *folder.glob(f"{name}/*.sql")]):
        statements = re.sub(r"\bmetrics\b", settings.metrics_schema(), file.read_text())
        if not statements.isascii():
            encoding = op.get_bind().exec_driver_sql("show server_encoding").scalar_one()
            if encoding not in ("UTF8", "SQL_ASCII"):
                # Another encoding may have no such letters, and texts in it then no such words.
                statements = OTHER_WORDS.sub("''", statements)
        # The driver takes a percent sign for a parameter.
        op.get_bind().exec_driver_sql(statements.replace("%", "%%"))
