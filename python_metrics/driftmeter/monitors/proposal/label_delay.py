"""How long labels take, as the days of a table of predictions show it."""

import numpy as np

from driftmeter.monitors.proposal.table_days import TableDays

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
