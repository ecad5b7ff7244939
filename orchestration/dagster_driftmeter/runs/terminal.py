"""The terminal that commands write to."""

import sys

from rich.console import Console

# A line of a table in a file or a pipe is one line, however long.
PIPED_WIDTH = 1000


def console() -> Console:
    """Standard output; only a terminal's width folds lines."""
    return Console(width=None if sys.stdout.isatty() else PIPED_WIDTH)
