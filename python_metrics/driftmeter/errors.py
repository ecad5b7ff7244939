"""The one exception that a user is meant to read."""

import functools
from collections.abc import Callable

# Characters of one part: what a tool says of its failure fits, a value of megabytes does not.
LONGEST = 2000
# Characters of why something failed, in a line that says more than that.
LONGEST_REASON = 200


class DriftmeterError(Exception):
    """An error that the user can correct: bad input, or something that is missing.

    Its text is one line that says what is wrong, where, and how to correct it.

    Parameters
    ----------
    what : str
        What is wrong, in plain words.
    where : str, optional
        The file, field, table or address in which it was found.
    fix : str, optional
        What the reader can do about it.
    """

    def __init__(self, what: str, *, where: str | None = None, fix: str | None = None) -> None:
        what, where, fix = printable(what), where and printable(where), fix and printable(fix)
        self.what, self.where, self.fix = what, where, fix
        line = f"{where}: {what}" if where else what
        super().__init__(f"{line}. {fix}." if fix else f"{line}.")

    def __reduce__(self) -> tuple[Callable[[], "DriftmeterError"], tuple[()]]:
        # By its parts: by its text it would get a second full stop on the way from a worker.
        return functools.partial(type(self), self.what, where=self.where, fix=self.fix), ()


def printable(text: str, longest: int = LONGEST) -> str:
    """Text from elsewhere as one line that a terminal only shows, shortened in its middle.

    Parameters
    ----------
    longest : int
        Characters to keep.
    """
    shown = spelled(text)
    if len(shown) <= longest:
        return shown
    half = longest // 2
    return f"{shown[:half]} ... {shown[-half:]}"


def spelled(text: str, kept: str = "") -> str:
    """Text in which a character that is not to be seen is spelled out.

    A terminal obeys some of them: they move what is there, or change what is read.

    Parameters
    ----------
    kept : str
        Characters that stay as they are all the same.
    """
    if text.isprintable():
        return text
    return "".join(
        letter
        if letter.isprintable() or letter in kept
        else letter.encode("unicode_escape").decode()
        for letter in text
    )


def reason_of(error: BaseException) -> str:
    """Why something failed, in one clause: of Postgres's errors what it said, not the statement."""
    if isinstance(error, DriftmeterError):
        return error.what
    cause = getattr(error, "orig", None) or error
    lines = str(cause).strip().splitlines() or [""]
    return printable(f"{type(cause).__name__}: {lines[0]}".rstrip(": "), LONGEST_REASON)
