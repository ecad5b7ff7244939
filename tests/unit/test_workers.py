"""Work side by side: in processes of its own, with errors as they were."""

import functools
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dagster_driftmeter.runs.progress import track
from dagster_driftmeter.runs.workers import side_by_side
from driftmeter.errors import DriftmeterError

WAIT_SECONDS = 20


def write_process(path: Path) -> None:
    path.write_text(f"{os.getpid()} {os.environ['DRIFTMETER_TEST']}")


def meet(own: Path, other: Path) -> None:
    """End well only if the other piece of work is on at the same time."""
    own.touch()
    deadline = time.monotonic() + WAIT_SECONDS
    while not other.exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def refuse() -> None:
    raise DriftmeterError("has no days", where="table", fix="fill it")


class Unsendable(Exception):
    def __init__(self, one: int, two: int) -> None:
        super().__init__(f"{one} and {two}")


def fail_unsendably() -> None:
    raise Unsendable(1, 2)


def be_killed() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def count_to_three() -> None:
    for _ in track("counting", range(3)):
        pass


def test_each_piece_of_work_has_a_process_and_this_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRIFTMETER_TEST", "seen")
    files = [tmp_path / "one", tmp_path / "two"]
    side_by_side([functools.partial(write_process, file) for file in files], 2)
    processes, seen = zip(*(file.read_text().split() for file in files), strict=True)
    assert str(os.getpid()) not in processes
    assert seen == ("seen", "seen")


def test_one_worker_is_this_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRIFTMETER_TEST", "seen")
    files = [tmp_path / "one", tmp_path / "two"]
    side_by_side([functools.partial(write_process, file) for file in files], 1)
    assert {file.read_text() for file in files} == {f"{os.getpid()} seen"}


def test_work_is_at_the_same_time(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    side_by_side([functools.partial(meet, one, two), functools.partial(meet, two, one)], 2)


def test_an_error_comes_as_it_was_after_the_others_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRIFTMETER_TEST", "seen")
    other = tmp_path / "other"
    with pytest.raises(DriftmeterError) as caught:
        side_by_side([refuse, functools.partial(write_process, other)], 2)
    assert str(caught.value) == "table: has no days. fill it."
    assert caught.value.fix == "fill it"
    assert other.exists()


def test_an_error_that_cannot_be_sent_comes_as_its_text() -> None:
    with pytest.raises(RuntimeError, match="Unsendable: 1 and 2"):
        side_by_side([fail_unsendably, count_to_three], 2)


def test_a_killed_worker_is_one_clear_line() -> None:
    with pytest.raises(DriftmeterError, match=r"a worker process was killed.*--workers 1"):
        side_by_side([be_killed, count_to_three], 2)


def test_progress_of_workers_is_told_here(capfd: pytest.CaptureFixture[str]) -> None:
    side_by_side([count_to_three, functools.partial(time.sleep, 0)], 2)
    (line,) = [line for line in capfd.readouterr().err.splitlines() if "counting" in line]
    assert line.split() == ["counting", "3/3", "0", "s"]


def test_workers_end_with_the_process_that_started_them(tmp_path: Path) -> None:
    file = tmp_path / "worker"
    program = (
        "import functools\n"
        "from pathlib import Path\n"
        "from dagster_driftmeter.runs.workers import side_by_side\n"
        "from tests.unit.test_workers import stay\n"
        "if __name__ == '__main__':\n"
        f"    side_by_side([functools.partial(stay, Path({str(file)!r})), stay], 2)\n"
    )
    script = tmp_path / "program.py"
    script.write_text(program)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    parent = subprocess.Popen([sys.executable, script], env=environment)
    deadline = time.monotonic() + 3 * WAIT_SECONDS
    while not (file.exists() and file.read_text()):
        assert parent.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    parent.kill()
    parent.wait()
    worker = int(file.read_text())
    while is_alive(worker):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def stay(file: Path | None = None) -> None:
    if file is not None:
        file.write_text(str(os.getpid()))
    time.sleep(10 * WAIT_SECONDS)


def is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
