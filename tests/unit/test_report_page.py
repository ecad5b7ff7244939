"""A report's page: the shortcuts of its drawing change nothing that it shows."""

import re
from contextlib import nullcontext
from pathlib import Path

import pytest

from driftmeter.monitors.config import Monitor
from driftmeter.reports import page
from driftmeter.reports.library_file import LIBRARY
from tests.unit.test_declared_tests import monitor, rows

# They differ between two pages, and with them the hashes of the scripts that name them.
IDS = re.compile(r"[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}|'sha256-[^']+'( 'sha256-[^']+')*")


def drawn(declared: Monitor, path: Path) -> str:
    reference, day = rows(count=600), rows(count=200)
    page.write_page(declared, reference, day, {"Day": "one"}, [], list(declared.columns), path)
    return IDS.sub("id", path.read_text())


def test_a_page_shows_what_evidently_draws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    declared = monitor([])
    drawn_once = drawn(declared, tmp_path / "once.html")
    monkeypatch.setattr(page, "drawn_once", nullcontext)
    by_evidently = drawn(declared, tmp_path / "evidently.html")
    assert all(name in by_evidently for name in ("miles", "payment", "K-S p_value"))
    assert drawn_once == by_evidently


def test_a_page_is_small_and_its_library_stands_beside_it_once(tmp_path: Path) -> None:
    declared = monitor([])
    for name in ("one.html", "two.html"):
        drawn(declared, tmp_path / name)
        assert (tmp_path / name).stat().st_size < 1_000_000
    (library,) = tmp_path.glob("*.js")
    assert LIBRARY.fullmatch(library.name)
    assert f'<script src="{library.name}"></script>' in (tmp_path / "one.html").read_text()
    assert "drawDashboard" in library.read_text()
    # A copy that was cut off is written again.
    library.write_text("half")
    drawn(declared, tmp_path / "one.html")
    assert library.stat().st_size > 1_000_000


def test_evidently_is_itself_again_after_a_page(tmp_path: Path) -> None:
    from evidently.metrics import column_statistics

    draw = column_statistics.distribution
    drawn(monitor([]), tmp_path / "page.html")
    assert column_statistics.distribution is draw


@pytest.mark.parametrize("missing", [20, 180])
def test_labels_that_are_missing_leave_out_errors_and_nothing_else(
    tmp_path: Path, missing: int
) -> None:
    declared = monitor([], "classification")
    reference, day = rows("classification", 600), rows("classification", 200)
    day["actual"] = day["actual"].where(day.index >= missing, None)
    path = tmp_path / "page.html"
    page.write_page(declared, reference, day, {}, [], list(declared.columns), path)
    text = path.read_text()
    header = text[text.index("<header") : text.index("</header>")]
    assert "errors" in header
    assert all(name in text for name in ("miles", "payment", "predicted"))
    assert "Classification Model Performance" not in text
