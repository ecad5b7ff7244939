"""Makes the embedded server's cluster: empty, in UTF-8, with scram and a password of its own."""

import secrets
import shutil
import tempfile
from pathlib import Path

from driftmeter.errors import DriftmeterError
from driftmeter.warehouse.access import ROLE, Access, save_access
from driftmeter.warehouse.ports import free_port
from driftmeter.warehouse.server_programs import FIX, run_initdb


def make_cluster(data: Path, access_file: Path) -> Access:
    """Make a cluster beside its final place and move it there whole.

    The password is kept before the move: a cluster in its place can always be opened, and what an
    interrupted start left beside it has never held data.

    Parameters
    ----------
    data : Path
        The cluster's directory, which must not exist.
    access_file : Path
        Where its port and password are kept.

    Raises
    ------
    DriftmeterError
        If ``initdb`` fails, with its last word.
    """
    for leftover in data.parent.glob("postgres-unfinished-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    # A name of its own: the initdb of a start that was killed may be at work still.
    half_made = Path(tempfile.mkdtemp(prefix="postgres-unfinished-", dir=data.parent))
    try:
        access = _made_cluster(half_made)
        save_access(access_file, access)
        half_made.rename(data)
    except BaseException:
        shutil.rmtree(half_made, ignore_errors=True)
        raise
    return access


def _made_cluster(directory: Path) -> Access:
    access = Access(free_port(), secrets.token_urlsafe(24))
    made = run_initdb(
        f"--pgdata={directory}",
        f"--username={ROLE}",
        "--auth=scram-sha-256",
        "--pwfile=/dev/stdin",
        "--encoding=UTF8",
        "--locale=C",
        data=directory,
        stdin=access.password + "\n",
    )
    if made.returncode != 0:
        output = made.stderr.strip().splitlines() or [f"exit code {made.returncode}"]
        raise DriftmeterError(
            f"the embedded Postgres could not be made ({output[-1]})",
            where=str(directory.parent),
            fix=FIX,
        )
    with (directory / "postgresql.conf").open("a") as conf:
        conf.write("include 'driftmeter.conf'\n")
    return access
