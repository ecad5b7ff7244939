"""Breaches folded into incidents: opened, continued, closed, opened again, in any order."""

import datetime as dt
import random

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from driftmeter.incidents.breach import FAMILIES, Breach
from driftmeter.incidents.fold import THE_ERROR, Away, Incident, Transition, fold
from driftmeter.incidents.mix import LEVELS
from driftmeter.incidents.mixed_units import is_of_two_units
from driftmeter.monitors.cadence import DAILY

FIRST = dt.date(2019, 4, 1)


def day(number: int) -> dt.date:
    return FIRST + dt.timedelta(days=number)


def calendar(length: int, *breaches: tuple[int, Breach]) -> dict[dt.date, list[Breach]]:
    found: dict[dt.date, list[Breach]] = {day(number): [] for number in range(length)}
    for number, breach in breaches:
        found[day(number)].append(breach)
    return found


def missing(*columns: str) -> Breach:
    return Breach("missing_values", f"{columns[0]} is missing", columns[0], columns)


def events(incident: Incident) -> list[tuple[str, int]]:
    return [(each.event, (each.on_date - FIRST).days) for each in incident.transitions]


def test_days_that_share_a_cause_are_one_incident_and_a_chain_of_columns_is_not() -> None:
    seen = ((1, missing("a", "b")), (2, missing("b", "c")), (3, missing("a")), (4, missing("c")))
    away = {day(number): {Away("a")} for number in range(1, 5)}
    first, second = fold(calendar(5, *seen), away)
    assert (first.opened_on, first.last_seen_on, first.days) == (day(1), day(4), 3)
    assert first.columns == ["a", "b", "c"]
    assert first.closed_on is None
    assert events(first) == [("opened", 1)]
    # It moved with b, which moved with a: that does not make it a's.
    assert (second.columns, second.opened_on) == (["c"], day(4))
    # What began it is gone: what b does then is another incident.
    assert [found.days for found in fold(calendar(5, *seen))] == [2, 1, 1]


def mix(**moved: float) -> Breach:
    """Shares of categories that moved, in percent points."""
    parts = [
        {"value": name, "reference_share": 0.3, "share": 0.3 + by / 100}
        for name, by in moved.items()
    ]
    return Breach("mix_shift", "moved", "zone", ("zone",), evidence={"moved": parts})


def moved(direction: int, **where: str) -> Breach:
    kind = "segment" if where else "shape_shift"
    evidence: dict[str, object] = {"direction": direction}
    if where:
        evidence = {"within": {"kind": "shape_shift", "direction": direction}}
    segment, value = next(iter(where.items()), (None, None))
    return Breach(
        kind,  # type: ignore[arg-type]
        "moved",
        "fare",
        ("fare",),
        segment=segment,
        segment_value=value,
        evidence=evidence,
    )


def shaped(reference: np.ndarray, values: np.ndarray, direction: int = 1) -> Breach:
    """Another distribution of fares, with the quantiles of both."""
    quantiles = {
        name: {"reference": np.quantile(reference, level), "day": np.quantile(values, level)}
        for name, level in LEVELS.items()
    }
    evidence = {"direction": direction, **quantiles}
    return Breach("shape_shift", "moved", "fare", ("fare",), evidence=evidence)


@pytest.mark.parametrize("factor", [2.54, 100.0, 0.4, 0.01])
def test_a_unit_that_changed_during_a_day_is_one_incident_from_that_day_on(factor: float) -> None:
    generator = np.random.default_rng(1)
    fares = generator.lognormal(3, 0.6, 20_000)
    direction = 1 if factor > 1 else -1
    unit = Breach("unit_change", "another unit", "fare", ("fare",),
                  evidence={"direction": direction, "factor": factor})  # fmt: skip
    for share in (0.2, 0.5, 0.8):
        today = generator.lognormal(3, 0.6, 300)
        in_part = shaped(fares, np.where(generator.random(300) < share, factor, 1) * today)
        in_part.evidence["direction"] = direction
        seen = ((1, in_part), (2, unit), (3, unit))
        (found,) = fold(calendar(4, *seen))
        assert (found.opened_on, found.days) == (day(1), 3)
        assert found.worst.kind == "unit_change"
        assert found.diagnosis == f"On {day(2)}: another unit"
        # Of another direction, or days later, it is another one.
        other_way = Breach(
            "shape_shift", "moved", "fare", ("fare",),
            evidence={**in_part.evidence, "direction": -direction},
        )  # fmt: skip
        assert len(fold(calendar(4, (1, other_way), *seen[1:]))) == 2
        assert len(fold(calendar(4, (0, in_part), *seen[1:]))) == 2
    # What no share of rows in that unit looks like is another cause.
    middle = np.median(fares)
    for values in (middle + (fares - middle) * 0.2, fares + direction * 0.8 * middle):
        another = shaped(fares, values, direction)
        assert len(fold(calendar(4, (1, another), *seen[1:]))) == 2


def test_a_change_without_quantiles_is_no_other_unit_in_a_part() -> None:
    evidence = {"direction": 1, "factor": 100.0}
    unit = Breach("unit_change", "100 times", "fare", ("fare",), evidence=evidence)
    assert len(fold(calendar(4, (1, moved(1)), (2, unit)))) == 2
    assert not is_of_two_units(moved(1).evidence, 100.0)


@pytest.mark.parametrize(
    ("one", "other", "are_one"),
    [
        (mix(a=5, b=-3), mix(a=2), True),
        (mix(a=5, b=-5), mix(b=-6, a=4), True),
        (mix(a=-1.5, b=0.5), mix(b=12, a=-1.4), False),
        (mix(a=5), mix(a=-5), False),
        (moved(1), moved(1), True),
        (moved(1), moved(-1), False),
        (moved(1), moved(0), True),
        (moved(1, vendor="2"), moved(1, vendor="2"), True),
        (moved(1, vendor="2"), moved(1, borough="Queens"), False),
        (moved(1, vendor="2"), moved(1), False),
    ],
)
def test_two_causes_that_share_a_column_are_two_incidents(
    one: Breach, other: Breach, are_one: bool
) -> None:
    away = {day(number): {Away("zone"), Away("fare")} for number in range(1, 4)}
    assert len(fold(calendar(5, (1, one), (2, other)))) == 2 - are_one
    # Nor does it matter that the column has not come back in between.
    assert len(fold(calendar(5, (1, one), (3, other)), away)) == 2 - are_one


def test_an_incident_whose_first_cause_is_gone_closes_though_another_column_moves() -> None:
    seen = [(number, Breach("shape_shift", "b moved", "b", ("b", "a"))) for number in range(3, 40)]
    first = Breach("shape_shift", "a moved", "a", ("a",))
    away = {day(number): {Away("a")} for number in range(1, 10)}
    found, other = fold(calendar(40, (1, first), *seen), away)
    assert found.closed_on == day(9 + DAILY.quiet)
    assert (other.opened_on, other.days) == (day(10), 30)


def test_two_causes_on_one_day_are_two_incidents() -> None:
    unit = Breach("unit_change", "b is 2 times what it was", "b", ("b",))
    found = fold(calendar(3, (1, missing("a")), (1, unit), (1, missing("z"))))
    assert [(each.first.kind, each.columns) for each in found] == [
        ("missing_values", ["a"]),
        ("unit_change", ["b"]),
        ("missing_values", ["z"]),
    ]


def test_it_closes_after_a_quiet_spell_and_is_opened_again_not_doubled() -> None:
    days = calendar(40, (1, missing("a")), (12, missing("a")))
    (found,) = fold(days)
    quiet = DAILY.quiet
    assert events(found) == [
        ("opened", 1),
        ("closed", 1 + quiet),
        ("reopened", 12),
        ("closed", 12 + quiet),
    ]
    assert found.closed_on == day(12 + quiet)
    assert found.reopened == 1


def test_long_after_it_is_another_incident() -> None:
    assert len(fold(calendar(60, (1, missing("a")), (50, missing("a"))))) == 2


def test_days_that_were_not_computed_are_not_quiet() -> None:
    days = calendar(40, (1, missing("a")))
    for number in range(2, 40):
        del days[day(number)]
    (found,) = fold(days)
    assert found.closed_on is None


def test_it_is_not_over_while_its_column_is_away() -> None:
    days = calendar(60, (1, missing("a")), (3, missing("a")), (50, missing("a")))
    # No alarm for weeks, as it is no news; the column never came back.
    away = {day(number): {Away("a")} for number in range(3, 50)}
    (lasting,) = fold(days, away)
    assert (lasting.closed_on, lasting.last_seen_on, lasting.days) == (day(57), day(50), 3)
    assert events(lasting) == [("opened", 1), ("closed", 57)]
    # Another column's state says nothing of it, and it ends a spell after its own is back.
    others = {at: parts | {Away("z")} for at, parts in away.items() if at < day(20)}
    back = fold(days, others)[0]
    assert events(back)[:2] == [("opened", 1), ("closed", 19 + DAILY.quiet)]
    # Of one segment, only that or all rows count.
    one = Breach("segment", "a moved", "a", ("a",), segment="s", segment_value="1")
    spans = [
        [found.last_seen_on for found in fold(calendar(30, (1, one)), {day(5): {part}})]
        for part in (Away("a", "s", "1"), Away("a"), Away("a", "s", "2"))
    ]
    assert spans == [[day(5)], [day(5)], [day(1)]]


def test_columns_that_are_away_keep_no_error_open() -> None:
    worse = Breach("performance_drop", "the error rose", "y", ("y", "a"))
    (found,) = fold(calendar(30, (1, worse)), {day(n): {Away("a")} for n in range(30)})
    assert found.closed_on == day(1 + DAILY.quiet)


def test_an_error_that_lasts_keeps_its_incident_open_and_hides_no_other() -> None:
    worse = Breach("performance_drop", "the error rose", "y", ("y",))
    lasting = {day(number): {THE_ERROR} for number in range(2, 30)}
    (found,) = fold(calendar(25, (1, worse)), lasting)
    assert (found.closed_on, found.last_seen_on, found.days) == (None, day(24), 1)
    # Alarms in a row are one; an alarm beside weeks of the same error is news.
    again = Breach("concept_drift", "the relation changed", "y", ("y",))
    first, second = fold(calendar(28, (1, worse), (4, worse), (20, again)), lasting)
    # From then on it is the newer one's error that lasts.
    assert (first.days, first.closed_on) == (2, day(19 + DAILY.quiet))
    assert (second.opened_on, second.first.kind) == (day(20), "concept_drift")


def test_a_day_of_few_rows_is_another_event_than_what_comes_with_it() -> None:
    alone = moved(1)
    part = {"kind": "shape_shift", "diagnosis": "moved", "column_name": "fare"}
    parts = [
        {"kind": "volume", "diagnosis": "few rows"},
        {**part, "columns": ("fare",), "evidence": {"direction": 1}},
    ]
    holiday = Breach(
        "volume", "few rows; with it fare", columns=("fare",), evidence={"parts": parts}
    )
    assert len(fold(calendar(4, (1, alone), (2, holiday)))) == 2
    # What came with the holiday and stays is still the holiday's.
    assert len(fold(calendar(4, (1, holiday), (2, alone)))) == 1


def test_a_loss_of_another_cause_is_another_unless_the_error_never_ceased() -> None:
    unit = {"cause": {"kind": "unit_change", "columns": ["miles"]}}
    known = Breach("performance_drop", "the error rose", "y", ("y",), evidence=unit)
    drift = Breach("concept_drift", "the relation changed", "y", ("y",))
    seen = calendar(9, (1, known), (3, known), (5, drift))
    assert [found.days for found in fold(seen)] == [2, 1]
    lasting = {day(number): {THE_ERROR} for number in range(1, 9)}
    (one,) = fold(seen, lasting)
    assert (one.days, one.first.kind) == (3, "performance_drop")


def test_two_that_turn_out_to_be_one_are_one() -> None:
    first, second = missing("a", "b"), missing("c", "d")
    days = calendar(20, (1, first), (1, second), (3, missing("b", "c")), (4, missing("d", "a")))
    away = {day(number): {Away("a"), Away("c")} for number in range(1, 5)}
    (found,) = fold(days, away)
    assert (found.columns, found.days) == (["a", "b", "c", "d"], 3)
    assert found.same_as == [f"missing:c::{day(1)}"]
    assert events(found) == [("opened", 1), ("closed", 4 + DAILY.quiet)]


def test_what_was_accepted_is_closed_for_good_and_what_follows_is_another() -> None:
    days = calendar(20, (1, missing("a")), (12, missing("a")))
    (cause,) = (found.cause for found in fold(calendar(5, (1, missing("a")))))
    accepted = {cause: [Transition("accepted", day(4), "ada")]}
    away = {day(number): {Away("a")} for number in range(20)}
    first, second = fold(days, away, accepted)
    assert (first.closed_on, first.closed_by, first.is_accepted) == (day(4), "ada", True)
    assert events(first) == [("opened", 1)]
    assert second.opened_on == day(12)


COLUMNS = "abcdefgh"


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_one_lasting_change_is_one_incident_whichever_column_leads(data: st.DataObject) -> None:
    """On its first day all of it shows; then some columns alarm, another one first each day."""
    length = data.draw(st.integers(2, 40))
    kinds = ("mix_shift", "shape_shift")
    found: dict[dt.date, list[Breach]] = {}
    away = {day(number): {Away(name) for name in COLUMNS} for number in range(length)}
    for number in range(1, length):
        order = data.draw(st.permutations(COLUMNS))
        cuts = sorted(data.draw(st.sets(st.integers(1, len(COLUMNS)), min_size=1, max_size=4)))
        groups = [order[a:b] for a, b in zip([0, *cuts], cuts, strict=False) if a < b]
        found[day(number)] = [
            Breach(data.draw(st.sampled_from(kinds)), "moved", g[0], tuple(g)) for g in groups
        ]
    found[day(0)] = [Breach("mix_shift", "moved", COLUMNS[0], tuple(COLUMNS))]
    (one,) = fold(dict(sorted(found.items())), away)
    assert (one.opened_on, one.closed_on, one.days) == (FIRST, None, length)
    assert events(one) == [("opened", 0)]


def test_what_somebody_closed_stays_closed_until_it_comes_back() -> None:
    days = calendar(6, (1, missing("a")), (4, missing("a")))
    (cause,) = (each.cause for each in fold(days))
    (open_again,) = fold(days, by_hand={cause: [Transition("closed_by_hand", day(2), "ada")]})
    assert open_again.closed_on is None
    assert events(open_again) == [("opened", 1), ("reopened", 4)]
    (closed,) = fold(days, by_hand={cause: [Transition("closed_by_hand", day(5), "ada")]})
    assert (closed.closed_on, closed.closed_by) == (day(5), "ada")


def test_a_small_day_a_missing_one_and_an_empty_one_are_three_incidents_and_each_goes_on() -> None:
    small, missing_day = Breach("volume", "few rows"), Breach("missing_day", "never came")
    empty = Breach("empty_day", "no rows")
    incidents = fold(calendar(12, (1, small), (2, missing_day), (3, missing_day), (9, empty)))
    assert [(one.first.diagnosis, one.days) for one in incidents] == [
        ("few rows", 1),
        ("never came", 2),
        ("no rows", 1),
    ]


@given(
    st.lists(
        st.tuples(
            st.integers(0, 60),
            st.sampled_from(sorted(FAMILIES)),
            st.sets(st.sampled_from("abc"), min_size=1),
        ),
        max_size=25,
    )
)
def test_the_order_in_which_days_come_changes_nothing(
    given_breaches: list[tuple[int, str, set[str]]],
) -> None:
    breaches = [
        (number, Breach(kind, "said", min(columns), tuple(sorted(columns))))  # type: ignore[arg-type]
        for number, kind, columns in given_breaches
    ]
    days = calendar(61, *breaches)
    shuffled = list(days.items())
    random.Random(1).shuffle(shuffled)
    found = fold(days)
    assert fold(dict(shuffled)) == found
    # Every breach is in just one incident, and no two incidents have one cause.
    causes = [each.cause for each in found]
    assert len(causes) == len(set(causes))
    days_seen = {(number, kind) for number, kind, _ in given_breaches}
    assert sum(each.days for each in found) <= len(given_breaches)
    assert bool(found) == bool(days_seen)


def test_a_sentence_of_a_later_day_has_its_date() -> None:
    first = Breach("mix_shift", "35 fell.", "zone", ("zone",), strength=2.0)
    worse = Breach("mix_shift", "132 rose.", "zone", ("zone",), strength=5.0)
    (found,) = fold(calendar(8, (1, first), (5, worse)))
    assert (found.diagnosis, found.worst) == (f"On {day(5)}: 132 rose.", worse)
    (one,) = fold(calendar(8, (1, worse), (5, first)))
    assert one.diagnosis == "132 rose."


def gap(days: int) -> Breach:
    return Breach("missing_day", f"{days} days are missing")


def test_a_gap_is_open_until_a_day_has_rows_and_its_newest_day_says_how_long_it_is() -> None:
    # A monthly table: the days between were never due, nor computed.
    days = {day(number): [gap(place + 1)] for place, number in enumerate((0, 31, 61))}
    (open_gap,) = fold(days, without_rows=days)
    assert (open_gap.closed_on, open_gap.days) == (None, 3)
    assert open_gap.worst.diagnosis == "3 days are missing"
    (over,) = fold({**days, day(92): []}, without_rows=days)
    assert (over.closed_on, over.last_seen_on) == (day(92), day(61))
    assert events(over) == [("opened", 0), ("closed", 92)]


def test_an_empty_day_does_not_end_a_gap() -> None:
    days = {day(0): [gap(1)], day(1): [], day(2): [gap(2)]}
    (found,) = fold(days, without_rows=days)
    assert events(found) == [("opened", 0)]
