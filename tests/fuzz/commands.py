"""Command lines that nobody means: an answer, a usage that names the option, or one clear line."""

import contextlib
import io
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

import click
import typer
from hypothesis import strategies as st

from dagster_driftmeter.cli.app import app, run_app
from driftmeter import settings
from tests.fuzz.target import Target, one_line
from tests.fuzz.warehouse import opened_warehouse

# They serve until they are ended, start or stop the warehouse, or work for minutes where nothing is
# wrong with their options; so something always is.
LASTING = {
    "up", "down", "ui", "reports", "health", "code-server", "grafana", "demo", "init", "train",
}  # fmt: skip
# No other command goes on for so long.
MOST_SECONDS = 120
# An argument of a process is any text without a zero byte; what is no UTF-8 comes as surrogates.
TEXT = st.text(
    st.characters(exclude_characters="\0", exclude_categories=()), max_size=12
) | st.sampled_from(["", "-", "--", "'; drop table x; --", "a" * 10_000, "\udcff", "%s{0}"])
DATES = st.dates().map(str) | st.sampled_from(["2019-02-29", "2019-4-1", "tomorrow"])
NUMBERS = st.integers(-5, 10**20).map(str)
KNOWN = st.sampled_from(
    [
        "trip_duration", "trip_tip", "overview", "drift", "reference", "weekday", "400d", "3y",
        "1m", "false_alarms_per_month=2", "shift=-1", "share=x", "json", "table", "a=b",
        "metrics.drift",
    ]
)  # fmt: skip
VALUES = TEXT | DATES | NUMBERS | KNOWN
FILES = st.sampled_from(["page.html", "no/such/page.html", "/proc/page.html", ".", ""])


def commands_of(group: click.Group, *path: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command, and the words that name it."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands_of(command, *path, name)
        yield (*path, name), command


COMMANDS = dict(commands_of(typer.main.get_command(app)))  # type: ignore[arg-type]


@st.composite
def lines(draw: st.DrawFn) -> list[str]:
    words = draw(st.sampled_from(sorted(COMMANDS)))
    line = list(words)
    parameters = draw(st.permutations(COMMANDS[words].params))
    for parameter in parameters[: draw(st.integers(0, len(parameters)))]:
        line += draw(_given(parameter))
    if draw(st.integers(0, 5)) == 0:
        line += draw(st.lists(VALUES, max_size=2))
    if words == ("run",):
        # A run of days that there may be is no matter of the command line.
        line += ["--to", draw(st.sampled_from(["2019-02-29", "", "tomorrow"]))]
    if LASTING & {*words}:
        line.append("--strange")
    return line


def _given(parameter: click.Parameter) -> st.SearchStrategy[list[str]]:
    values = FILES if parameter.name == "out" else VALUES
    if isinstance(parameter, click.Argument):
        return (NUMBERS | values).map(lambda value: [value])
    option = parameter.opts[0]
    if getattr(parameter, "is_flag", False):
        return st.just([option])
    return values.map(lambda value: [option, value])


@contextlib.contextmanager
def opened() -> Iterator[Callable[[list[str]], str]]:
    before = os.getcwd()
    with opened_warehouse(), tempfile.TemporaryDirectory(prefix="driftmeter-fuzz-") as directory:
        os.chdir(directory)
        os.environ["DRIFTMETER_DBT_PROJECT"] = str(settings.EXAMPLE_PROJECT)
        try:
            yield attempt
        finally:
            os.chdir(before)


def attempt(line: list[str]) -> str:
    """Run a command line as the console script does."""
    streams: dict[str, Any] = {
        name: io.TextIOWrapper(io.BytesIO(), "utf-8", errors)
        for name, errors in (("stdout", "strict"), ("stderr", "backslashreplace"))
    }
    code: object = 0
    signal.signal(signal.SIGALRM, _give_up)
    signal.alarm(MOST_SECONDS)
    patched = mock.patch.multiple(sys, argv=["driftmeter", *line], stdin=io.StringIO(), **streams)
    with patched, mock.patch.dict(os.environ):
        try:
            run_app()
        except SystemExit as ended:
            code = ended.code
        finally:
            signal.alarm(0)
    for stream in streams.values():
        stream.flush()
    told = streams["stderr"].buffer.getvalue().decode()
    assert "Traceback" not in told
    if code == 1:
        errors = [text for text in told.splitlines() if text.startswith("error: ")]
        assert len(errors) == 1, told
        one_line(errors[0])
        return "error"
    if code == 2:
        assert "Usage: " in told, told
        return "rejected"
    assert code in (None, 0)
    return "loaded"


def _give_up(number: int, frame: object) -> None:
    raise AssertionError(f"the command goes on for over {MOST_SECONDS} seconds")


TARGET = Target("commands", lines(), opened)
