"""Labels that are neither true nor false. They count as missing, and the run reports them."""

import datetime as dt

import sqlalchemy as sa

from driftmeter.monitors.config import Monitor
from driftmeter.monitors.labels import FALSE, TRUE

# As dbt has counted them: it keeps what is neither as it stands in the table.
COUNTED = sa.text(
    "select category, sum(row_count)::bigint as rows from metrics.column_histogram"
    " where monitor = :monitor and column_name = :target and segment is null"
    " and partition_date between :first and :last"
    " and category is not null and category not in (:true, :false)"
    " group by 1 order by 2 desc, 1"
)
# So many of them are named.
MOST_NAMED = 3


def tell_unreadable_labels(
    engine: sa.Engine, monitor: Monitor, first: dt.date, last: dt.date
) -> str | None:
    """One line where a target of two classes holds values that are neither true nor false."""
    if monitor.target is None or monitor.task != "classification":
        return None
    begun, ended = monitor.cadence.bounds(first, last)
    asked = {"monitor": monitor.name, "target": monitor.target, "true": TRUE, "false": FALSE}
    with engine.connect() as session:
        found = session.execute(COUNTED, {**asked, "first": begun, "last": ended}).all()
    if not found:
        return None
    rows = sum(row.rows for row in found)
    named = ", ".join(repr(row.category[:40]) for row in found[:MOST_NAMED])
    more = f" and {len(found) - MOST_NAMED} more" if len(found) > MOST_NAMED else ""
    return (
        f"{monitor.name}: {rows:,} values of {monitor.target} from {first} to {last} are neither"
        f" true nor false ({named}{more}) and count as missing labels. A label is a boolean,"
        " 0 or 1, or a text such as yes or no"
    )
