"""Files that `driftmeter init` writes: all of them, or none."""

from pathlib import Path

import pytest

from dagster_driftmeter.cli.project_files import write_together


def test_whoever_ends_it_half_way_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "packages.yml").write_text("before")
    files = {
        tmp_path / "dbt_project.yml": "new",
        tmp_path / "packages.yml": "after",
        tmp_path / "models" / "scores.sql": "select 1",
        tmp_path / "models" / "scores.yml": "models: []",
    }
    write, left = Path.write_text, [3]

    def interrupted(self: Path, text: str) -> int:
        left[0] -= 1
        if not left[0]:
            raise KeyboardInterrupt
        return write(self, text)

    monkeypatch.setattr(Path, "write_text", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_together(files)
    assert [path.name for path in tmp_path.rglob("*")] == ["packages.yml"]
    assert (tmp_path / "packages.yml").read_text() == "before"
    monkeypatch.undo()
    write_together(files)
    assert {path: path.read_text() for path in files} == files
    assert len(list(tmp_path.rglob("*.*"))) == len(files)
