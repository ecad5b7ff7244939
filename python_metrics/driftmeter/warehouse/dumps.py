"""Backs up and restores the metrics schema with pg_dump and pg_restore."""

import os
import re
import subprocess
from pathlib import Path

import sqlalchemy as sa
from psycopg.conninfo import make_conninfo

from driftmeter import settings
from driftmeter.errors import DriftmeterError
from driftmeter.warehouse.address import address_of
from driftmeter.warehouse.migrate import metrics_migrations, revisions
from driftmeter.warehouse.reader import READER
from driftmeter.warehouse.server_programs import client_program

# Roles that grants of the schema name; a server that has none gets them before the restore.
GROUPS = ("driftmeter_loader", "driftmeter_transformer", "driftmeter_writer")
FILLED = sa.text("select to_regnamespace(:schema) is not null")


def backup(engine: sa.Engine, file: Path) -> None:
    """Write the metrics schema to a file, whole or not at all, readable by its owner only.

    Raises
    ------
    DriftmeterError
        If there is no such schema, if the file is there already, or if pg_dump fails.
    """
    schema = settings.metrics_schema()
    with engine.connect() as session:
        if revisions(session)[0] is None:
            raise DriftmeterError(
                f"the warehouse has no schema {schema} of Driftmeter to back up",
                where=engine.url.render_as_string(hide_password=True),
                fix="let DRIFTMETER_DATABASE_URL name the warehouse that has it",
            )
    if file.exists():
        raise DriftmeterError(
            "already exists", where=str(file), fix="name a new file, or move that one away"
        )
    new = file.with_name(f"{file.name}.unfinished")
    try:
        new.unlink(missing_ok=True)
        new.touch(mode=0o600)
    except OSError as error:
        raise DriftmeterError(
            f"cannot be written ({error.strerror})", where=str(file), fix="name another place"
        ) from error
    try:
        _run(engine, "pg_dump", f"--schema={schema}", "--format=custom", f"--file={new}")
        new.rename(file)
    finally:
        new.unlink(missing_ok=True)


def restore(engine: sa.Engine, file: Path, replace: bool = False) -> None:
    """Put the metrics schema of a backup into the warehouse, in one transaction.

    Parameters
    ----------
    replace : bool
        Whether a schema that is there may be dropped first.

    Raises
    ------
    DriftmeterError
        If the file is no backup, holds another schema or one of another Driftmeter, if the
        warehouse has the schema and `replace` is false, or if pg_restore fails. Nothing is changed
        then.
    """
    schema = settings.metrics_schema()
    if not file.is_file():
        raise DriftmeterError(
            "is not a file", where=str(file), fix="name a file that driftmeter backup wrote"
        )
    listed = _run(None, "pg_restore", "--list", str(file))
    if not re.search(rf" SCHEMA - {schema} ", listed):
        raise DriftmeterError(
            f"holds no schema {schema}",
            where=str(file),
            fix="name a file that driftmeter backup wrote, or set DRIFTMETER_METRICS_SCHEMA",
        )
    _check_revision(file, schema)
    owners = {line.split()[-1] for line in listed.splitlines() if line[:1].isdigit()}
    with engine.begin() as session:
        is_filled = bool(session.scalar(FILLED, {"schema": schema}))
        if is_filled and not replace:
            raise DriftmeterError(
                f"already has a schema {schema}",
                where=engine.url.render_as_string(hide_password=True),
                fix="add --replace to drop it first, or name an empty database",
            )
        _make_roles(session)
        missing = owners.difference(session.scalars(sa.text("select rolname from pg_roles")))
    if missing:
        raise DriftmeterError(
            f"holds objects of the roles {', '.join(sorted(missing))}, which this server lacks",
            where=str(file),
            fix="have an administrator create these roles and make you a member of them",
        )
    script = _run(None, "pg_restore", "--file=-", str(file))
    # psql runs pg_restore's script: one transaction with the drop, which pg_restore has none for.
    dropped = _drop_statements(engine, schema) if is_filled else ""
    _run(
        engine,
        "psql",
        "--no-psqlrc",
        "--quiet",
        "--single-transaction",
        "--set=ON_ERROR_STOP=1",
        "--output=/dev/null",
        "--file=-",
        stdin=dropped + script,
    )
    with engine.begin() as session:
        session.execute(sa.text("analyze"))


def _check_revision(file: Path, schema: str) -> None:
    """Refuse a backup of a schema from which this version cannot go on."""
    table = _run(
        None, "pg_restore", "--data-only", "--table=alembic_version", "--file=-", str(file)
    )
    copied = re.search(r"^COPY [^\n]+\n(\w+)\n", table, re.MULTILINE)
    revision, where = copied[1] if copied else "none", f"{file}, {schema}.alembic_version"
    if reason := metrics_migrations().why_not_from(revision, where):
        raise reason


def _make_roles(session: sa.Connection) -> None:
    for role in (READER, *GROUPS):
        if session.scalar(sa.text("select to_regrole(:role) is null"), {"role": role}):
            login = "login" if role == READER else "nologin"
            session.execute(sa.text(f"create role {role} {login}"))


def _drop_statements(engine: sa.Engine, schema: str) -> str:
    """Drop the schema, but nothing of others that reads it.

    Views over it that lie elsewhere would go with it by `cascade`.
    """
    query = sa.text(
        "select distinct of_others.oid::regclass::text from pg_rewrite"
        " join pg_class as of_others on of_others.oid = ev_class"
        " join pg_depend on pg_depend.objid = pg_rewrite.oid"
        "     and classid = 'pg_rewrite'::regclass and refclassid = 'pg_class'::regclass"
        " join pg_class as ours on ours.oid = refobjid"
        " where ours.relnamespace = to_regnamespace(:schema)"
        " and of_others.relnamespace <> ours.relnamespace order by 1"
    )
    with engine.connect() as session:
        readers = list(session.scalars(query, {"schema": schema}))
    if readers:
        raise DriftmeterError(
            f"to drop schema {schema} would also drop {', '.join(readers)}",
            where=engine.url.render_as_string(hide_password=True),
            fix="drop these first, run this again, and create them again",
        )
    return f'drop schema "{schema}" cascade;\n'


def _run(engine: sa.Engine | None, program: str, *arguments: str, stdin: str = "") -> str:
    """What a program of Postgres prints; its password is in no list of processes."""
    environment = dict(os.environ)
    where = arguments[-1]
    if engine is not None:
        address = address_of(engine)
        where, parameters = address.shown, address.libpq()
        if password := parameters.pop("password"):
            environment["PGPASSWORD"] = password
        arguments = (f"--dbname={make_conninfo(**parameters)}", "--no-password", *arguments)
    ended = subprocess.run(
        [client_program(program), *arguments],
        input=stdin,
        env=environment,
        text=True,
        capture_output=True,
    )
    if ended.returncode == 0:
        return ended.stdout
    lines = [line for line in ended.stderr.splitlines() if "error:" in line.lower()]
    reason = (lines or ended.stderr.strip().splitlines() or [f"exit code {ended.returncode}"])[0]
    newer = "server version mismatch" in reason
    raise DriftmeterError(
        f"{program} failed ({reason.strip()})",
        where=where,
        fix=f"let DRIFTMETER_PG_BIN name a directory whose {program} has the server's version"
        if newer
        else "nothing was changed; see docs/retention.md",
    )
