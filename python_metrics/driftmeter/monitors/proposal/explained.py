"""Which columns a prediction comes close to, as a model does to its target."""

import sqlalchemy as sa

from driftmeter.monitors.proposal.draft import Proposal
from driftmeter.monitors.proposal.table import SAMPLE_ROWS, TableColumn, quote, run
from driftmeter.monitors.proposal.unfit import why_unfit

# Share of a column's variance that the prediction must explain, just as it is.
EXPLAINED = 0.2


def explained_columns(session: sa.Connection, proposal: Proposal) -> list[str]:
    """Columns that may be the target by their values, although no name says so.

    The prediction itself stands for the column's value (R squared of the identity). Inputs are on
    other scales than the prediction, so that few come near.
    """
    prediction = proposal.columns[proposal.fields["prediction"]]
    candidates = [
        (column.name, number)
        for column in proposal.free
        if column.distinct > 1 and not column.may_be_key
        for number in _numbers(proposal, column)
    ]
    if not candidates or prediction.lowest is None:
        return []
    values = [f"{number} as c{at}" for at, (_, number) in enumerate(candidates)]
    squares = [f"avg(power(c{at} - predicted, 2)), var_pop(c{at})" for at in range(len(candidates))]
    found = run(
        session,
        f"select {', '.join(squares)} from (select {_number(prediction)} as predicted,"
        f" {', '.join(values)} from {proposal.relation} limit {SAMPLE_ROWS}) as rows"
        " where predicted is not null",
    ).one()
    return [
        name
        for (name, _), error, variance in zip(candidates, found[0::2], found[1::2], strict=True)
        if error is not None and variance and 1 - error / variance >= EXPLAINED
    ]


def _numbers(proposal: Proposal, column: TableColumn) -> list[str]:
    """SQL for a column as numbers that a prediction may be of; of two classes each as the 1."""
    if why_unfit(proposal, column) is None:
        return [_number(column)]
    prediction = proposal.columns[proposal.fields["prediction"]]
    if not prediction.is_share or len(column.values) != 2 or column.is_label:
        return []
    texts = [value.replace("'", "''") for value in column.values]
    return [f"({quote(column.name)}::text = '{text}')::integer::double precision" for text in texts]


def _number(column: TableColumn) -> str:
    """SQL for a value as a number whose square is one: null where it is NaN, or too large."""
    name = quote(column.name)
    if column.is_number:
        return (
            f"case when {name} between -1e-100 and 1e-100 then 0"
            f" when {name} between -1e100 and 1e100 then {name}::double precision end"
        )
    return f"({name}::boolean)::integer::double precision"
