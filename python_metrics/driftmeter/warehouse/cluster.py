"""The embedded server's cluster: how it is made, its port and password, and their file."""

import json
import secrets
import shutil
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from driftmeter.errors import DriftmeterError
from driftmeter.warehouse.ports import free_port
from driftmeter.warehouse.server_programs import FIX, run_initdb

ROLE = DATABASE = "driftmeter"


@dataclass(frozen=True)
class Access:
    """Port and password of the embedded server's one role and database."""

    port: int
    password: str

    @property
    def url(self) -> str:
        """The connection URL, password included."""
        return f"postgresql://{ROLE}:{self.password}@127.0.0.1:{self.port}/{DATABASE}"


def read_access(file: Path) -> Access | None:
    """What the file says, or None where there is none.

    Raises
    ------
    DriftmeterError
        If the file cannot be read.
    """
    try:
        return Access(**json.loads(file.read_text()))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as error:
        raise DriftmeterError(
            f"cannot be read ({error})",
            where=str(file),
            fix='it must hold {"port": ..., "password": ...} of the embedded warehouse',
        ) from error


def save_access(file: Path, access: Access) -> None:
    """Write the file, readable by its owner only, whole or not at all."""
    new = file.with_suffix(".json.new")
    new.unlink(missing_ok=True)
    new.touch(mode=0o600)
    new.write_text(json.dumps(asdict(access)))
    new.rename(file)


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
