"""Finds the one segment without which a column looks as it did before."""

from collections.abc import Iterator, Mapping

import numpy as np
from scipy import stats

from driftmeter.incidents.change import ColumnValues, Mask, Symptom, moved_ranks, weights_of
from driftmeter.incidents.distance import noise_level, shares
from driftmeter.incidents.mix import splits

# Most rows of a day are no segment of it.
FEWEST_OTHERS = 0.3
FEWEST_ROWS = 30
# Without the segment so much of the change must be gone: what is left is noise of the others.
LEAST_EXPLAINED = 0.75
# The other rows' distribution may have changed by so much of what the segment's did.
MOST_OF_REST = 1 - LEAST_EXPLAINED
# Where other shares of the segments explain as much, it is who came, not how one behaved.
MOST_MIXED = 0.6
# Wrong rows are of one segment if nearly all of them are, and it is not most of the day anyway.
LEAST_OF_WRONG = 0.95
MOST_OF_WRONG = 0.5
MOST_CHANCE = 1e-5
DETERMINED = 0.98
# Standard errors by which ranks of a segment must have moved.
PLAIN_ERRORS = 4.0


def one_segment(change: ColumnValues, others: Mapping[str, ColumnValues]) -> Iterator[Symptom]:
    """Values of other columns that hold a column's whole change.

    A change of all rows is as large without any one segment, so that it explains nothing there.
    """
    for name, other, values in splits(change, others):
        if _is_determined_by(change, other) or change.reweighted(weights_of(other)) >= MOST_MIXED:
            continue
        for value in values:
            of_day = (other.day == value).to_numpy()
            share = float(of_day.mean())
            if of_day.sum() < FEWEST_ROWS or share > 1 - FEWEST_OTHERS:
                continue
            of_reference = (other.reference == value).to_numpy()
            if of_reference.sum() < FEWEST_ROWS:
                continue
            explained = change.without(of_reference, of_day)
            if not _would_show(change, of_reference, of_day):
                explained = 0.0
            explained = max(explained, _moved_alone(change, of_reference, of_day))
            if explained < LEAST_EXPLAINED:
                continue
            within = change.inside(of_reference, of_day)
            # Who came is not how they behaved: within the segment the column must have moved.
            if within.size * share < 0.5 * change.size or not within.is_plain:
                continue
            evidence = {
                "share_of_rows": share,
                "explained": explained,
                "distance_within": within.size,
                "distance_without": float(np.clip(change.size * (1 - explained), 0, None)),
            }
            yield Symptom("segment", explained, "", evidence, segment=name, value=value)


def rows_of_one_segment(
    change: ColumnValues, rows: Mask, others: Mapping[str, ColumnValues]
) -> Symptom | None:
    """The segment that nearly all wrong rows are in, if it is a small one and no accident."""
    wrong = int(rows.sum())
    candidates = []
    for name, other, values in splits(change, others):
        for value in values:
            of_day = (other.day == value).to_numpy()
            share, within = float(of_day.mean()), int((rows & of_day).sum())
            if not 0 < share <= MOST_OF_WRONG or within < LEAST_OF_WRONG * wrong:
                continue
            if stats.binom.sf(within - 1, wrong, share) < MOST_CHANCE:
                candidates.append((share, name, value, within))
    if not candidates:
        return None
    share, name, value, within = min(candidates)
    held = within / wrong
    evidence = {"share_of_rows": share, "explained": held}
    return Symptom("segment", held, "", evidence, segment=name, value=value)


def _moved_alone(change: ColumnValues, of_reference: Mask, of_day: Mask) -> float:
    """For a number: how much less its ranks moved in the other rows than in the segment's.

    A mean of ranks needs far fewer rows than a whole distribution; 0 where the segment's own did
    not move plainly, or the distribution of the other rows changed.
    """
    if change.column.kind != "numerical":
        return 0.0
    before, now = change.reference_rank, change.day_rank
    inside, error = moved_ranks(before[of_reference], now[of_day])
    outside, error_outside = moved_ranks(before[~of_reference], now[~of_day])
    # A column of one value has neither moved nor an error.
    if not inside or abs(inside) < PLAIN_ERRORS * max(error, error_outside):
        return 0.0
    alone = 1 - max(abs(outside) - error_outside, 0) / abs(inside)
    if alone < LEAST_EXPLAINED:
        return alone
    within = change.inside(of_reference, of_day)
    rest = change.inside(~of_reference, ~of_day)
    # Ranks say where numbers lie and not how wide: other rows that are wider have changed too.
    has_stayed = not rest.is_plain or rest.size <= MOST_OF_REST * within.size
    return alone if has_stayed else 0.0


def _is_determined_by(change: ColumnValues, other: ColumnValues) -> bool:
    """Whether a column's own values say which segment a row is in, as a city says its country."""
    if change.column.kind != "categorical":
        return False
    table = np.zeros((change.bins.count, other.bins.count))
    np.add.at(table, (change.reference_bin, other.reference_bin), 1)
    return float(table.max(axis=1).sum()) > DETERMINED * len(change.reference_bin)


def _would_show(change: ColumnValues, of_reference: Mask, of_day: Mask) -> bool:
    """Whether the other rows are enough to show the change, if it were theirs too."""
    noise = noise_level(
        shares(change.reference_bin[~of_reference], change.bins.count),
        shares(change.day_bin[~of_day], change.bins.count),
    )
    return change.size > noise
