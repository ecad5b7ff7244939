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
# Files of their own that take longest: one that begins last would be waited for.
LONG = (
    "test_batches.py", "test_hourly_batches.py", "test_multiclass_chain.py", "test_groups.py",
    "test_column_changes.py", "test_changed_policy.py", "test_any_columns.py",
    "test_faults.py", "test_init.py", "test_own_metrics.py", "test_nothing_judged.py",
    "test_held_tables.py", "test_late_trips.py", "test_cloned_project.py", "test_names_as_data.py",
    "test_days_side_by_side.py", "test_time_zones.py", "test_changed_monitors.py", "test_roles.py",
    "test_declared_id.py", "test_command_line.py", "test_embedded_postgres.py", "test_late_row.py",
    "test_turns.py", "test_labels_table.py", "test_renamed_monitor.py", "test_declared_tests.py",
    "test_measured_inputs.py", "test_metrics_schema.py", "test_bad_input.py",
    "test_ended_runs.py", "test_odd_servers.py", "test_accepted_normal.py", "test_known_days.py",
    "test_grown_reference.py", "test_tlc_files.py", "test_detection.py", "test_kept_dbt.py",
    "test_kernel.py",
)  # fmt: skip
FOLDERS = {"dashboards": "demo", "own_project": "farm"}


@functools.cache
def group_of(file: str) -> str:
    """The warehouse that a file of tests needs, by its path within the project; else the file."""
    path = TESTS.parent / file
    if path.parent.name in FOLDERS:
        return FOLDERS[path.parent.name]
    text = path.read_text()
    return next((name for name, used in BUILT_ONCE.items() if used.search(text)), file)


def place_of(file: str) -> int:
    """How soon a file is begun: built warehouses, what takes long, and all others."""
    group, built = group_of(file), list(BUILT_ONCE)
    if group in built:
        return built.index(group)
    name = Path(file).name
    return len(built) + (LONG.index(name) if name in LONG else len(LONG))


class TogetherScheduling(LoadScopeScheduling):
    """Gives each group of files to one process, in the order in which they are collected."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid.split("::", 1)[0])
