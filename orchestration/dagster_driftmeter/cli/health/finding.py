"""The result of a check of one part of Driftmeter."""

from dataclasses import dataclass
from typing import Literal

from driftmeter.errors import DriftmeterError

State = Literal["ok", "warning", "failure"]


@dataclass(frozen=True)
class Finding:
    """The result of a check of one part.

    Attributes
    ----------
    part : str
        ``warehouse``, ``dbt project``, a monitor ...
    state : {'ok', 'warning', 'failure'}
        After a failure days are not measured, or not as declared.
    shows : str
        What was seen.
    fix : str
        What to do about it; empty where all is well.
    """

    part: str
    state: State
    shows: str
    fix: str = ""


def ok(part: str, shows: str) -> Finding:
    """A part that works."""
    return Finding(part, "ok", shows)


def warning(part: str, shows: str, fix: str) -> Finding:
    """A part that works, and soon may not."""
    return Finding(part, "warning", shows, fix)


def failure(part: str, shows: str, fix: str) -> Finding:
    """A part that does not work."""
    return Finding(part, "failure", shows, fix)


def failure_of(part: str, error: DriftmeterError) -> Finding:
    """A part that says itself what is wrong with it, and what to do."""
    where = f"{error.where}: " if error.where else ""
    return failure(part, f"{where}{error.what}", error.fix or "")
