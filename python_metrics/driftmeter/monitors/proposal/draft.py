"""The proposed fields of a monitor, their reasons, and questions that a person must decide."""

import shlex
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from driftmeter.errors import DriftmeterError
from driftmeter.monitors.cadence import Every
from driftmeter.monitors.proposal.column_types import Labels, TableName
from driftmeter.monitors.proposal.table import SAMPLE_ROWS, TableColumn, known, quote, run

# What a person answers who wants no target.
NONE = "none"
# Rows of each value, so that it has no span for its own by chance.
LEAST_ROWS = 5
ROLES = ("timestamp", "batch", "id", "prediction", "target", "model_version")


class Undecided(DriftmeterError):
    """A field that the data leave open, with the columns to choose from.

    Parameters
    ----------
    role : str
        The field.
    choices : sequence of str
        What may be answered; `NONE` among them where the field may be left out.
    """

    def __init__(
        self,
        what: str,
        *,
        where: str | None = None,
        fix: str | None = None,
        role: str = "",
        choices: Sequence[str] = (),
    ) -> None:
        super().__init__(what, where=where, fix=fix)
        self.role, self.choices = role, tuple(choices)


@dataclass
class Proposal:
    """A monitor's fields as YAML has them, and why each was chosen.

    Attributes
    ----------
    labels : Labels, optional
        The table that holds the target, where that is not the table itself.
    absent : dict of str to str
        Of a field that has no column: what follows from that.
    left_out : dict of str to str
        Of a column that is not compared: why.
    not_judged : list of (tuple of str, str)
        Columns that would not be judged, none of them for all, and why.
    """

    table: TableName
    columns: dict[str, TableColumn]
    labels: Labels | None = None
    given: Mapping[str, Any] = field(default_factory=dict)
    fields: dict[str, Any] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    not_judged: list[tuple[tuple[str, ...], str]] = field(default_factory=list)

    def add(self, name: str, value: object, reason: str) -> None:
        """Set a field and say why."""
        self.fields[name] = value
        self.reasons[name] = reason

    @property
    def relation(self) -> str:
        """The rows as the view will have them, to be read from in SQL."""
        columns = (f"{column.sql} as {quote(name)}" for name, column in self.columns.items())
        origin = self.table.quoted
        if self.labels is not None:
            origin += self.labels.join(self.labels.table.quoted, self.names_of_labels)
        return f"(select {', '.join(columns)} from {origin}) as viewed"

    @property
    def names_of_labels(self) -> list[str]:
        """Columns of the table of labels that may be the target, or the one that is."""
        return [name for name, column in self.columns.items() if column.is_of_labels]

    @property
    def sample(self) -> str:
        """The first of these rows, to be read from in SQL."""
        return f"(select * from {self.relation} limit {SAMPLE_ROWS}) as sampled"

    @property
    def day(self) -> str:
        """SQL for the ``partition_date`` of one of these rows, in the monitor's time zone."""
        return self.day_of(quote(self.dated_by.name))

    @property
    def of_reference(self) -> Every:
        """What the reference period is counted in: batches, and of hours days."""
        every: Every = self.fields.get("every", "day")
        return "day" if every == "hour" else every

    @property
    def dated_by(self) -> TableColumn:
        """The column that says of which batch a row is."""
        return self.columns[self.fields.get("batch") or self.fields["timestamp"]]

    def day_of(self, time: str, zone: str | None = None) -> str:
        """SQL for the first day of a time's batch, in the monitor's time zone or in another one."""
        every = self.fields.get("every", "day")
        # Without a zone a time is taken for local already, and a date is a day.
        there = time
        if self.dated_by.data_type == "timestamp with time zone":
            named = zone or str(self.fields["timezone"]).replace("'", "''")
            there = f"({time} at time zone '{named}')"
        if every in ("hour", "day"):
            return f"{there}::date"
        return f"date_trunc('{every}', {there})::date"

    def hour_of(self, time: str, zone: str | None = None) -> str:
        """SQL for the instant at which a time's hour begins, by the clock of the same zone."""
        named = zone or str(self.fields["timezone"]).replace("'", "''")
        if self.dated_by.data_type != "timestamp with time zone":
            time = f"({time} at time zone '{named}')"
        return f"date_trunc('hour', {time}, '{named}')"

    @property
    def of_probabilities(self) -> set[str]:
        """Columns of the probabilities of several classes."""
        found = self.fields.get("probabilities") or {}
        return {found} if isinstance(found, str) else {*found.values()}

    @property
    def of_attributions(self) -> set[str]:
        """Columns that say how much a feature moved the prediction."""
        found = self.fields.get("attributions")
        if not found:
            return set()
        features = found.get("features") or self.fields["features"]
        return {f"{found['prefix']}{name}" for name in features}

    @property
    def free(self) -> list[TableColumn]:
        """Columns that have no role and were not left out, in the table's order."""
        chosen = {**self.given, **self.fields}
        used = {chosen.get(role) for role in ROLES} | {*self.left_out}
        used |= self.of_probabilities | self.of_attributions
        return [
            column
            for name, column in self.columns.items()
            if name not in used and not column.is_of_labels
        ]

    @property
    def selected(self) -> list[TableColumn]:
        """Columns that the monitor names, in the table's order."""
        named = {self.fields.get(role) for role in ROLES}
        named |= {*self.fields["features"], *self.fields["segments"], *self.of_probabilities}
        named |= {*self.fields.get("protected", ()), *self.of_attributions}
        return [column for name, column in self.columns.items() if name in named]

    def undecided(self, role: str, names: Sequence[str], what: str, *more: str) -> Undecided:
        """A question which column has a role, as an error that names the option for each.

        Parameters
        ----------
        names : sequence of str
            Columns to choose from.
        what : str
            Why it is open.
        more : str
            `NONE`, where the field may be left out.
        """
        option = f"--{role.replace('_', '-')}"
        choices = [*names, *more]
        told = " or ".join(f"{option} {shlex.quote(name)}" for name in choices)
        fix = (
            f"choose one with {told}"
            if names
            else f"add {told}"
            if more
            else "name a table that has a column of a fitting type"
        )
        return Undecided(what, where=option, fix=fix, role=role, choices=choices)


def split_names(given: str | None, columns: Collection[str]) -> list[str]:
    """Columns that a person names: one, or several with commas between them."""
    if not given:
        return []
    return [given] if given in columns else [part.strip() for part in given.split(",")]


def listed(names: Sequence[str]) -> str:
    """Names in a sentence: 'a', 'b' and 'c'."""
    *first, last = [repr(name) for name in names]
    return f"{', '.join(first)} and {last}" if first else last


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
