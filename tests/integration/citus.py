"""A database of its own on a Citus, and the plans of what its workers are asked to do."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from driftmeter.warehouse import connection

DATABASE = "driftmeter_test"
# Bytes that may come from the other machines: results of counts, and never a day's rows.
MOST_KIB = 1024


@contextmanager
def citus_database(url: str) -> Iterator[str]:
    """Make `DATABASE` anew on the coordinator and on its workers; gives its URL.

    Parameters
    ----------
    url : str
        A database of the coordinator in which the workers are known, as a superuser whose
        password is the same on all machines.
    """
    with run(url) as session:
        host, port = (
            session.scalar(sa.text(f"select {name} from pg_dist_node where groupid = 0"))
            for name in ("nodename", "nodeport")
        )
        workers = session.execute(
            sa.text("select node_name, node_port from citus_get_active_worker_nodes()")
        ).all()
    machines = [sa.make_url(url).set(host=host, port=port)]
    machines += [sa.make_url(url).set(host=host, port=port) for host, port in workers]
    for machine in machines:
        with run(machine.render_as_string(hide_password=False)) as session:
            session.exec_driver_sql(f"drop database if exists {DATABASE} with (force)")
            session.exec_driver_sql(f"create database {DATABASE}")
        own = machine.set(database=DATABASE)
        with run(own.render_as_string(hide_password=False)) as session:
            session.exec_driver_sql("create extension citus")
    made = machines[0].set(database=DATABASE).render_as_string(hide_password=False)
    with run(made) as session:
        node = sa.text("select citus_add_node(:host, :port)")
        session.execute(
            sa.text("select citus_set_coordinator_host(:host, :port)"), {"host": host, "port": port}
        )
        for name, number in workers:
            session.execute(node, {"host": name, "port": number})
        for setting in ("shard_count = 4", f"max_intermediate_result_size = '{MOST_KIB}kB'"):
            session.exec_driver_sql(f"alter database {DATABASE} set citus.{setting}")
    yield made


@contextmanager
def run(url: str) -> Iterator[sa.Connection]:
    """Connect for statements that are in no transaction."""
    engine = connection.engine(url)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as session:
        yield session
    engine.dispose()


def plans_of_workers(session: sa.Connection, statement: str, table: str) -> list[dict[str, Any]]:
    """Plans of workers that read a shard of the table, one for each part of the statement."""
    session = session.execution_options(no_parameters=True)
    explained = session.exec_driver_sql(f"explain (format json) {statement}").scalar_one()
    plans = json.loads(explained) if isinstance(explained, str) else explained
    return [plan for plan in _remote_plans(plans) if _reads(plan, f"{table}_")]


def _remote_plans(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, list):
        for part in node:
            yield from _remote_plans(part)
    elif isinstance(node, dict):
        for task in node.get("Tasks", []):
            for told in task.get("Remote Plan", []):
                # What has no plan yet reads results of other parts, which are on no worker.
                yield from (part["Plan"] for part in told if "Plan" in part)
        for name, part in node.items():
            if name != "Tasks":
                yield from _remote_plans(part)


def _reads(plan: dict[str, Any], prefix: str) -> bool:
    if str(plan.get("Relation Name", "")).startswith(prefix):
        return True
    return any(_reads(part, prefix) for part in plan.get("Plans", []))
