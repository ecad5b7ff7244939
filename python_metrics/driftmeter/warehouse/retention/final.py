"""Days whose rows were dropped for their age, so that their results are final."""

import sqlalchemy as sa

from driftmeter.errors import DriftmeterError
from driftmeter.monitors.config import Days

WITHOUT_ROWS = sa.text(
    "select monitor, min(partition_date) as first, max(partition_date) as last"
    " from metrics.partitions where partition_date between :first and :last"
    " and (:monitor = '' or monitor = :monitor) and rows_dropped_at is not null"
    " group by monitor order by monitor limit 1"
)


def refuse_days_without_rows(engine: sa.Engine, days: Days, monitor: str | None = None) -> None:
    """Refuse to measure days again whose rows are gone: their metrics would say that none came.

    Raises
    ------
    DriftmeterError
        With the first monitor that has such days.
    """
    asked = {"first": days.from_date, "last": days.to_date, "monitor": monitor or ""}
    with engine.connect() as connection:
        dropped = connection.execute(WITHOUT_ROWS, asked).first()
    if dropped is not None:
        raise DriftmeterError(
            f"the rows of {dropped.monitor} from {dropped.first} to {dropped.last} were dropped by"
            " `driftmeter retain`, and what was measured of them is final",
            where="--from",
            fix="leave these days out",
        )
