"""A command that somebody ends, by SIGTERM or Ctrl-C: in one line, soon, with all that it started.

Python calls the handler of a signal only between two steps of the main thread, and whatever is on
there may catch what the handler raises; Dagster and click do. A thread of its own hears of the
signal at once, and ends the command if that has not ended by then. A day is one transaction, so
that none is half done.
"""

import atexit
import contextlib
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Iterator
from multiprocessing import resource_tracker
from types import FrameType

import psutil  # type: ignore[import-untyped]

from dagster_driftmeter.runs.own_folder import remove_own_folder

# Seconds for the command to end by itself: dbt cancels its queries, Dagster notes the run's end.
PATIENCE = 5
NAMES: dict[int, str] = {
    signal.SIGINT: "Ctrl-C",
    signal.SIGTERM: "SIGTERM",
    signal.SIGHUP: "the closing of its terminal",
}
ENDED = "ended by {}: what was finished is stored, and the rest is as before; run it again to go on"
# Progress bars hide it.
SHOW_CURSOR = b"\x1b[?25h"


class _Ending:
    """The end of this process, once somebody asked for it."""

    def __init__(self) -> None:
        self.number: int | None = None
        self.is_watched = self.is_heard = False
        self.is_main_over = threading.Event()
        # Whoever serves until Ctrl-C ends itself, and what it started, in its own order.
        self.is_the_commands = False
        self.is_ctrl_c_ours = False
        self.terminal = 2
        # A signal may come while the handler of another is at work, in the same thread.
        self._telling = threading.RLock()

    def tell(self, number: int) -> None:
        """Say that the process ends and why, once; from then on it says nothing."""
        with self._telling:
            if self.number is not None:
                return
            self.number = number
            line = f"{ENDED.format(NAMES[number])}\n".encode()
            with contextlib.suppress(OSError):
                is_seen = os.isatty(self.terminal)
                os.write(self.terminal, (SHOW_CURSOR if is_seen else b"") + line)
            sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115

    def watch(self, signals: int) -> None:
        """Wait for a signal, then for the main thread, and end the process."""
        number = 0
        while number not in NAMES:
            select.select([signals], [], [])
            self.is_heard = True
            number = os.read(signals, 1)[0]
        if self.is_the_commands:
            return
        deadline = time.monotonic() + PATIENCE
        self.tell(number)
        if number == signal.SIGINT and self.is_ctrl_c_ours:
            # The main thread does not get it, and may be waiting for something.
            signal.pthread_kill(int(threading.main_thread().ident or 0), signal.SIGTERM)
        started = _descendants()
        for process in started:
            _send(process, signal.SIGTERM)
        self.is_main_over.wait(deadline - time.monotonic())
        _kill({*started, *_descendants()})
        remove_own_folder()
        os._exit(128 + number)


_ending = _Ending()


@contextlib.contextmanager
def ending_at_signals() -> Iterator[None]:
    """End this process with the block, or by a signal: its code is 128 and the signal's number."""
    signals, told = os.pipe()
    os.set_blocking(told, False)
    signal.set_wakeup_fd(told, warn_on_full_buffer=False)
    for number in NAMES:
        # A job in the background is started without Ctrl-C.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _interrupt)
    # Dagster sends standard error to a file at times.
    _ending.terminal = os.dup(2)
    watcher = threading.Thread(target=_ending.watch, args=[signals], daemon=True)
    watcher.start()
    _ending.is_watched = True
    code = 1
    try:
        yield
        code = 0
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
    except BaseException as error:
        if not _is_asked(signals):
            sys.excepthook(type(error), error, error.__traceback__)
    finally:
        # Python takes seconds to free all that was imported, and hears no signal meanwhile.
        with contextlib.suppress(BaseException):
            atexit._run_exitfuncs()
            for stream in (sys.stdout, sys.stderr):
                stream.flush()
        if _is_asked(signals):
            for number in NAMES:
                signal.signal(number, signal.SIG_IGN)
            _ending.is_main_over.set()
            # It ends the process.
            watcher.join()
        os._exit(code)


def _is_asked(signals: int) -> bool:
    """Whether somebody asked for the end: the thread has heard of it, or will in a moment."""
    is_heard = _ending.is_heard or bool(select.select([signals], [], [], 0)[0])
    return is_heard and not _ending.is_the_commands


@contextlib.contextmanager
def keeping_ctrl_c() -> Iterator[None]:
    """Keep Ctrl-C from what is started in the block: this process ends it, and it says nothing.

    A terminal sends it to all, and a script of Dagster's would print where it was.
    """
    if not _ending.is_watched:
        yield
        return
    # It lets both signals through to this thread when it starts.
    resource_tracker.ensure_running()
    # Processes begin with what the thread blocks that starts them. The other one hears the signal.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    _ending.is_ctrl_c_ours = True
    try:
        yield
    finally:
        _ending.is_ctrl_c_ours = signal.SIGINT in before
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def serving_until_ended() -> Iterator[None]:
    """Leave the end to the block, which serves until a signal raises KeyboardInterrupt in it."""
    _ending.is_the_commands = True
    with contextlib.suppress(KeyboardInterrupt):
        yield


def _interrupt(number: int, frame: FrameType | None) -> None:
    if not _ending.is_the_commands:
        _ending.tell(number)
    raise KeyboardInterrupt


def _descendants() -> "set[psutil.Process]":
    """Processes that this one started, and theirs; no server that is to outlive them."""
    with contextlib.suppress(psutil.Error):
        started = psutil.Process().children(recursive=True)
        return {process for process in started if _name(process) != "postgres"}
    return set()


def _name(process: "psutil.Process") -> str:
    with contextlib.suppress(psutil.Error):
        return str(process.name())
    return ""


def _is_there(process: "psutil.Process") -> bool:
    with contextlib.suppress(psutil.Error):
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    return False


def _send(process: "psutil.Process", number: int) -> None:
    with contextlib.suppress(psutil.Error):
        process.send_signal(number)


def _kill(processes: "set[psutil.Process]") -> None:
    for process in processes:
        _send(process, signal.SIGKILL)
    deadline = time.monotonic() + 1
    while any(map(_is_there, processes)) and time.monotonic() < deadline:
        time.sleep(0.01)
