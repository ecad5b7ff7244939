"""Which source of trips a warehouse is fed from; kept, so that the Dagster UI loads from it too."""

import datetime as dt
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from dagster_driftmeter.dbt.reference_days import choose_reference
from driftmeter import settings
from driftmeter.monitors.config import Days
from taxi.sources import Source, make_source
from taxi.sources.tlc import months_between
from taxi.trip_labels import LabelDelay


@dataclass(frozen=True)
class SourceChoice:
    """Options of one source, as `driftmeter demo` takes them."""

    kind: str = "simulated"
    directory: str | None = None
    taxi: str | None = None
    months: str | None = None
    seed: int = 7
    trips_per_day: int = 1000
    label_delay: float = 0.0
    labels_dropped: float = 0.0

    @property
    def delay(self) -> LabelDelay:
        """When labels come."""
        return LabelDelay(self.label_delay, self.labels_dropped)

    @property
    def own_days(self) -> "OwnDays | None":
        """Days of downloaded months that stand in for those that the YAML declares."""
        return own_days(self.months) if self.kind == "tlc" and self.months else None

    def open(self, as_of: dt.date | None = None) -> Source:
        """The source, as it is on a day; None means long after."""
        return make_source(
            self.kind,
            directory=Path(self.directory) if self.directory else None,
            taxi=self.taxi,
            months=self.months,
            seed=self.seed,
            trips_per_day=self.trips_per_day,
            cache=settings.home() / "tlc",
            as_of=as_of,
        )


@dataclass(frozen=True)
class OwnDays:
    """Which days of some months train the baseline, are the reference, and are measured."""

    trained: Days
    reference: Days
    measured: Days


def own_days(months: str) -> OwnDays:
    """Split downloaded months, which need not hold the days that the YAML declares.

    The first ten days train. Of several months, the rest of the first is the reference and the
    others are measured; of a single one, the next ten days and what is left.
    """
    span = months_between(months)
    first = dt.date.fromisoformat(f"{span[0]}-01")
    last = _last_day(span[-1])
    is_one = len(span) == 1
    reference_ends = dt.date(first.year, first.month, 20) if is_one else _last_day(span[0])
    return OwnDays(
        trained=Days(**{"from": first, "to": first + dt.timedelta(days=9)}),
        reference=Days(**{"from": first + dt.timedelta(days=10), "to": reference_ends}),
        measured=Days(**{"from": reference_ends + dt.timedelta(days=1), "to": last}),
    )


def _last_day(month: str) -> dt.date:
    first = dt.date.fromisoformat(f"{month}-01")
    return (first + dt.timedelta(days=32)).replace(day=1) - dt.timedelta(days=1)


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
    # Downloaded months need not hold the reference days that the YAML declares.
    choose_reference(choice.own_days.reference if choice.own_days else None)
