"""Evidently's drawing library, kept once beside the pages that are drawn with it.

Evidently writes its library of 3.5 MB into each page, which holds some 100 kB beside it.
"""

import os
import re
from pathlib import Path

import evidently
from evidently.legacy.utils.dashboard import STATIC_PATH


def with_library_beside(page: str, directory: Path) -> str:
    """The page with a reference to its library, which is written into the page's directory.

    Where another release of Evidently writes the library otherwise, the page keeps it.
    """
    text = (Path(STATIC_PATH) / "index.js").read_text(encoding="utf-8")
    name = f"evidently-{evidently.__version__}.js"
    inline = f"<script>{text}</script>"
    if inline not in page:
        return page
    file = directory / name
    # A file that was cut off is another size.
    if not file.is_file() or file.stat().st_size != len(text.encode()):
        new = file.with_suffix(f".{os.getpid()}.new")
        new.write_text(text, encoding="utf-8")
        new.rename(file)
    page = page.replace(inline, f'<script src="{name}"></script>')
    # The library replaces this text by what it draws.
    return re.sub(
        r'(<div id="root_[^"]*">)',
        rf"\1If nothing is drawn here, copy {name} from the folder of the reports to this page's.",
        page,
        count=1,
    )
