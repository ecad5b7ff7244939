"""The embedded server, killed, moved, copied, crowded and interrupted."""

import contextlib
import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import psycopg
import pytest

from driftmeter.errors import DriftmeterError
from driftmeter.settings import PROJECT_ROOT
from driftmeter.warehouse.cluster import Access
from driftmeter.warehouse.embedded import EmbeddedPostgres


@pytest.fixture
def home() -> Iterator[Path]:
    # Not tmp_path: that keeps three runs' directories, and a cluster is 40 MB.
    directory = Path(tempfile.mkdtemp(prefix="driftmeter-embedded-"))
    yield directory
    for cluster in directory.rglob("postgres.json"):
        EmbeddedPostgres(cluster.parent).stop()
    shutil.rmtree(directory)


@pytest.fixture
def server(home: Path) -> EmbeddedPostgres:
    started = EmbeddedPostgres(home / "project")
    started.start()
    return started


def ask(url: str, query: str) -> object:
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(query).fetchone()
    assert row is not None
    return row[0]


def remember(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("create table kept as select 42 as answer")


def pid_of(server: EmbeddedPostgres) -> int:
    return int((server.data / "postmaster.pid").read_text().splitlines()[0])


def kill_all(server: EmbeddedPostgres) -> None:
    """`kill -9` of the server and of every process it started."""
    postmaster = psutil.Process(pid_of(server))
    processes = [postmaster, *postmaster.children(recursive=True)]
    for process in processes:
        # Children end by themselves as soon as they miss their parent.
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGKILL)
    psutil.wait_procs(processes, timeout=20)


def test_a_started_server_is_a_utf8_postgres_18_in_utc(server: EmbeddedPostgres) -> None:
    url = server.start()
    assert str(ask(url, "show server_version")).startswith("18.")
    assert ask(url, "show server_encoding") == "UTF8"
    assert ask(url, "select datcollate from pg_database where datname = 'driftmeter'") == "C"
    assert ask(url, "show timezone") == "UTC"
    assert ask(url, "show max_connections") == "200"


def test_it_listens_on_loopback_only(server: EmbeddedPostgres) -> None:
    postmaster = psutil.Process(pid_of(server))
    listening = [c.laddr.ip for c in postmaster.net_connections() if c.status == "LISTEN"]
    assert listening == ["127.0.0.1"]
    assert ask(server.start(), "show unix_socket_directories") == ""


def test_a_wrong_password_is_refused(server: EmbeddedPostgres) -> None:
    access = server.access()
    assert access is not None
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(Access(access.port, "wrong").url)
    stored = ask(access.url, "select rolpassword from pg_authid where rolname = 'driftmeter'")
    assert str(stored).startswith("SCRAM-SHA-256$")


def test_only_its_owner_can_read_the_password(server: EmbeddedPostgres) -> None:
    assert stat.S_IMODE(server.access_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(server.data.stat().st_mode) == 0o700


def test_starting_twice_is_one_server_and_stopping_twice_is_no_error(
    server: EmbeddedPostgres,
) -> None:
    first = pid_of(server)
    assert EmbeddedPostgres(server.home).start() == server.start()
    assert pid_of(server) == first
    assert server.stop() is True
    assert server.is_running() is False
    assert server.stop() is False


def test_a_stopped_server_comes_back_at_the_same_address_with_its_data(
    server: EmbeddedPostgres,
) -> None:
    before = server.start()
    remember(before)
    server.stop()
    assert server.start() == before
    assert ask(before, "select answer from kept") == 42


def test_kill_9_of_every_process_loses_no_data(server: EmbeddedPostgres) -> None:
    url = server.start()
    remember(url)
    kill_all(server)
    assert (server.data / "postmaster.pid").exists()
    assert server.is_running() is False
    assert ask(server.start(), "select answer from kept") == 42


def test_a_commit_that_was_told_is_there_after_kill_9(server: EmbeddedPostgres) -> None:
    with psycopg.connect(server.start(), autocommit=True) as connection:
        connection.execute("create table told (number integer)")
        for number in range(20):
            connection.execute("insert into told values (%s)", [number])
        # Within the 200 ms after which Postgres writes by itself what nobody waits for.
        kill_all(server)
    assert ask(server.start(), "select count(*) from told") == 20


def test_kill_9_of_the_postmaster_alone_is_survived(server: EmbeddedPostgres) -> None:
    with psycopg.connect(server.start()):
        os.kill(pid_of(server), signal.SIGKILL)
        assert ask(server.start(), "select 1") == 1


def test_a_stale_pid_that_is_now_another_process_does_not_stop_a_start(
    server: EmbeddedPostgres,
) -> None:
    remember(server.start())
    kill_all(server)
    # A process of the very account that runs the server: Postgres itself would give up here.
    account = server.data.stat().st_uid
    bystander = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import os, sys; os.setuid(int(sys.argv[1])); print(flush=True); sys.stdin.read()",
            str(account),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert bystander.stdout is not None
        bystander.stdout.readline()
        file = server.data / "postmaster.pid"
        rest = file.read_text().splitlines()[1:]
        file.write_text("\n".join([str(bystander.pid), *rest]) + "\n")
        assert server.is_running() is False
        assert ask(server.start(), "select answer from kept") == 42
        assert bystander.poll() is None
    finally:
        bystander.communicate()


def test_a_port_taken_by_another_process_is_left_to_it(server: EmbeddedPostgres) -> None:
    remember(server.start())
    before = server.access()
    assert before is not None
    server.stop()
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", before.port))
        other.listen()
        url = server.start()
    after = server.access()
    assert after is not None
    assert after.port != before.port
    assert after.password == before.password
    assert ask(url, "select answer from kept") == 42


def test_an_interrupted_first_start_is_made_anew(home: Path) -> None:
    project = home / "project"
    (project / "postgres-unfinished-1" / "base").mkdir(parents=True)
    (project / "postgres-unfinished-1" / "PG_VERSION").write_text("18\n")
    assert ask(EmbeddedPostgres(project).start(), "select 1") == 1
    assert not list(project.glob("postgres-unfinished-*"))


def test_a_first_start_killed_at_any_moment_is_finished_by_the_next(home: Path) -> None:
    code = (
        "import sys; from pathlib import Path;"
        "from driftmeter.warehouse.embedded import EmbeddedPostgres as E;"
        "E(Path(sys.argv[1])).start()"
    )
    for number, seconds in enumerate((0.25, 0.5, 0.75, 1.0)):
        project = home / str(number)
        first = subprocess.Popen([sys.executable, "-c", code, str(project)], cwd=PROJECT_ROOT)
        time.sleep(seconds)
        first.kill()
        first.wait()
        assert ask(EmbeddedPostgres(project).start(), "select 1") == 1


def test_a_cluster_whose_password_is_lost_is_never_deleted(server: EmbeddedPostgres) -> None:
    remember(server.start())
    server.stop()
    kept = server.access_file.rename(server.home / "elsewhere.json")
    with pytest.raises(DriftmeterError, match=r"without its password file.* restore "):
        server.start()
    kept.rename(server.access_file)
    assert ask(server.start(), "select answer from kept") == 42


def test_two_starts_at_once_make_one_cluster(home: Path) -> None:
    project = home / "project"
    with ThreadPoolExecutor(4) as pool:
        urls = set(pool.map(lambda _: EmbeddedPostgres(project).start(), range(4)))
    assert len(urls) == 1
    assert ask(urls.pop(), "select 1") == 1


def test_two_projects_do_not_disturb_each_other(server: EmbeddedPostgres, home: Path) -> None:
    other = EmbeddedPostgres(home / "other")
    remember(server.start())
    assert ask(other.start(), "select to_regclass('kept') is null") is True
    other.stop()
    assert ask(server.start(), "select answer from kept") == 42


def test_a_moved_directory_keeps_its_data_and_password(server: EmbeddedPostgres) -> None:
    before = server.start()
    remember(before)
    server.stop()
    moved = EmbeddedPostgres(server.home.rename(server.home.with_name("moved")))
    assert moved.start() == before
    assert ask(before, "select answer from kept") == 42


def test_a_directory_moved_under_a_running_server_is_still_its_own(
    server: EmbeddedPostgres,
) -> None:
    before = server.start()
    moved = EmbeddedPostgres(server.home.rename(server.home.with_name("moved")))
    assert moved.is_running() is True
    assert moved.start() == before


def test_a_copy_of_a_running_project_is_a_project_of_its_own(
    server: EmbeddedPostgres, home: Path
) -> None:
    url = server.start()
    remember(url)
    copied = EmbeddedPostgres(shutil.copytree(server.home, home / "copy"))
    assert copied.is_running() is False
    with psycopg.connect(copied.start(), autocommit=True) as connection:
        connection.execute("update kept set answer = 43")
    assert copied.start() != url
    assert ask(url, "select answer from kept") == 42


def test_a_server_that_cannot_start_is_one_line_that_names_the_log(
    server: EmbeddedPostgres,
) -> None:
    server.stop()
    with (server.data / "postgresql.conf").open("a") as conf:
        conf.write("shared_bufers = '1GB'\n")
    with pytest.raises(DriftmeterError) as caught:
        server.start()
    assert "server.log" in str(caught.value)
    assert "configuration file" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_it_keeps_is_for_its_owner_alone(home: Path) -> None:
    server = EmbeddedPostgres(home / "deep" / "project")
    server.start()
    for place in (home / "deep", server.home, server.data):
        assert stat.S_IMODE(place.stat().st_mode) == 0o700, place
    assert stat.S_IMODE(server.access_file.stat().st_mode) == 0o600
    server.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be both root and a plain user")
def test_it_runs_for_root_in_a_private_directory_and_for_a_plain_user(home: Path) -> None:
    private = home / "private"
    private.mkdir(mode=0o700)
    as_root = EmbeddedPostgres(private / "project")
    as_root.start()
    # No account has its user, and no other process that gave up root can read its files.
    with pytest.raises(KeyError):
        pwd.getpwuid(psutil.Process(pid_of(as_root)).uids().real)
    as_root.stop()
    # A cluster that an earlier version gave to `nobody` is given away again.
    nobody = pwd.getpwnam("nobody").pw_uid
    for path in (as_root.data, *as_root.data.rglob("*")):
        os.chown(path, nobody, -1)
    assert ask(as_root.start(), "select 1") == 1
    assert psutil.Process(pid_of(as_root)).uids().real != nobody

    # initdb wants an account with a name.
    plain = next(a.pw_uid for a in pwd.getpwall() if a.pw_uid and a.pw_name != "nobody")
    theirs = home / "plain"
    theirs.mkdir()
    os.chown(theirs, plain, plain)
    home.chmod(0o755)
    code = (
        "import os, sys; from pathlib import Path;"
        "from driftmeter.warehouse.embedded import EmbeddedPostgres as E;"
        "assert os.geteuid() != 0; print(E(Path(sys.argv[1])).start())"
    )
    # The interpreter may lie where only root can read; reading is all that is lent.
    lent = ("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search")
    account = (f"--reuid={plain}", f"--regid={plain}", "--clear-groups")
    started = subprocess.run(
        [
            "setpriv",
            *account,
            "--securebits=+no_setuid_fixup",
            *lent,
            "--",
            sys.executable,
            "-B",
            "-c",
            code,
            str(theirs / "project"),
        ],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
    )
    assert started.returncode == 0, started.stderr
    assert ask(started.stdout.strip(), "select 1") == 1
    as_plain = EmbeddedPostgres(theirs / "project")
    assert psutil.Process(pid_of(as_plain)).uids().real == plain
    # Root may stop and start it, and it stays the user's.
    assert as_plain.stop() is True
    as_plain.start()
    assert psutil.Process(pid_of(as_plain)).uids().real == plain
