"""Reads the few settings of `dbt_project.yml` that Driftmeter needs itself."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from driftmeter.errors import DriftmeterError

NAME = "dbt_project.yml"


def read_project(directory: Path) -> Mapping[str, Any]:
    """Keys of the project's file; none where there is no file.

    Raises
    ------
    DriftmeterError
        If it cannot be read, or holds no keys.
    """
    file = directory / NAME
    try:
        declared = yaml.safe_load(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise DriftmeterError(
            f"cannot be read as YAML ({' '.join(str(error).split())})",
            where=str(file),
            fix="correct it first",
        ) from error
    if not isinstance(declared, dict):
        raise DriftmeterError("holds no keys", where=str(file), fix="write the project's name: ...")
    return declared
