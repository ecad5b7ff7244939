"""Which source of trips a warehouse is fed from; kept, so that the Dagster UI loads from it too."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from python_metrics import settings
from python_metrics.raw.sources import Source, make_source


@dataclass(frozen=True)
class SourceChoice:
    """Options of one source, as `driftmeter run` takes them."""

    kind: str = "simulated"
    directory: str | None = None
    taxi: str | None = None
    months: str | None = None
    seed: int = 7
    trips_per_day: int = 1000

    def open(self) -> Source:
        return make_source(
            self.kind,
            directory=Path(self.directory) if self.directory else None,
            taxi=self.taxi,
            months=self.months,
            seed=self.seed,
            trips_per_day=self.trips_per_day,
            cache=settings.home() / "tlc",
        )


def chosen() -> SourceChoice:
    """The remembered choice, or the default."""
    file = settings.home() / "source.json"
    return SourceChoice(**json.loads(file.read_text())) if file.exists() else SourceChoice()


def remember(choice: SourceChoice) -> None:
    """Make a choice the one that assets load from."""
    file = settings.home() / "source.json"
    new = file.with_suffix(".new")
    new.write_text(json.dumps(asdict(choice), indent=2))
    new.rename(file)
