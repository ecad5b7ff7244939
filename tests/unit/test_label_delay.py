"""How long labels take: what a table's days show of it."""

import datetime as dt

import numpy as np
import pytest

from driftmeter.monitors.proposal.reference_period import learned_delay
from driftmeter.monitors.proposal.table_days import TableDays

FIRST = dt.date(2026, 1, 1)


def table(shares: list[float], step: int = 1) -> TableDays:
    days = tuple(FIRST + dt.timedelta(days=step * number) for number in range(len(shares)))
    return TableDays(days, np.full(len(shares), 300.0), {"label": 300.0 * np.array(shares)})


@pytest.mark.parametrize(
    ("shares", "step", "delay", "reason"),
    [
        ([0.98] * 50 + [0] * 10, 1, 10, "labels of the newest 10 days are not all there yet"),
        # They come little by little.
        ([1.0] * 40 + [0.88, 0.6, 0.4, 0.1, 0], 1, 5, "labels of the newest 5 days"),
        ([0.98] * 59 + [0], 1, 1, "labels of the newest day are not all there yet"),
        ([0.98] * 60, 1, 0, "the newest days have as many labels as the older days (98%)"),
        # An old day without labels has a fault, which is not the delay.
        ([0.98] * 40 + [0] + [0.98] * 10 + [0] * 3, 1, 3, "labels of the newest 3 days"),
        # Few rows get a label ever.
        ([0.05] * 40 + [0] * 7, 1, 7, "labels of the newest 7 days are not all there yet"),
        # Once a week: two batches are days 0 and 7 of age.
        ([0.98] * 40 + [0] * 2, 7, 8, "labels of the newest 8 days are not all there yet"),
        ([0.0] * 40, 1, 0, "label has hardly any values yet"),
    ],
)
def test_the_delay_is_learned_of_the_share_of_known_labels_by_age(
    shares: list[float], step: int, delay: int, reason: str
) -> None:
    learned, says = learned_delay(table(shares, step), "label")
    assert learned == delay
    assert says.startswith(reason)
