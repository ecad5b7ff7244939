"""A library of JavaScript that draws pages, as one file beside all of them.

Such a library has four megabytes, where a page has half of one.
"""

import os
import re
from pathlib import Path

# What `write_library` calls its files; no slash, no dot but before numbers and the ending.
LIBRARY = re.compile(r"(evidently|plotly)-[0-9A-Za-z.]{1,40}\.js")


def write_library(directory: Path, name: str, version: str, text: str) -> str:
    """Write a library into the directory of a page, if it is not there; gives the file's name."""
    file = directory / f"{name}-{version}.js"
    # A file that was cut off is another size.
    if not file.is_file() or file.stat().st_size != len(text.encode()):
        # Another process may be writing the same file.
        new = file.with_suffix(f".{os.getpid()}.new")
        new.write_bytes(text.encode())
        new.rename(file)
    return file.name


def what_is_missing(library: str) -> str:
    """What a page says where its library does not stand beside it."""
    return f"If charts are missing here, copy {library} from the reports' folder to this page's."
