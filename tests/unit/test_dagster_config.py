"""What a team adds to Dagster's instance, and what it cannot."""

from pathlib import Path

import pytest
import yaml

from dagster_driftmeter.runs.environment import _of_team
from driftmeter.errors import DriftmeterError

LAUNCHER = """\
run_launcher:
  module: dagster_k8s
  class: K8sRunLauncher
  config:
    job_namespace: monitoring
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "dagster.yaml"
    monkeypatch.setenv("DRIFTMETER_DAGSTER_CONFIG", str(path))
    return path


def test_a_launcher_of_the_team_is_added(file: Path) -> None:
    file.write_text(LAUNCHER)
    assert yaml.safe_load(_of_team()) == yaml.safe_load(LAUNCHER)


def test_without_a_file_nothing_is_added(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DRIFTMETER_DAGSTER_CONFIG", raising=False)
    assert _of_team() == ""


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "cannot be read"),
        ("run_launcher: [", "cannot be read"),
        ("storage:\n  sqlite: {}\n", "sets storage, but Driftmeter itself sets"),
        ("- a\n- b\n", "sets nothing"),
    ],
)
def test_what_cannot_be_added_is_one_line(file: Path, content: str | None, reason: str) -> None:
    if content is not None:
        file.write_text(content)
    with pytest.raises(DriftmeterError, match=reason) as refused:
        _of_team()
    assert "\n" not in str(refused.value)
