"""What identifies a row: a column, several columns together, or else the row itself."""

import itertools
from collections.abc import Sequence

import sqlalchemy as sa

from driftmeter.errors import DriftmeterError
from driftmeter.monitors.proposal.draft import Proposal, listed, split_names
from driftmeter.monitors.proposal.names import is_key_name
from driftmeter.monitors.proposal.table import (
    FRACTIONS,
    MOST_CODES,
    TIMES,
    WHOLE_NUMBERS,
    TableColumn,
    quote,
    run,
)
from driftmeter.monitors.proposal.table_days import TableDays

# Names of the column that the view makes where the table has no key of one column.
MADE = ("row_id", "row_key", "driftmeter_row_id")
# Pairs of rows that would be the same by chance, from which on it is no chance that none is.
UNLIKELY = 10
# Keys that the table declares, the primary one first, by the names of their columns.
DECLARED_KEYS = sa.text(
    "select array(select attname::text from unnest(indkey::smallint[]) with ordinality as key"
    " (number, place) join pg_attribute on attrelid = indrelid and attnum = key.number"
    " where key.place <= indnkeyatts order by key.place) as names from pg_index"
    " where indrelid = to_regclass(:table) and indisunique and indpred is null and indexprs is null"
    " order by not indisprimary, indnkeyatts, indexrelid"
)
# Columns that are tried together; each try reads the table once.
MOST_TOGETHER = 4


def choose_id(session: sa.Connection, proposal: Proposal, days: TableDays) -> None:
    """The columns given, or those that are different in each row, or in each row of a day.

    Where there are none, the id is made of all that the row holds, and the proposal says what that
    costs.

    Raises
    ------
    Undecided
        If several columns are different in each row of a day.
    DriftmeterError
        If the columns given are the same in several rows of a day.
    """
    if given := split_names(proposal.given.get("id"), proposal.columns):
        _choose_given(session, proposal, given)
        return
    free = [c for c in proposal.free if c.data_type not in {*TIMES, *FRACTIONS, "boolean"}]
    named = [column for column in free if is_key_name(column.name)]
    for column in sorted((c for c in free if c.is_key), key=lambda c: not is_key_name(c.name)):
        if _is_key(session, proposal, [column]):
            proposal.add("id", column.name, "each of its values occurs once")
            return
    if declared := _declared(session, proposal):
        _make_of(proposal, declared, "a key that the table declares")
        return
    for column in named:
        if _is_key_of_day(session, proposal, [column]):
            proposal.add("id", column.name, "each of its values occurs once a day")
            return
    daily = [
        column
        for column in free
        if column not in named
        and not column.is_key
        and (days.rows * (days.rows - 1)).sum() / 2 >= UNLIKELY * column.distinct
        and _is_key_of_day(session, proposal, [column])
    ]
    if len(daily) > 1:
        names = [column.name for column in daily]
        what = f"each of {listed(names)} has no value twice on a day, and may be the id"
        raise proposal.undecided("id", names, what)
    if daily:
        proposal.add("id", daily[0].name, "each of its values occurs once a day")
    elif together := _together(session, proposal, named, free):
        _make_of(proposal, together, "no two rows of a day have the same")
    else:
        _make_of_row(session, proposal)


def _choose_given(session: sa.Connection, proposal: Proposal, names: Sequence[str]) -> None:
    columns = [proposal.columns[name] for name in names]
    if not _is_key_of_day(session, proposal, columns):
        what = listed(names)
        has = "have the same values" if len(names) > 1 else "has the same value"
        raise DriftmeterError(
            f"{what} {has} in several rows of a day, or no value in some row",
            where="--id",
            fix="name a column that identifies each row of a day, or several as --id A,B, or leave"
            " --id out",
        )
    if len(names) == 1:
        proposal.add("id", names[0], "as given")
    else:
        _make_of(proposal, columns, "as given")


def _declared(session: sa.Connection, proposal: Proposal) -> Sequence[TableColumn]:
    """Columns of a declared key of several that has a value in every row; none without one."""
    for names in session.scalars(DECLARED_KEYS, {"table": proposal.table.quoted}).all():
        columns = [proposal.columns[name] for name in names if name in proposal.columns]
        if len(columns) == len(names) > 1 and _is_key_of_day(session, proposal, columns):
            return columns
    return []


def _together(
    session: sa.Connection,
    proposal: Proposal,
    named: Sequence[TableColumn],
    free: Sequence[TableColumn],
) -> Sequence[TableColumn]:
    """The fewest columns that identify a row of a day together: keys by name, and one more.

    The time of a row is tried first: a customer has one row at a time.
    """
    time = proposal.columns[proposal.fields["timestamp"]]
    others = [column for column in free if column not in named and not column.is_key]
    of_names = [
        keys
        for count in range(1, MOST_TOGETHER + 1)
        for keys in itertools.combinations(named[:MOST_TOGETHER], count)
    ]
    for keys in of_names:
        if len(keys) > 1 and _is_key_of_day(session, proposal, keys):
            return keys
    for keys in of_names:
        names = ", ".join(quote(key.name) for key in keys)
        pairs = run(
            session,
            "select sum(rows * (rows - 1) / 2) from (select count(*) as rows"
            f" from {proposal.sample} group by {names}, {proposal.day}) as grouped",
        ).scalar_one()
        for other in [time, *others]:
            # Of fewer pairs all may differ in the other column by chance.
            is_told_apart = other is time or pairs >= UNLIKELY * other.distinct
            if is_told_apart and _is_key_of_day(session, proposal, [*keys, other]):
                return [*keys, other]
    return []


def _make_of(proposal: Proposal, columns: Sequence[TableColumn], why: str) -> None:
    names = [column.name for column in columns]
    _add_made(proposal, _as_text(columns), f"made of {listed(names)}: {why}")
    for column in columns:
        # A number of many values counts rows; one of few says which branch or line it is.
        counts = column.data_type in WHOLE_NUMBERS and column.distinct > MOST_CODES
        if counts or is_key_name(column.name):
            proposal.left_out[column.name] = "it is a part of the id, so it is not an input"


def _make_of_row(session: sa.Connection, proposal: Proposal) -> None:
    """An id of all that the row holds but its outcome, which may come later."""
    later = {proposal.fields.get("target"), *proposal.left_out}
    columns = [c for c in proposal.columns.values() if c.name not in later]
    name = _add_made(
        proposal,
        f"md5({_as_text(columns)})",
        "no column identifies a row, so it is made of all columns but the target: a row in which"
        " one of them is corrected counts as another row, and each reading of a day takes longer",
    )
    rows = run(
        session,
        f"select count(*) - count(distinct ({quote(name)}, {proposal.day}))"
        f" from {proposal.relation}",
    ).scalar()
    if rows:
        proposal.reasons["id"] += (
            f". {rows:,} rows are the same as another of their day, and are told as repeated"
        )


def _as_text(columns: Sequence[TableColumn]) -> str:
    """SQL for columns together as one text, which no other values have."""
    values = [
        # As text, a time depends on the session that reads it.
        f"extract(epoch from {column.sql})" if column.data_type in TIMES else column.sql
        for column in columns
    ]
    return f"row({', '.join(values)})::text"


def _add_made(proposal: Proposal, sql: str, reason: str) -> str:
    name = next(name for name in MADE if name not in proposal.columns)
    rows = next(iter(proposal.columns.values())).rows
    proposal.columns[name] = TableColumn(name, "text", sql, rows, rows, rows)
    proposal.add("id", name, reason)
    return name


def _is_key_of_day(
    session: sa.Connection, proposal: Proposal, columns: Sequence[TableColumn]
) -> bool:
    return _is_key(session, proposal, columns, f" where {proposal.day} is not null", proposal.day)


def _is_key(
    session: sa.Connection,
    proposal: Proposal,
    columns: Sequence[TableColumn],
    where: str = "",
    *more: str,
) -> bool:
    """Whether every row has a value of each column, and no other row the same ones."""
    names = [quote(column.name) for column in columns]
    known = " and ".join(f"count(*) = count({name})" for name in names)
    distinct = f"count(*) = count(distinct ({', '.join([*names, *more])}))"
    select = f"select {known} and {distinct} from"
    # Most columns are none among the first rows already.
    return all(
        run(session, f"{select} {rows}{where}").scalar()
        for rows in (proposal.sample, proposal.relation)
    )
