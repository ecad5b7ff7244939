"""Whether each value of a column has a span of another column for its own."""

import sqlalchemy as sa

from driftmeter.monitors.proposal.draft import Proposal
from driftmeter.monitors.proposal.table import TableColumn, known, run

# Rows of each value, so that it has no span for its own by chance.
LEAST_ROWS = 5


def are_apart(
    session: sa.Connection, proposal: Proposal, measure: TableColumn, label: TableColumn
) -> bool:
    """Whether the rows of no label lie among those of another, in order of a measure.

    So it is of a label that was cut from a score, and of versions that came one after the other.
    """
    value, text = known(measure.name, measure.data_type), known(label.name, label.data_type)
    select = (
        f"select count(*) > 1 and min(rows) >= {LEAST_ROWS} and not bool_or(before > lowest)"
        " from (select rows, lowest, lag(highest) over (order by lowest, highest) as before"
        f" from (select min({value}) as lowest, max({value}) as highest, count(*) as rows"
        f" from {proposal.sample} where {value} is not null and {text} is not null"
        f" group by {text}::text) as spans) as ordered"
    )
    return bool(run(session, select).scalar())
