"""Breaches of many days, folded into incidents: opened, continued, closed, opened again.

A pure function of the days in order, so that computing days in any order, or again, ends in the
same incidents.
"""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from python_metrics.incidents.breach import Breach

# Days without a breach after which an incident is over.
QUIET = dt.timedelta(days=7)
# A breach of the same cause this soon after its last one is the same incident, opened again.
SAME_WITHIN = dt.timedelta(days=28)
# A later day so many times as strong says better what an incident is; its sentence seldom changes.
STRONGER = 2.0


@dataclass(frozen=True)
class Transition:
    """A change of an incident: opened, closed or reopened."""

    event: str
    on_date: dt.date
    author: str = "driftmeter"


@dataclass
class Incident:
    """One cause over the days that it was seen on.

    Attributes
    ----------
    first : Breach
        Of the day it opened.
    worst : Breach
        The first, or a later one that is far stronger: its diagnosis is the incident's.
    last : Breach
        Of the newest day it was seen on.
    """

    first: Breach
    worst: Breach
    opened_on: dt.date
    last: Breach
    last_seen_on: dt.date
    columns: list[str]
    severity: str
    days: int = 1
    closed_on: dt.date | None = None
    closed_by: str | None = None
    transitions: list[Transition] = field(default_factory=list)

    @property
    def cause(self) -> str:
        """What tells it from every other incident of its monitor."""
        first = self.first
        where = f"{first.segment}={first.segment_value}" if first.segment else ""
        return f"{first.family}:{first.column_name or ''}:{where}:{self.opened_on}"

    @property
    def reopened(self) -> int:
        """How often it was opened again."""
        return sum(each.event == "reopened" for each in self.transitions)

    def continues(self, breach: Breach, day: dt.date) -> bool:
        """Whether a breach is this incident's cause again."""
        if breach.family != self.first.family or day - self.last_seen_on > SAME_WITHIN:
            return False
        return not (self.columns or breach.columns) or bool({*self.columns} & {*breach.columns})


def fold(
    breaches: Mapping[dt.date, Sequence[Breach]],
    closed_by_hand: Mapping[str, Sequence[Transition]] | None = None,
) -> list[Incident]:
    """Incidents of one monitor.

    Parameters
    ----------
    breaches : mapping of date to sequence of Breach
        Every computed day, those without a breach too: only a day that was looked at is quiet.
    closed_by_hand : mapping of str to sequence of Transition, optional
        When somebody closed an incident, by its cause.
    """
    incidents: list[Incident] = []
    by_hand = closed_by_hand or {}
    for day in sorted(breaches):
        _close_by_hand(incidents, day, by_hand)
        _close_quiet(incidents, day)
        for breach in breaches[day]:
            known = [each for each in incidents if each.continues(breach, day)]
            if known:
                _continue(known[-1], breach, day)
            else:
                incidents.append(_open(breach, day))
    _close_by_hand(incidents, dt.date.max, by_hand)
    return incidents


def _open(breach: Breach, day: dt.date) -> Incident:
    return Incident(
        first=breach,
        worst=breach,
        opened_on=day,
        last=breach,
        last_seen_on=day,
        columns=list(breach.columns),
        severity=breach.severity,
        transitions=[Transition("opened", day)],
    )


def _continue(incident: Incident, breach: Breach, day: dt.date) -> None:
    if incident.closed_on is not None:
        incident.closed_on, incident.closed_by = None, None
        incident.transitions.append(Transition("reopened", day))
    if day != incident.last_seen_on:
        incident.days += 1
    incident.last, incident.last_seen_on = breach, day
    if breach.strength >= STRONGER * incident.worst.strength:
        incident.worst = breach
    incident.columns += [name for name in breach.columns if name not in incident.columns]
    if breach.severity == "error":
        incident.severity = "error"


def _close_quiet(incidents: Iterable[Incident], day: dt.date) -> None:
    """Close what has not been seen for long enough."""
    for incident in incidents:
        if incident.closed_on is None and day - incident.last_seen_on > QUIET:
            incident.closed_on = incident.last_seen_on + QUIET
            incident.transitions.append(Transition("closed", incident.closed_on))


def _close_by_hand(
    incidents: Iterable[Incident], before: dt.date, by_hand: Mapping[str, Sequence[Transition]]
) -> None:
    """Close what somebody closed after it was last seen; who did it is on record already."""
    for incident in incidents:
        for close in by_hand.get(incident.cause, ()):
            if incident.closed_on is None and incident.last_seen_on <= close.on_date < before:
                incident.closed_on, incident.closed_by = close.on_date, close.author
