"""A project that `init` made, committed, and cloned to a machine that has Driftmeter elsewhere."""

import os
import re
import shutil
import subprocess
import uuid
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa

from dagster_driftmeter.dbt.packages import make_kept
from driftmeter import settings
from driftmeter.warehouse import connection
from tests.conftest import create_database
from tests.integration.test_init import LOANS
from tests.programs import DRIFTMETER, FOLDER, run_program

DAYS = ("--from", "2026-01-30", "--to", "2026-01-31")
# What ends by itself and asks for no service.
MONITOR = ("--monitor", "loan_scores")
REFUSED = (("fly",), ("judge", *MONITOR), ("notify",))
COMMANDS = (
    *REFUSED,
    ("url",),
    ("status", "--json"),
    ("incidents", "--all"),
    ("judge", *MONITOR, *DAYS),
    ("power", *MONITOR, "--json"),
)


@dataclass(frozen=True)
class Clone:
    """A project's directory in a warehouse, with nothing in it but what was committed."""

    directory: Path
    url: str

    def environment(self, **more: str) -> dict[str, str]:
        kept = {**os.environ, "DRIFTMETER_DATABASE_URL": self.url, **more}
        for name in (settings.HOME, settings.PROJECT):
            kept.pop(name, None)
        return kept

    def ended(self, program: str, *words: str, **more: str) -> "subprocess.CompletedProcess[str]":
        """In a process that Python starts, with its imports, as on a team's machine."""
        return subprocess.run(
            [str(FOLDER / program), *words],
            cwd=self.directory,
            env=self.environment(**more),
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        )

    def says(self, program: str, *words: str, **more: str) -> str:
        ended = self.ended(program, *words, **more)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout


def git(directory: Path, *words: str) -> str:
    who = ["-c", "user.name=team", "-c", "user.email=team@example.org"]
    done = subprocess.run(
        ["git", *who, *words], cwd=directory, check=True, capture_output=True, text=True
    )
    return done.stdout


@pytest.fixture(scope="module")
def clone(postgres: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """What a colleague clones; the project that it was committed in is gone."""
    name = f"cloned_{uuid.uuid4().hex[:8]}"
    create_database(postgres, name, template)
    url = f"{postgres}/{name}"
    with connection.engine(url).begin() as session:
        session.exec_driver_sql(LOANS.replace("%", "%%"))
    root = tmp_path_factory.mktemp("machines")
    first = Clone(root / "first", url)
    first.directory.mkdir()
    (first.directory / ".gitignore").write_text("*.swp\n")
    first.says("driftmeter", "init", "--table", "public.loan_scores", "--yes")
    git(first.directory, "init", "--quiet")
    git(first.directory, "add", "--all")
    git(first.directory, "commit", "--quiet", "--message", "monitor")
    git(root, "clone", "--quiet", "first", "elsewhere")
    shutil.rmtree(first.directory)
    return Clone(root / "elsewhere", url)


def test_nothing_of_the_machine_is_committed(clone: Clone) -> None:
    assert set(git(clone.directory, "ls-files").split()) == {
        ".gitignore",
        "dbt_project.yml",
        "models/loan_scores.sql",
        "models/loan_scores.yml",
        "package-lock.yml",
        "packages.yml",
    }
    for name in git(clone.directory, "ls-files").split():
        text = (clone.directory / name).read_text()
        assert str(settings.PROJECT_ROOT) not in text, name
        assert str(clone.directory.parent) not in text, name


def test_a_clone_is_measured_and_dbt_alone_works_in_it(clone: Clone) -> None:
    clone.says("driftmeter-dbt", "deps")
    assert "# a link that" in (clone.directory / "packages.yml").read_text()
    (profile,) = clone.directory.glob(".driftmeter/profiles/*")
    clone.says("dbt", "deps", DBT_PROFILES_DIR=str(profile))
    clone.says("dbt", "run", DBT_PROFILES_DIR=str(profile))
    clone.says("driftmeter", "run", "--workers", "1", *DAYS)
    with connection.engine(clone.url).connect() as session:
        days = session.scalars(sa.text("select partition_date from metrics.partitions"))
        assert {str(day) for day in days} >= {"2026-01-30", "2026-01-31"}
    assert git(clone.directory, "status", "--porcelain") == ""


def test_a_command_says_in_a_process_of_its_own_what_it_says_in_a_fork(clone: Clone) -> None:
    """Other tests run it in a fork, whose imports were made before."""
    environment = clone.environment()
    for words in COMMANDS:
        forked = run_program(DRIFTMETER, *words, directory=clone.directory, environment=environment)
        ended = clone.ended("driftmeter", *words)
        own, other = map(told, (ended, forked))
        assert own == other, words
        assert (own[0] != 0) == (words in REFUSED), own


def told(ended: "subprocess.CompletedProcess[str]") -> tuple[int, str, list[str]]:
    """How a command ended, with what it said; the seconds of its progress are others each time."""
    errors = [line for line in ended.stderr.splitlines() if not re.search(r"\d+/\d+ .* s", line)]
    return ended.returncode, ended.stdout, errors


def test_a_home_of_another_name_may_hold_more_and_is_left_to_git(tmp_path: Path) -> None:
    for name, is_left_out in ((settings.KEPT, True), ("work", False)):
        make_kept(tmp_path / name)
        assert (tmp_path / name / ".gitignore").exists() == is_left_out


def test_a_directory_that_was_moved_and_a_driftmeter_elsewhere_are_found(clone: Clone) -> None:
    """Copied with all that is not committed: links of dbt's and of ours lead nowhere."""
    clone.says("driftmeter", "up")
    moved = Clone(clone.directory.with_name("moved"), clone.url)
    shutil.copytree(clone.directory, moved.directory, symlinks=True)
    aside = clone.directory.with_name("aside")
    clone.directory.rename(aside)
    try:
        link = moved.directory / settings.PACKAGE_LINK
        link.unlink()
        link.symlink_to(moved.directory / "no" / "such" / "place")
        moved.says("driftmeter", "up")
        package = moved.directory / "dbt_packages" / "driftmeter"
        assert package.resolve() == link.resolve() == settings.DBT_PACKAGE
    finally:
        aside.rename(clone.directory)


def test_a_project_that_nobody_may_write_in_is_refused_in_one_line(clone: Clone) -> None:
    link = clone.directory / settings.PACKAGE_LINK
    shutil.rmtree(link.parent)
    link.parent.write_text("no directory")
    try:
        refused = clone.ended("driftmeter-dbt", "deps", DBT_PROFILES_DIR=str(clone.directory))
    finally:
        link.parent.unlink()
    assert refused.returncode == 2
    assert refused.stderr.startswith(f"error: {link}: the link to Driftmeter's dbt package")
    assert len(refused.stderr.splitlines()) == 1
