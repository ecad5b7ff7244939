"""Faults that end a run, or a part of it, at a moment that is drawn."""

import os
import random
import signal
import time
from collections.abc import Callable
from contextlib import suppress

import psutil
import sqlalchemy as sa

from driftmeter.warehouse.server_process import server_pid
from tests.faults.warehouse import Warehouse

Run = "subprocess.Popen[str]"
# Less than one segment of the log, and more.
MIB_LEFT = (0, 1, 4, 16, 40)
# Of the call of dbt that builds, of a `dbt run` beside a run, and of Dagster's run from dbt on.
DBT_SECONDS, BESIDE_SECONDS, DAGSTER_SECONDS = 2.0, 12.0, 40.0
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


def kill_dbt(warehouse: Warehouse, name: str, run: Run, draw: random.Random) -> str:
    """dbt alone: the process of a call that is on, or the one that keeps dbt for all calls."""
    server = "dagster_driftmeter.dbt.server"
    _wait_for(run, server, at_least=2)
    time.sleep(draw.uniform(0, DBT_SECONDS))
    # The one of the next call, if that one is over.
    return _kill(draw.choice(_wait_for(run, server, at_least=2) or [None]))


def kill_beside_dbt(warehouse: Warehouse, name: str, run: Run, draw: random.Random) -> str:
    """The run, or a `dbt run` of the same days that a person starts beside it."""
    beside = warehouse.begin_dbt(name)
    time.sleep(draw.uniform(0, BESIDE_SECONDS))
    killed, other = draw.sample(["the run", "the dbt run"], 2)
    with suppress(ProcessLookupError):
        os.killpg(run.pid if killed == "the run" else beside.pid, signal.SIGKILL)
    return f"{killed} killed beside {other}; dbt ended with {beside.wait()}"


def kill_in_dagster(warehouse: Warehouse, name: str, run: Run, draw: random.Random) -> str:
    """The process of Dagster that does the run, with nothing of what it started."""
    dbt = _wait_for(run, "driftmeter-dbt")
    started = dbt[0].parent() if dbt else None
    time.sleep(draw.uniform(0, DAGSTER_SECONDS))
    return _kill(started)


def restart_postgres(warehouse: Warehouse, name: str, run: Run, draw: random.Random) -> str:
    """A stop and a start, as an upgrade of the server brings them."""
    warehouse.server.stop()
    warehouse.server.start()
    return "Postgres restarted"


def _wait_for(run: Run, words: str, at_least: int = 1) -> list[psutil.Process]:
    """Processes of a run with these words in their command, once there are so many."""
    while run.poll() is None:
        with suppress(psutil.NoSuchProcess):
            tree = psutil.Process(run.pid)
            found = [
                process
                for process in (tree, *tree.children(recursive=True))
                if words in " ".join(process.cmdline())
            ]
            if len(found) >= at_least:
                return found
        time.sleep(0.05)
    return []


def _kill(process: psutil.Process | None) -> str:
    if process is None or not process.is_running():
        return "it had ended"
    words = " ".join(process.cmdline())[-60:]
    process.kill()
    return f"killed alone: {words}"


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
    "dbt": kill_dbt,
    "beside": kill_beside_dbt,
    "dagster": kill_in_dagster,
    "queue": kill_in_dagster,
    "restart": restart_postgres,
}
# These wait themselves for the process that they kill.
OWN_MOMENT = ("dbt", "beside", "dagster", "queue")
