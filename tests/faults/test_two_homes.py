"""Two homes use one dbt project at once, each with a warehouse of its own."""

from pathlib import Path

import pytest

from tests.faults.two_homes import prepare_sides, run_at_once, stop


@pytest.mark.campaign
def test_two_homes_at_once_have_their_own_rows_only(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    sides = prepare_sides(tmp_path)
    try:
        assert run_at_once(sides, 1) == [0]
        # Nothing of a warehouse is kept where another would find it.
        assert not list(sides[0].project.rglob("profiles.yml"))
    finally:
        stop(sides)
