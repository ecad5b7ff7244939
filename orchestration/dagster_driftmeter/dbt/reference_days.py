"""Reference days that replace, on this machine, those that every daily monitor declares."""

import json

from driftmeter import settings
from driftmeter.monitors.config import Days


def chosen_reference() -> Days | None:
    """The days that were chosen in place of the declared ones, or None."""
    file = settings.home() / "reference_days.json"
    return Days(**json.loads(file.read_text())) if file.exists() else None


def choose_reference(days: Days | None) -> None:
    """Let these days be the reference of daily monitors; None leaves it to their YAML."""
    file = settings.home() / "reference_days.json"
    if days is None:
        file.unlink(missing_ok=True)
        return
    new = file.with_suffix(".new")
    new.write_text(days.model_dump_json(by_alias=True))
    new.rename(file)
