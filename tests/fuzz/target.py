"""What is fuzzed: cases, and what has to be true of every one of them."""

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, given, seed, settings
from hypothesis.strategies import SearchStrategy

from driftmeter.errors import DriftmeterError

# How a case may end. Whatever else happens is a fault.
OUTCOMES = ("loaded", "rejected", "error")


@dataclass
class Target:
    """One way into Driftmeter.

    Attributes
    ----------
    name : str
    cases : SearchStrategy
        Of inputs.
    opened : callable
        A context in which cases are tried: yields a function from a case to its outcome, one of
        `OUTCOMES`. An AssertionError or any other exception than a DriftmeterError is a fault.
    outcomes : Counter
        Cases tried so far, by how they ended.
    """

    name: str
    cases: SearchStrategy[Any]
    opened: Callable[[], "contextlib.AbstractContextManager[Callable[[Any], str]]"]
    outcomes: Counter[str] = field(default_factory=Counter)

    def property(self, attempt: Callable[[Any], str], runs: int, start: int) -> Callable[[], None]:
        """Every case ends in one of the outcomes, as a property that hypothesis tries.

        Parameters
        ----------
        attempt : callable
            As `opened` yields it.
        runs : int
            Cases to try.
        start : int
            Seed.
        """

        @seed(start)
        @settings(
            max_examples=runs,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(self.cases)
        def ends_well(case: Any) -> None:
            self.outcomes[outcome_of(attempt, case)] += 1

        return ends_well


def outcome_of(attempt: Callable[[Any], str], case: Any) -> str:
    """How a case ended."""
    try:
        ended = attempt(case)
    except DriftmeterError as error:
        one_line(str(error))
        return "error"
    assert ended in OUTCOMES
    return ended


def one_line(text: str) -> None:
    """An error that a person reads is one line of text that a terminal can show."""
    assert text.strip()
    assert text.isprintable(), text
    assert "Traceback" not in text


@contextlib.contextmanager
def nothing_around(attempt: Callable[[Any], str]) -> Iterator[Callable[[Any], str]]:
    """Cases that need nothing around them."""
    yield attempt
