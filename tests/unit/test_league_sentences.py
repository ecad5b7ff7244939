"""The league's own count of what a sentence says."""

import datetime as dt

import pandas as pd

from benchmarks.league_sentences import Rows, Sentence, claims, judged

REFERENCE = (dt.date(2026, 1, 1), dt.date(2026, 1, 31))
DAY = dt.date(2026, 2, 2)


def rows_of(day: dt.date, price: float, kinds: str) -> pd.DataFrame:
    """A row for each letter."""
    return pd.DataFrame({"price": price, "kind": list(kinds), "_day": day})


def test_a_share_of_the_day_and_of_the_reference_are_held_against_the_rows() -> None:
    reference, day = rows_of(REFERENCE[0], 10.0, "aaab"), rows_of(DAY, 10.0, "abbb")
    rows = Rows(reference, reference, day, day)
    right = claims("kind a fell from 75.0% to 25.0% of rows (1 of 4).", "kind", rows)
    wrong = claims("kind a fell from 75.0% to 35.0% of rows (1 of 4).", "kind", rows)
    assert right
    assert all(claim.is_true for claim in right)
    assert [claim.what for claim in wrong if not claim.is_true] == ["kind = a"]


def test_a_factor_that_its_own_medians_deny_is_false() -> None:
    reference, day = rows_of(REFERENCE[0], 10.0, "aaaa"), rows_of(DAY, 20.0, "aaaa")
    rows = Rows(reference, reference, day, day)
    sentence = "price is {} times what it was (median 20, reference 10)."
    assert all(claim.is_true for claim in claims(sentence.format(2), "price", rows))
    assert not all(claim.is_true for claim in claims(sentence.format(2.54), "price", rows))


def test_only_where_is_counted_among_the_rows_of_the_segment() -> None:
    reference = rows_of(REFERENCE[0], 10.0, "aabb")
    day = pd.concat([rows_of(DAY, 10.0, "aaa"), rows_of(DAY, 30.0, "b")])
    rows = Rows(reference, reference, day, day)
    sentence = (
        "price is 3 times what it was (median 30, reference 10), only where kind = b: 25.0% of rows"
        " and 100% of the change."
    )
    found = claims(sentence, "price", rows)
    assert len(found) == 4
    assert all(claim.is_true for claim in found)


def test_a_sentence_of_one_day_does_not_describe_a_month() -> None:
    days = [DAY + dt.timedelta(days=number) for number in range(28)]
    every = pd.concat(
        [
            rows_of(REFERENCE[0], 10.0, "aaab"),
            rows_of(days[0], 10.0, "abbb"),
            *(rows_of(day, 10.0, "aaab") for day in days[1:]),
        ],
        ignore_index=True,
    )
    text = "kind a fell from 75.0% to 25.0% of rows (1 of 4)."
    about = Rows(every, every, every, every)

    def verdict(last: dt.date) -> object:
        sentence = Sentence(text, "mix_shift", "kind", days[0], days[0], last)
        return judged(every, about, REFERENCE, [sentence])[0]["verdict"]

    assert verdict(days[0]) == "true"
    assert verdict(days[-1]) == "true of its day"


def test_a_sentence_without_a_known_form_is_not_parsed() -> None:
    day = rows_of(DAY, 10.0, "aaaa")
    assert claims("kind is not what it was.", "kind", Rows(day, day, day, day)) == []
