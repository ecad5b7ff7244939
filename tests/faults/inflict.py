"""Faults that end a run, or a part of it, at a moment that is drawn."""

import os
import random
import signal
from collections.abc import Callable

import psutil
import sqlalchemy as sa

from driftmeter.warehouse.server_process import server_pid
from tests.faults.warehouse import Warehouse

Run = "subprocess.Popen[str]"
# Less than one segment of the log, and more.
MIB_LEFT = (0, 1, 4, 16, 40)
END_ALL = "select pg_terminate_backend(pid) from pg_stat_activity where datname = :name"


def kill_run(warehouse: Warehouse, name: str, run: Run, draw: random.Random) -> str:
    """All processes of the run, as a machine that is switched off."""
    os.killpg(run.pid, signal.SIGKILL)
    return "the run and all its processes killed"


def kill_one_process(warehouse: Warehouse, name: str, run: Run, draw: random.Random) -> str:
    """One process of the run: the command, a worker, dbt, or what they fork from."""
    try:
        tree = psutil.Process(run.pid)
        processes = [tree, *tree.children(recursive=True)]
        chosen = draw.choice(processes)
        words = " ".join(chosen.cmdline())[-60:]
        chosen.kill()
    except psutil.NoSuchProcess:
        return "the run had ended"
    return f"one of {len(processes)} processes killed: {words}"


def kill_postgres(warehouse: Warehouse, name: str, run: Run, draw: random.Random) -> str:
    """Every process of the server, then a start."""
    pid = server_pid(warehouse.server.data)
    assert pid is not None
    server = psutil.Process(pid)
    processes = [server, *server.children(recursive=True)]
    for process in processes:
        process.kill()
    psutil.wait_procs(processes)
    warehouse.server.start()
    return f"Postgres killed with {len(processes)} processes, and started"


def cut_connections(warehouse: Warehouse, name: str, run: Run, draw: random.Random) -> str:
    """Every connection to the database."""
    server = warehouse.engine("postgres").execution_options(isolation_level="AUTOCOMMIT")
    with server.connect() as session:
        cut = len(session.execute(sa.text(END_ALL), {"name": name}).all())
    server.dispose()
    return f"{cut} connections cut"


def fill_disk(warehouse: Warehouse, name: str, run: Run, draw: random.Random) -> str:
    """The server's disk: rows, temporary files or its log find no room, and it may go down."""
    assert warehouse.disk is not None
    left = draw.choice(MIB_LEFT)
    warehouse.disk.fill(left)
    return f"the disk full but for {left} MiB"


FAULTS: dict[str, Callable[[Warehouse, str, Run, random.Random], str]] = {
    "run": kill_run,
    "process": kill_one_process,
    "postgres": kill_postgres,
    "connections": cut_connections,
    "disk": fill_disk,
}
