"""Combines breaches of many days into incidents, which open, continue, close and open again.

A pure function of the days in order, so that computing days in any order, or again, ends in the
same incidents.
"""

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from driftmeter.incidents.breach import LASTING, Breach, Cause
from driftmeter.incidents.mixed_units import is_of_two_units
from driftmeter.monitors.cadence import DAILY, Cadence, Every

# A breach of the same cause so many batches after its last one, or sooner, is the same incident,
# opened again.
SAME_WITHIN: dict[Every, int] = {"hour": 168, "day": 28, "week": 6, "month": 3}
# A later day so many times as strong says better what an incident is; its sentence seldom changes.
STRONGER = 2.0

# Days that never came: such an incident is over with the first day that has rows, and not before.
GAP = "missing_day"


@dataclass(frozen=True, order=True)
class Away:
    """A column that is away from the reference on a day, over all rows or in one segment."""

    column: str
    segment: str = ""
    segment_value: str = ""

    def is_of(self, cause: Cause) -> bool:
        """Whether it is a cause's column, over all rows or in the cause's segment."""
        wheres = {("", ""), (cause.segment, cause.segment_value)}
        is_where = not cause.segment or (self.segment, self.segment_value) in wheres
        return is_where and self.column in cause.columns


PERFORMANCE = "performance"
# Of an error that is still beyond the reference.
THE_ERROR = Away("", "error")


@dataclass(frozen=True)
class Transition:
    """A change of an incident: opened, closed or reopened; or what a person did to close it."""

    event: str
    on_date: dt.date
    author: str = "driftmeter"


@dataclass
class Incident:
    """One cause over the days that it was seen on.

    Attributes
    ----------
    history : list of (date, Breach)
        Its breaches, in order.
    last_seen_on : date
        The newest day with a breach of it, or with a column of it away from the reference.
    closed_by : str or None
        The person who closed it.
    is_accepted : bool
        Whether what it brought is the normal now: it is never opened again.
    same_as : list of str
        Causes of incidents that turned out to be this one.
    cadence : Cadence
        Of the monitor's batches, which `history` calls days.
    """

    history: list[tuple[dt.date, Breach]]
    last_seen_on: dt.date
    closed_on: dt.date | None = None
    closed_by: str | None = None
    is_accepted: bool = False
    transitions: list[Transition] = field(default_factory=list)
    same_as: list[str] = field(default_factory=list)
    cadence: Cadence = DAILY

    @property
    def first(self) -> Breach:
        """Of the day it opened."""
        return self.history[0][1]

    @property
    def opened_on(self) -> dt.date:
        """The day of its first breach."""
        return self.history[0][0]

    @property
    def _told(self) -> tuple[dt.date, Breach]:
        """The first, or the next day's of another unit, which the first had in a part of its rows.

        What it is known by on later days.
        """
        if len(self.history) > 1 and self._is_unit_since(*self.history[1]):
            return self.history[1]
        return self.history[0]

    def _is_unit_since(self, day: dt.date, breach: Breach) -> bool:
        """Whether the next day has another unit, which some rows of the first had too."""
        if self.first.kind != "shape_shift" or self.cadence.between(self.opened_on, day) != 1:
            return False
        of_unit = [replace(mine, family="unit") for mine in self.first.causes]
        factor = breach.evidence.get("factor")
        return (
            factor is not None
            and any(mine.is_again(its) for mine in of_unit for its in breach.causes)
            and is_of_two_units(self.first.evidence, factor)
        )

    @property
    def last(self) -> tuple[dt.date, Breach]:
        """The newest day with a breach, and that."""
        return self.history[-1]

    @property
    def worst(self) -> Breach:
        """The first, or a later one that is far stronger: its diagnosis is the incident's.

        Of a gap the newest, which says how long it is.
        """
        return self._worst[1]

    @property
    def _worst(self) -> tuple[dt.date, Breach]:
        if self.first.family == GAP:
            return self.last
        worst = self._told
        for day, breach in self.history:
            if breach.strength >= STRONGER * worst[1].strength:
                worst = day, breach
        return worst

    @property
    def diagnosis(self) -> str:
        """The worst day's sentence, with its date where that is not the day it opened."""
        day, worst = self._worst
        if day == self.opened_on or worst.family == GAP:
            return worst.diagnosis
        when = self.cadence.on(day)
        return f"{when[0].upper()}{when[1:]}: {worst.diagnosis}"

    @property
    def columns(self) -> list[str]:
        """Every column that it moved, in the order in which they showed."""
        return list(dict.fromkeys(name for _, breach in self.history for name in breach.columns))

    @property
    def severity(self) -> str:
        """The gravest of its days'."""
        is_error = any(breach.severity == "error" for _, breach in self.history)
        return "error" if is_error else "warn"

    @property
    def days(self) -> int:
        """How many days had a breach of it."""
        return len({day for day, _ in self.history})

    @property
    def cause(self) -> str:
        """What tells it from every other incident of its monitor."""
        first = self.first
        where = f"{first.segment}={first.segment_value}" if first.segment else ""
        # A pair of columns is another cause than either column.
        is_pair = first.kind == "correlation_shift"
        column = " and ".join(first.columns) if is_pair else first.column_name or ""
        return f"{first.kind if is_pair else first.family}:{column}:{where}:{self.opened_on}"

    @property
    def reopened(self) -> int:
        """How often it was opened again."""
        return sum(change.event == "reopened" for change in self.transitions)

    def continues(self, breach: Breach, day: dt.date) -> bool:
        """Whether a breach is this incident's cause again."""
        if self.is_accepted:
            return False
        within = SAME_WITHIN[self.cadence.every]
        if self._since(self.last_seen_on, day) > within and not self._is_open_gap:
            return False
        alarmed_on, _ = self.last
        lasted = self.first.family == PERFORMANCE and self.last_seen_on > alarmed_on
        quiet = self.cadence.quiet
        if lasted and self._since(alarmed_on, day) > quiet:
            # The error lasted without an alarm: one that is an alarm beside such days is another.
            return False
        if len(self.history) == 1 and self._is_unit_since(day, breach):
            return True
        first, later = self._told[1].causes, breach.causes
        # What leads a day that is of another family is another event, whatever comes with it.
        is_of_family = later[0].family in {mine.family for mine in first}
        if is_of_family and any(mine.is_again(its) for mine in first for its in later):
            return True
        if self.first.family == PERFORMANCE == breach.family:
            # An error that never ceased is one, whatever it is put down to on a later day.
            return self.closed_on is None and self._since(self.last_seen_on, day) <= 1
        # Another column leads of those that moved together, while what began it is still there.
        is_there = self.closed_on is None and self.last_seen_on == day
        is_quiet = self._since(alarmed_on, day) > quiet
        if breach.family != self._told[1].family or not is_there or is_quiet:
            return False
        leading, began = {*breach.columns[:1]}, self._began_with
        # Of the same column it is another cause, as was seen above.
        return not leading & began and bool(leading & self._members or began & {*breach.columns})

    @property
    def _began_with(self) -> set[str]:
        """The columns that its first day's causes are in."""
        return {name for cause in self.first.causes for name in cause.columns}

    @property
    def _members(self) -> set[str]:
        """Columns that moved together with one that it began with."""
        began = self._began_with
        return {
            name
            for _, breach in self.history
            if began & {*breach.columns}
            for name in breach.columns
        }

    @property
    def _is_open_gap(self) -> bool:
        return self.first.family == GAP and self.closed_on is None

    def look(self, day: dt.date, away: Collection[Away], *, has_rows: bool) -> None:
        """Take in a computed day before its breaches: it is still there, or long quiet."""
        if self.closed_on is not None:
            return
        if self.first.family == GAP:
            if has_rows:
                self.closed_on = day
                self.transitions.append(Transition("closed", day))
        elif self._holds(away):
            self.last_seen_on = day
        elif self._since(self.last_seen_on, day) > (quiet := self.cadence.quiet):
            self.closed_on = self.cadence.after(self.last_seen_on, quiet)
            self.transitions.append(Transition("closed", self.closed_on))

    def _since(self, earlier: dt.date, day: dt.date) -> int:
        """Batches from an earlier one to this."""
        return self.cadence.between(earlier, day)

    def close_by_hand(self, before: dt.date, closes: Sequence[Transition]) -> None:
        """Close what somebody closed after it was last seen; who did it is on record already."""
        for close in closes:
            if close.on_date >= before:
                continue
            self.is_accepted |= close.event == "accepted"
            if self.closed_on is None and self.last_seen_on <= close.on_date:
                self.closed_on, self.closed_by = close.on_date, close.author

    def see(self, day: dt.date, breach: Breach) -> None:
        """Take in a breach."""
        if self.closed_on is not None:
            self.closed_on, self.closed_by = None, None
            self.transitions.append(Transition("reopened", day))
        self.history.append((day, breach))
        self.last_seen_on = day

    def _holds(self, away: Collection[Away]) -> bool:
        """Whether what began it has not come back: its column, or its error."""
        if self.first.family == PERFORMANCE:
            return THE_ERROR in away
        lasting = [cause for cause in self.first.causes if cause.family in LASTING]
        return any(part.is_of(cause) for part in away for cause in lasting)


def fold(
    breaches: Mapping[dt.date, Sequence[Breach]],
    away: Mapping[dt.date, Collection[Away]] | None = None,
    by_hand: Mapping[str, Sequence[Transition]] | None = None,
    without_rows: Collection[dt.date] = (),
    cadence: Cadence = DAILY,
) -> list[Incident]:
    """Incidents of one monitor.

    Parameters
    ----------
    breaches : mapping of date to sequence of Breach
        Every computed day, those without a breach too: only a day that was looked at is quiet.
    away : mapping of date to collection of Away, optional
        Columns that are away from the reference, in alarm or not: an incident whose column has not
        come back is not over.
    by_hand : mapping of str to sequence of Transition, optional
        When somebody closed an incident or accepted it, by its cause.
    without_rows : collection of date, optional
        Computed days that have no rows: the first that has some ends a gap.
    cadence : Cadence
        What a day is: the first one of a batch.
    """
    away, by_hand = away or {}, by_hand or {}
    incidents: list[Incident] = []
    days = sorted(breaches)
    for place, day in enumerate(days):
        still = {*away.get(day, ())}
        # Whose error it is on a day with a breach of it, is what the breach says.
        is_told = any(breach.family == PERFORMANCE for breach in breaches[day])
        of_error = None if is_told else _whose_error(incidents)
        for incident in incidents:
            incident.close_by_hand(day, by_hand.get(incident.cause, ()))
            seen = still if incident is of_error else still - {THE_ERROR}
            incident.look(day, seen, has_rows=day not in without_rows)
        for breach in breaches[day]:
            known = [incident for incident in incidents if incident.continues(breach, day)]
            if not known:
                incidents.append(_open(day, breach, cadence))
                continue
            if len(known) > 1:
                # One breach moves the columns of both: they were one all along.
                one = _joined(known, days[: place + 1], away, by_hand, without_rows)
                incidents[incidents.index(known[0])] = one
                incidents = [incident for incident in incidents if incident not in known[1:]]
                known = [one]
            known[0].see(day, breach)
    for incident in incidents:
        incident.close_by_hand(dt.date.max, by_hand.get(incident.cause, ()))
    return incidents


def _whose_error(incidents: Sequence[Incident]) -> Incident | None:
    """The open incident of an error that alarmed last: an error that lasts is that one's."""
    errors = [one for one in incidents if one.first.family == PERFORMANCE and not one.closed_on]
    return max(errors, key=lambda one: one.last[0], default=None)


def _open(day: dt.date, breach: Breach, cadence: Cadence) -> Incident:
    opened = [Transition("opened", day)]
    return Incident([(day, breach)], day, transitions=opened, cadence=cadence)


def _joined(
    known: Sequence[Incident],
    days: Sequence[dt.date],
    away: Mapping[dt.date, Collection[Away]],
    by_hand: Mapping[str, Sequence[Transition]],
    without_rows: Collection[dt.date],
) -> Incident:
    """The incident that several would have been had their columns shown together at once."""
    (opened_on, first), *later = sorted(
        (seen for incident in known for seen in incident.history), key=lambda seen: seen[0]
    )
    one = _open(opened_on, first, known[0].cadence)
    one.same_as = [cause for incident in known for cause in (incident.cause, *incident.same_as)]
    one.same_as.remove(one.cause)
    for day in days:
        if day > opened_on:
            one.close_by_hand(day, by_hand.get(one.cause, ()))
            one.look(day, away.get(day, ()), has_rows=day not in without_rows)
        for seen_on, breach in later:
            if seen_on == day:
                one.see(day, breach)
    return one
