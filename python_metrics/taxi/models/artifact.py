"""Model files: written whole, and read only while their hash is the one on record."""

import hashlib
import io
from pathlib import Path

import joblib
from sklearn.base import BaseEstimator

from driftmeter.errors import DriftmeterError

RETRAIN = "train it again: materialize raw/baseline_models in Dagster"


def save(estimator: BaseEstimator, path: Path) -> str:
    """Write an estimator so that a reader sees the old file or the new one; gives its sha256."""
    block = io.BytesIO()
    joblib.dump(estimator, block)
    content = block.getvalue()
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    new.write_bytes(content)
    new.rename(path)
    return hashlib.sha256(content).hexdigest()


def load(path: Path, sha256: str) -> BaseEstimator:
    """Read an estimator.

    Raises
    ------
    DriftmeterError
        If the file is gone or its hash is not `sha256`. A model file is code: it is checked
        before any of it runs.
    """
    if not path.exists():
        raise DriftmeterError("the model file is gone", where=str(path), fix=RETRAIN)
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != sha256:
        raise DriftmeterError(
            "the model file is not the one that was trained (its sha256 differs from "
            "metrics.model_versions)",
            where=str(path),
            fix=RETRAIN,
        )
    return joblib.load(io.BytesIO(content))
