"""Packages that a dbt project declares, Driftmeter's own among them."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from dagster_driftmeter.dbt.project_file import read_project
from driftmeter import settings
from driftmeter.errors import DriftmeterError
from driftmeter.warehouse.locks import one_at_a_time

DBT = Path(sys.executable).parent / "dbt"
# dbt too, quicker where `dagster_driftmeter.dbt.server` keeps a process for it.
KEPT_DBT = Path(sys.executable).parent / "driftmeter-dbt"
# Where dbt writes within a project, whatever DBT_TARGET_PATH says of runs.
TARGET = "target"
# Files that declare packages; dbt reads them in either.
DECLARING = ("packages.yml", "dependencies.yml")


@contextmanager
def project_lock() -> Iterator[None]:
    """Hold the dbt project: two processes that write its packages or manifest mix them up."""
    target = settings.dbt_project_dir() / TARGET
    target.mkdir(exist_ok=True)
    with one_at_a_time(target / "driftmeter.lock"):
        yield


def installed_packages() -> Path:
    """Directory of the dbt project that dbt installs packages into."""
    directory = settings.dbt_project_dir()
    declared = read_project(directory)
    return directory / str(declared.get("packages-install-path", "dbt_packages"))


def ensure_packages() -> None:
    """Install the packages that the project declares, if none is installed or one has moved."""
    link_package()
    directory = settings.dbt_project_dir()
    declares = any((directory / name).exists() for name in DECLARING)
    if declares and not _are_installed():
        with project_lock():
            if not _are_installed():
                install_packages()


def install_packages() -> None:
    """Install the packages that the project declares.

    Raises
    ------
    DriftmeterError
        If dbt cannot install them; carries dbt's own words.
    """
    link_package()
    refused = words_of_failure("deps")
    if refused is not None:
        raise DriftmeterError(
            f"dbt cannot install the project's packages ({refused})",
            where=str(settings.dbt_project_dir()),
            fix="correct packages.yml, then run `dbt deps` there",
        )


def link_package() -> None:
    """Let the project's link to Driftmeter's dbt package lead to where that is on this machine.

    A project that is committed is used on machines that have Driftmeter elsewhere, so that
    packages.yml names the link, and each command makes it. A project that names the package in
    another way is left alone.

    Raises
    ------
    DriftmeterError
        If the link cannot be made.
    """
    if not settings.has_project():
        return
    directory = settings.dbt_project_dir()
    files = [directory / name for name in DECLARING if (directory / name).is_file()]
    if not any(settings.PACKAGE_LINK in file.read_text(errors="replace") for file in files):
        return
    link = directory / settings.PACKAGE_LINK
    if link.is_symlink() and os.readlink(link) == str(settings.DBT_PACKAGE):
        return
    new = link.with_name(f"{link.name}.{os.getpid()}")
    try:
        make_kept(link.parent)
        new.symlink_to(settings.DBT_PACKAGE)
        # Another command may read the one that is there.
        os.replace(new, link)
    except OSError as error:
        with suppress(OSError):
            new.unlink()
        raise DriftmeterError(
            f"the link to Driftmeter's dbt package cannot be made ({error.strerror})",
            where=str(link),
            fix="let this user write in the project's directory",
        ) from error


def make_kept(directory: Path) -> None:
    """Make a directory of what Driftmeter keeps on a machine; its own is left out by git."""
    settings.make_private(directory)
    ignored = directory / ".gitignore"
    # Another, which a variable names, may hold more.
    if directory.name == settings.KEPT and not ignored.exists():
        ignored.write_text("# Made on this machine, and partly secret.\n*\n")


def _are_installed() -> bool:
    """Whether packages are there; a link of dbt's to a directory that has moved is none."""
    installed = installed_packages()
    return installed.is_dir() and all(package.exists() for package in installed.iterdir())


def words_of_failure(command: str, **environment: str) -> str | None:
    """Run a command of dbt in the project; what it says where it fails, on one line, else None."""
    ended = subprocess.run(
        [str(DBT), "--quiet", "--no-use-colors", command],
        cwd=settings.dbt_project_dir(),
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )
    return " ".join((ended.stdout + ended.stderr).split()) if ended.returncode else None
