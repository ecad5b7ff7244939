"""How tests are shared out among processes: whole files, and together what one fixture builds."""

import functools
import re
from pathlib import Path

from xdist.scheduler import LoadScopeScheduling

TESTS = Path(__file__).parent
# Warehouses that take a minute to build, once in each process that needs one; those first whose
# tests take longest.
BUILT_ONCE = {
    "built": re.compile(r"\bchain: Chain"),
    "demo": re.compile(r"\bdemo: sa\.Engine"),
    "farm": re.compile(r"\bfarm: Farm"),
}
FOLDERS = {"dashboards": "demo", "own_project": "farm"}


@functools.cache
def group_of(file: str) -> str:
    """The warehouse that a file of tests needs, by its path within the project; else the file."""
    path = TESTS.parent / file
    if path.parent.name in FOLDERS:
        return FOLDERS[path.parent.name]
    text = path.read_text()
    return next((name for name, used in BUILT_ONCE.items() if used.search(text)), file)


class TogetherScheduling(LoadScopeScheduling):
    """Gives each group of files to one process, in the order in which they are collected."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid.split("::", 1)[0])
