"""How long work is shown where nobody watches a terminal."""

import pytest
from rich.console import Console

from dagster_driftmeter.runs import progress
from dagster_driftmeter.runs.progress import Bars, Lines, State, spinner, track


@pytest.fixture(autouse=True)
def lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress._shown, "display", Lines().show)


def test_work_that_is_done_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(track("drift, trips", ["a", "b"])) == ["a", "b"]
    with spinner("dbt, 2 days"):
        pass
    words = [line.split("  ") for line in capsys.readouterr().err.splitlines()]
    assert [(line[0], line[-1].split()[-1]) for line in words] == [
        ("drift, trips", "s"),
        ("dbt, 2 days", "s"),
    ]


def test_a_label_is_text_on_a_terminal_too(capsys: pytest.CaptureFixture[str]) -> None:
    with spinner("drift, [bold]x\x1b[31m"):
        pass
    assert capsys.readouterr().err.startswith("drift, [bold]x\\x1b[31m ")
    console = Console(force_terminal=True, color_system=None)
    Bars(console).show(State("drift, [bold]x", 1, 1, is_over=True))
    assert "drift, [bold]x" in capsys.readouterr().out


def test_long_work_has_a_line_now_and_then(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = iter([0.0, 9.0, 12.0, 15.0, 23.0, 24.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(seconds))
    display = Lines()
    for done in range(5):
        display.show(State("drift", done, 5))
    display.show(State("drift", 5, 5, is_over=True))
    told = [" ".join(line.split()) for line in capsys.readouterr().err.splitlines()]
    assert told == ["drift 2/5 12 s, running", "drift 4/5 23 s, running", "drift 5/5 24 s"]


def test_work_that_failed_is_shown_as_far_as_it_came(capsys: pytest.CaptureFixture[str]) -> None:
    steps = track("drift", [1, 2, 3])
    next(steps)
    next(steps)
    steps.close()
    assert "1/3" in capsys.readouterr().err
