"""Removes from the image's packages what no service reads; run once, as the image is built.

What a package needs to be imported stays, and so does its licence. A pattern that matches nothing
is an error, so that the list stays true.
"""

import shutil
import site
import sys
from pathlib import Path

PATTERNS = [
    # Tests of packages; Evidently's and dbt's folders of that name are no tests, and stay.
    *(f"{name}/**/tests" for name in ("networkx", "numpy", "scipy", "sklearn", "statsmodels")),
    "pandas/tests",
    "pyarrow/tests",
    "statsmodels/datasets/**/*.csv",
    # For compiling against Arrow, and its network service.
    "pyarrow/include",
    "pyarrow/*_flight*",
    "pyarrow/flight.py",
    # For debugging Dagster's pages, and for notebooks.
    "dagster_webserver/webapp/**/*.map",
    "jupyterlab_plotly",
]


def main(packages: Path) -> int:
    """Remove; gives the number of bytes."""
    removed = 0
    for pattern in PATTERNS:
        matches = list(packages.glob(pattern))
        if not matches:
            sys.exit(f"error: {pattern} is in no package: take it off docker/slim.py")
        for path in matches:
            if path.is_dir():
                removed += sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
                shutil.rmtree(path)
            elif path.exists():
                removed += path.stat().st_size
                path.unlink()
    return removed


if __name__ == "__main__":
    print(f"removed {main(Path(site.getsitepackages()[0])) / 1e6:.0f} MB")
