"""The terminal that commands write to: what names, values and sentences hold is text there."""

import json
import sys
from typing import TYPE_CHECKING, Any

from driftmeter.errors import spelled

if TYPE_CHECKING:
    from rich.console import Console

# A line of a table in a file or a pipe is one line, however long.
PIPED_WIDTH = 1000
# A sentence may have lines; what else is not to be seen a terminal could obey.
LAYOUT = "\n\t"


def say(text: object = "", *, err: bool = False) -> None:
    """Print text whose characters a terminal only shows, on standard output or standard error."""
    print(spelled(str(text), LAYOUT), file=sys.stderr if err else sys.stdout, flush=True)


def say_json(content: object) -> None:
    """Print JSON for programs, in which a terminal obeys no character."""
    # `dumps` escapes all of them but this one.
    say(json.dumps(content, default=str, indent=2).replace("\x7f", "\\u007f"))


def console() -> "Console":
    """Standard output; only a terminal's width folds lines.

    A text is shown as it is: marks of style, ``[bold]``, are read only where ``markup=True`` is
    given, and a control character is spelled out.
    """
    # Most commands print plain lines, and rich takes longer to import than some of them to run.
    from rich.console import Console

    class PlainText(Console):
        def render_str(self, text: str, **options: Any) -> Any:
            return super().render_str(spelled(text, LAYOUT), **options)

    width = None if sys.stdout.isatty() else PIPED_WIDTH
    return PlainText(width=width, markup=False, emoji=False)
