"""Parts of Evidently that are replaced in a page or while it is drawn: no setting exists.

``column_statistics.distribution`` and ``ValueDriftCalculation._render`` draw; ``dashboard`` writes
the page's values through its name ``NumpyEncoder``, and its library from ``STATIC_PATH``.
tests/unit/test_report_page.py fails where a release of Evidently names them otherwise, or no
longer goes through them.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import evidently
from evidently.core.datasets import DatasetColumn
from evidently.legacy.utils import dashboard
from evidently.metrics import column_statistics

from driftmeter.reports.library_file import what_is_missing, write_library
from driftmeter.reports.safe_page import for_script


@contextmanager
def drawn_once() -> Iterator[None]:
    """Draw what the page shows, and that once.

    Evidently draws the distribution of a column again for each of its statistics, of which the
    page shows one, and for its drift, which the page shows in a table that draws its own.
    """
    draw = column_statistics.distribution
    render = column_statistics.ValueDriftCalculation._render
    drawn: dict[int, tuple[object, object]] = {}

    def draw_once(title: str, current: DatasetColumn, reference: DatasetColumn) -> object:
        data = current.data
        if id(data) not in drawn:
            # With its data, whose place in memory no other column takes meanwhile.
            drawn[id(data)] = draw(title, current, reference), data
        return drawn[id(data)][0]

    column_statistics.distribution = draw_once
    column_statistics.ValueDriftCalculation._render = lambda *_: []
    try:
        yield
    finally:
        column_statistics.distribution = draw
        column_statistics.ValueDriftCalculation._render = render


@contextmanager
def values_for_a_script() -> Iterator[None]:
    """Have Evidently write the values in its page's scripts so that none of them ends the script.

    It writes them as JSON and no more: a category with a tag in it would be an element.
    """
    encoder = dashboard.NumpyEncoder

    class ForScript(encoder):  # type: ignore[misc,valid-type]
        def encode(self, o: object) -> str:
            return for_script(super().encode(o))

    dashboard.NumpyEncoder = ForScript
    try:
        yield
    finally:
        dashboard.NumpyEncoder = encoder


def with_library_beside(page: str, directory: Path) -> str:
    """The page with a reference to its library, which is written into the page's directory.

    Evidently writes it into each page. Where another release of Evidently writes the library
    otherwise, the page keeps it.
    """
    text = (Path(dashboard.STATIC_PATH) / "index.js").read_text(encoding="utf-8")
    inline = f"<script>{text}</script>"
    if inline not in page:
        return page
    name = write_library(directory, "evidently", evidently.__version__, text)
    page = page.replace(inline, f'<script src="{name}"></script>')
    # The library replaces this text by what it draws.
    return re.sub(r'(<div id="root_[^"]*">)', rf"\1{what_is_missing(name)}", page, count=1)
