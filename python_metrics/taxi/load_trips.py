"""Swaps one day of raw trips in one transaction, and accounts for every row that was read."""

import datetime as dt
import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa
import sqlalchemy as sa

from driftmeter.arrival.changed_days import mark_days_stale
from driftmeter.warehouse.copy import copy_in
from driftmeter.warehouse.turn import alone
from taxi.sources.base import Batch, Source
from taxi.trip_labels import EVERY_LABEL, LabelDelay, take_labels

# What the last load wrote of a day, which is forgotten; an earlier version kept no fingerprint.
FORGET = sa.text(
    "with accounts as (delete from raw.loads where partition_date = :day returning *),"
    " rejected as (delete from raw.rejected_trips where partition_date = :day)"
    " select coalesce(sum(loaded), 0)::bigint as trips, min(fingerprint) as fingerprint"
    " from accounts"
)
NO_TRIPS = hashlib.sha256().hexdigest()
DELETE_TRIPS = sa.text("delete from raw.trips where partition_date = :day")
LOADS = pa.schema(
    [
        ("partition_date", pa.date32()),
        ("source_file", pa.string()),
        ("source", pa.string()),
        ("state", pa.string()),
        ("read", pa.int64()),
        ("loaded", pa.int64()),
        ("rejected", pa.int64()),
        ("rejected_by_reason", pa.string()),
        ("fingerprint", pa.string()),
    ]
)


@dataclass(frozen=True)
class LoadResult:
    """What one load did.

    Attributes
    ----------
    state : {'loaded', 'empty', 'missing'}
        ``missing`` if the source does not have the day, ``empty`` if it does and it has no row.
    changed : bool
        Whether the day's trips differ from those that were there.
    """

    day: dt.date
    state: str
    read: int
    loaded: int
    rejected: int
    changed: bool


def load_day(
    engine: sa.Engine,
    source: Source,
    day: dt.date,
    delay: LabelDelay = LabelDelay(),  # noqa: B008
    taken_on: dt.date = EVERY_LABEL,
    monitors: Iterable[str] = (),
) -> LoadResult:
    """Replace a day's raw trips by what the source has, and take in the labels that have landed.

    The source is read before anything is deleted, and all is written in one transaction: a bad
    file or a crash leaves the old day. If the day's trips changed, exactly its partitions of
    these monitors become stale.

    Parameters
    ----------
    delay : LabelDelay
        When labels come; with their rows by default.
    taken_on : datetime.date
        Labels that land later are not there yet.
    monitors : iterable of str
        Monitors whose inference tables are made of these trips.

    Raises
    ------
    DriftmeterError
        If the source's file is unusable.
    """
    batch = source.read_day(day)
    key = {"day": day}
    with engine.begin() as connection:
        alone(connection, f"raw trips {day}")
        before = connection.execute(FORGET, key).one()
        gone = connection.execute(DELETE_TRIPS, key).rowcount
        fingerprint = hashlib.sha256()
        if batch is not None:
            copy_in(connection, "raw.trips", by_id(batch.trips), fingerprint.update)
            copy_in(connection, "raw.rejected_trips", batch.rejected)
            _record_files(connection, source, batch)
            late = delay.late_labels(day, batch.trips["trip_id"])
            take_labels(connection, day, late, taken_on)
        loads = _loads(source, day, batch, fingerprint.hexdigest())
        copy_in(connection, "raw.loads", loads)
        # Trips that somebody else took away are a change too.
        changed = gone != before.trips or fingerprint.hexdigest() != (
            before.fingerprint if before.trips else NO_TRIPS
        )
        if changed:
            loaded = batch.trips.num_rows if batch else 0
            mark_days_stale(connection, monitors, [day], _change_of(loaded - gone, before))
    totals = loads.to_pydict()
    return LoadResult(
        day=day,
        state=totals["state"][0],
        read=sum(totals["read"]),
        loaded=sum(totals["loaded"]),
        rejected=sum(totals["rejected"]),
        changed=changed,
    )


def days_with_late_trips(engine: sa.Engine, source: Source, today: dt.date) -> list[dt.date]:
    """Days that were loaded from this source before their late trips came, which are there by now.

    Parameters
    ----------
    today : datetime.date
        The newest day that was loaded: the data's own clock.
    """
    query = sa.text(
        "select distinct partition_date, taken_on"
        " from raw.labels_taken join raw.loads using (partition_date)"
        " where source = :source and partition_date = any(:days)"
    )
    arrivals = source.late_arrivals()
    with engine.connect() as connection:
        loaded = connection.execute(query, {"source": source.signature, "days": list(arrivals)})
        return sorted(day for day, taken_on in loaded if taken_on < arrivals[day] <= today)


def by_id(trips: pa.Table) -> pa.Table:
    """Trips in the order of their ids, by which their fingerprint does not depend on any other."""
    ids = trips["trip_id"].to_numpy()
    return trips if (ids[1:] >= ids[:-1]).all() else trips.sort_by("trip_id")


def _change_of(more: int, before: sa.Row[tuple[int, str | None]]) -> str:
    """What changed of a day that now has so many trips more."""
    if more > 0:
        return f"{more:,} trip{'s' if more > 1 else ''} came late, after the day was measured"
    if more < 0:
        return f"{-more:,} trip{'s' if more < -1 else ''} vanished after the day was measured"
    if before.fingerprint is None:
        return "the day was loaded again, and nothing says what it held before"
    return "trips changed after the day was measured"


def _loads(source: Source, day: dt.date, batch: Batch | None, fingerprint: str) -> pa.Table:
    """One row a file that held rows of the day; one in all for a day without any."""
    common = {"partition_date": day, "source": source.signature, "fingerprint": fingerprint}
    nothing = {"read": 0, "loaded": 0, "rejected": 0, "rejected_by_reason": "{}"}
    if batch is None:
        return pa.Table.from_pylist(
            [{**common, **nothing, "source_file": "", "state": "missing"}], schema=LOADS
        )
    loaded, rejected = _counts(batch.trips), _counts(batch.rejected)
    rows = [
        {
            **common,
            "source_file": file.name,
            "state": "loaded",
            "read": loaded[file.name] + rejected[file.name],
            "loaded": loaded[file.name],
            "rejected": rejected[file.name],
            "rejected_by_reason": json.dumps(_reasons(batch, file.name)),
        }
        for file in batch.files
        if loaded[file.name] + rejected[file.name]
    ]
    if not rows:
        own = batch.files[0].name
        rows = [{**common, **nothing, "source_file": own, "state": "empty"}]
    return pa.Table.from_pylist(rows, schema=LOADS)


def _counts(rows: pa.Table) -> Counter[str]:
    """Rows of each file."""
    counted = rows["source_file"].value_counts().to_pylist()
    return Counter({file["values"]: file["counts"] for file in counted})


def _reasons(batch: Batch, file: str) -> dict[str, int]:
    pairs = zip(
        batch.rejected["source_file"].to_pylist(), batch.rejected["reason"].to_pylist(), strict=True
    )
    return dict(Counter(reason for name, reason in pairs if name == file))


def _record_files(connection: sa.Connection, source: Source, batch: Batch) -> None:
    connection.execute(
        sa.text(
            "insert into raw.source_files (source, source_file, row_count, rows_by_day)"
            " values (:source, :file, :rows, cast(:by_day as jsonb))"
            " on conflict (source, source_file) do update set row_count = excluded.row_count,"
            " rows_by_day = excluded.rows_by_day, read_at = now()"
            " where (source_files.row_count, source_files.rows_by_day)"
            " is distinct from (excluded.row_count, excluded.rows_by_day)"
        ),
        [
            {
                "source": source.signature,
                "file": file.name,
                "rows": file.row_count,
                "by_day": json.dumps(dict(file.rows_by_day)),
            }
            for file in batch.files
        ],
    )
