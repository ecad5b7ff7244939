"""Chooses the reference period, and how long labels take, by the days of the table."""

import datetime as dt
from collections.abc import Sequence

import numpy as np

from driftmeter.monitors.cadence import DAILY, Cadence, Every
from driftmeter.monitors.proposal.draft import Proposal
from driftmeter.monitors.proposal.table_days import TableDays
from driftmeter.monitors.requirements import (
    ENOUGH_DAYS,
    LEAST_DAYS,
    no_value,
    too_few_days,
)

# Reference days at most; fewer where the first half of the table's days is shorter.
MOST_REFERENCE_DAYS = 90
# Days that the reference of a young table grows to: all that is needed, and two more.
FIRST_DAYS = 30


def choose_reference(proposal: Proposal, days: TableDays) -> None:
    """The days given, or the first half of the table's; what they leave unjudged."""
    roles = (proposal.fields["prediction"], proposal.fields.get("target"))
    columns = [name for name in (*proposal.fields["features"], *roles) if name is not None]
    given = proposal.given.get("reference")
    if given and "from" in given:
        proposal.add("reference", given, "as given")
    else:
        first = given["first"] if given else None
        proposal.add("reference", *proposed_reference(days, proposal.of_reference, first))
    span = proposal.fields["reference"]
    chosen = days.between(*(dt.date.fromisoformat(span[end]) for end in ("from", "to")))
    cadence = Cadence(proposal.of_reference)
    proposal.not_judged = will_not_judge(chosen, columns, cadence, grows="first" in span)
    _choose_label_delay(proposal, days)


def _choose_label_delay(proposal: Proposal, days: TableDays) -> None:
    if "target" not in proposal.fields:
        return
    delay, reason = learned_delay(days, proposal.fields["target"])
    if proposal.given.get("label_delay_days") is not None:
        delay, reason = proposal.given["label_delay_days"], "as given"
    # Without a delay, which is the default, there is nothing to propose.
    if delay or reason == "as given":
        proposal.add("label_delay_days", delay, reason)


def proposed_reference(
    days: TableDays, every: Every = "day", first: int | None = None
) -> tuple[dict[str, object], str]:
    """First and last day of a reference period for a table, and why these; days without rows none.

    That of a young table grows.

    Parameters
    ----------
    days : TableDays
        The table's batches.
    first : int, optional
        How many batches it is to have, where that is given.
    """
    total, wanted = len(days.days), FIRST_DAYS if first is None else first
    usual = min(max(total // 2, ENOUGH_DAYS), MOST_REFERENCE_DAYS)
    count = max(1, min(usual if first is None else first, total - 1))
    reason = f"the first {count} of {total} {every}s with rows"
    reason += ": check that they show how things should be"
    reference: dict[str, object] = {
        "from": days.days[0].isoformat(),
        "to": Cadence(every).last_day(days.days[count - 1]).isoformat(),
    }
    if count >= (ENOUGH_DAYS if first is None else first):
        return reference, reason
    reason = (
        f"all but the last of {total} {every}s with rows, and calm {every}s that come until there"
        f" are {wanted}"
    )
    if count < ENOUGH_DAYS:
        reason += f": thresholds are wide with fewer than {ENOUGH_DAYS}"
        reason += _until_enough(days) if wanted >= ENOUGH_DAYS else ""
        reason += ". `driftmeter power` says what can be found by now"
    return {**reference, "first": wanted}, reason


def _until_enough(days: TableDays) -> str:
    """When there are enough days, if they come as they have so far; the calendar has an end."""
    newest, total = days.days[-1], len(days.days)
    step = (newest - days.days[0]) / max(total - 1, 1)
    enough = newest + min((ENOUGH_DAYS - total + 1) * step, dt.date.max - newest)
    return f", until {enough} at the soonest"


def will_not_judge(
    days: TableDays, columns: Sequence[str], cadence: Cadence = DAILY, *, grows: bool
) -> list[tuple[tuple[str, ...], str]]:
    """What a monitor with these reference days would not judge, and why.

    Returns
    -------
    list of (tuple of str, str)
        Columns, none of them for all, and the reason.
    """
    if len(days.days) < LEAST_DAYS:
        return [((), too_few_days(len(days.days), cadence, grows=grows))]
    empty = tuple(name for name in columns if not np.sum(days.known[name]))
    return [(empty, no_value())] if empty else []


# A day that has so much of the labels that days have in the end has waited long enough.
SETTLED = 0.9
# So many such days in a row, from the newest back: then older ones that have fewer have a fault.
SETTLED_DAYS = 3
# Where days have hardly a label in the end, nothing is learned of when they come.
LEAST_SHARE = 0.01


def learned_delay(days: TableDays, target: str) -> tuple[int, str]:
    """Days that labels take by the share of known ones at each age, and the reason.

    A day is as old as the newest day of the table lets it be. What days have in the end is the
    median of their older half.
    """
    share = days.known[target] / np.maximum(days.rows, 1)
    settled = float(np.median(share[: max(len(share) // 2, 1)]))
    if settled < LEAST_SHARE:
        return 0, f"{target} has hardly any values yet; add --label-delay-days if labels take days"
    newest, waiting, in_a_row = days.days[-1], 0, 0
    for day, known in zip(reversed(days.days), reversed(share), strict=True):
        in_a_row = in_a_row + 1 if known >= SETTLED * settled else 0
        if in_a_row == SETTLED_DAYS:
            break
        if not in_a_row:
            waiting = (newest - day).days + 1
    if not waiting:
        return 0, f"the newest days have as many labels as the older days ({settled:.0%})"
    newest_days = "the newest day" if waiting == 1 else f"the newest {waiting} days"
    return (
        waiting,
        f"labels of {newest_days} are not all there yet; older days have {settled:.0%}",
    )
