"""Documentation that leads somewhere: links of files that the site's build does not read."""

import re
import subprocess
from pathlib import Path

import pytest

from driftmeter.settings import PROJECT_ROOT

LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)\s]*)?\)")
PAGE = re.compile(r"\bdocs/[\w/-]+\.md\b")
# `make docs` checks the links between pages, with their anchors.
OUTSIDE = [
    *sorted(PROJECT_ROOT.glob("*.md")),
    *sorted((PROJECT_ROOT / "benchmarks" / "results").glob("*.md")),
    PROJECT_ROOT / "seeds" / "README.md",
    PROJECT_ROOT / "dbt_project" / "driftmeter" / "README.md",
]


@pytest.mark.parametrize("file", OUTSIDE, ids=lambda file: str(file.relative_to(PROJECT_ROOT)))
def test_a_link_leads_to_a_file(file: Path) -> None:
    links = [link for link in LINK.findall(file.read_text()) if "://" not in link]
    assert [link for link in links if not (file.parent / link).exists()] == []


def test_a_page_that_code_names_is_there() -> None:
    listing = ["git", "grep", "-hoE", r"docs/[A-Za-z0-9_/-]+\.md", "--", ":!*.md"]
    shown = subprocess.run(listing, cwd=PROJECT_ROOT, capture_output=True, text=True)
    if shown.returncode:
        pytest.skip("not a git checkout")
    pages = {page for line in shown.stdout.splitlines() for page in PAGE.findall(line)}
    assert len(pages) > 4
    assert [page for page in sorted(pages) if not (PROJECT_ROOT / page).exists()] == []


def test_the_readme_is_two_screens() -> None:
    assert len((PROJECT_ROOT / "README.md").read_text().splitlines()) <= 120
