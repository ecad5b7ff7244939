"""Which columns are known later than the rest of their row, as labels are."""

import datetime as dt
import math

import sqlalchemy as sa

from driftmeter.monitors.proposal.draft import Proposal
from driftmeter.monitors.proposal.table import TIMES, known, run

# The newest days, which wait for their labels; fewer rows than these say nothing.
MOST_NEWEST_DAYS = 3
LEAST_ROWS = 10
# Known as often among the newest rows as this share of how often before: not a chance dip.
LATE = 0.7
# Standard deviations below what as many older rows would have.
DEVIATIONS = 3


def late_columns(
    session: sa.Connection, proposal: Proposal, first: dt.date, last: dt.date
) -> dict[str, float]:
    """Columns with fewer known values in the newest rows than in the first half of the days.

    Returns
    -------
    dict of str to float
        By column: the share of known values in the newest rows, as a part of the share before.
    """
    total = (last - first).days + 1
    columns = [c for c in proposal.columns.values() if c.data_type not in TIMES and c.known]
    if total < 4 or not columns:
        return {}
    newest = last - dt.timedelta(days=min(MOST_NEWEST_DAYS, max(1, total // 10)) - 1)
    middle = first + dt.timedelta(days=total // 2)
    values = [f"{known(c.name, c.data_type)} as c{at}" for at, c in enumerate(columns)]
    spans = (f"between '{first}' and '{middle}'", f"between '{newest}' and '{last}'")
    counted = [
        f"count({value}) filter (where day_of_row {span})"
        for value in ("*", *(f"c{at}" for at in range(len(columns))))
        for span in spans
    ]
    counts = run(
        session,
        f"select {', '.join(counted)} from (select {proposal.day} as day_of_row,"
        f" {', '.join(values)} from {proposal.relation}) as rows",
    ).one()
    (older, newer), *pairs = zip(counts[0::2], counts[1::2], strict=True)
    if not older or newer < LEAST_ROWS:
        return {}
    late = {}
    for column, (known_before, known_now) in zip(columns, pairs, strict=True):
        share = known_before / older
        spread = math.sqrt(newer * share * (1 - share))
        if share >= 0.5 and known_now <= min(
            LATE * newer * share, newer * share - DEVIATIONS * spread
        ):
            late[column.name] = known_now / newer / share
    return late
