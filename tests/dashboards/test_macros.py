"""The macro expander against what Grafana's PostgreSQL plugin writes."""

import datetime as dt

import pytest

from driftmeter.dashboards.macros import UnknownMacro, expand

FIRST = dt.datetime(2026, 1, 2, 12, tzinfo=dt.timezone.utc)
LAST = dt.datetime(2026, 1, 3, 12, tzinfo=dt.timezone.utc)


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("$__timeFrom()::date", "'2026-01-02T12:00:00Z'::date"),
        ("$__timeTo()", "'2026-01-03T12:00:00Z'"),
        ("a = '$one'", "a = 'it''s'"),
        ("a = '${one}' or a = '[[one]]'", "a = 'it''s' or a = 'it''s'"),
        ("a in ($many)", "a in ('x','y''z')"),
        ("$unknown stays", "$unknown stays"),
    ],
)
def test_a_macro_or_variable_becomes_what_postgres_gets(written: str, sent: str) -> None:
    assert expand(written, FIRST, LAST, {"one": "it's", "many": ["x", "y'z"]}) == sent


def test_a_range_in_another_zone_is_sent_in_utc() -> None:
    zone = dt.timezone(dt.timedelta(hours=-5))
    first = dt.datetime(2026, 1, 2, 7, tzinfo=zone)
    assert expand("$__timeFrom()", first, LAST, {}) == "'2026-01-02T12:00:00Z'"


def test_a_macro_that_no_dashboard_uses_is_an_error() -> None:
    with pytest.raises(UnknownMacro, match="timeGroup"):
        expand("$__timeGroup(c,'1d')", FIRST, LAST, {})


def test_a_format_that_does_not_quote_is_refused() -> None:
    with pytest.raises(ValueError, match="csv"):
        expand("a in (${many:csv})", FIRST, LAST, {"many": ["x"]})
