"""Values that nobody meant for a sentence stay text, and leave it a sentence."""

import html
import re

import pytest
from markdown_it import MarkdownIt

from dagster_driftmeter.assets.drift_asset import preview
from driftmeter.alarms.verdicts import Verdict
from driftmeter.incidents.words import MOST_CHARACTERS, of_rows, plain_markdown, shown, told_apart

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[click](javascript:alert(1))",
    "![x](http://example.com/x.png)",
    "a | b | c",
    "**bold** _it_ ~~gone~~ `code`",
    "'; drop table metrics.drift; --",
    'quoted " and \\ back',
    "&lt;b&gt; &amp; &#60;",
    "$(rm -rf /)",
    "漢字 and émigré and \u202e",
]


def test_a_value_is_one_line_of_a_length_to_read() -> None:
    assert shown("x\n| y\t\x00z\r\n") == "x | y z"
    long = shown("long " * 2000)
    assert len(long) < MOST_CHARACTERS + 30
    assert long.endswith("... (9,999 characters)")
    assert shown("Cash") == "Cash"
    assert shown(3) == "3"


@pytest.mark.parametrize(
    ("numbers", "told"),
    [
        ((10.5, 9.0), ("10.5", "9")),
        ((101_525.0, 101_325.0), ("101,500", "101,300")),
        ((1e15 + 3, 1e15), ("1,000,000,000,000,003", "1,000,000,000,000,000")),
        ((3_501_512.0, 52_000.0), ("3,500,000", "52,000")),
        ((0.000123, 0.00012), ("0.000123", "0.00012")),
        ((1 / 3, 0.3), ("0.333", "0.3")),
        ((7.0, 7.0), ("7", "7")),
    ],
)
def test_numbers_that_differ_are_told_apart(
    numbers: tuple[float, float], told: tuple[str, str]
) -> None:
    assert told_apart(*numbers) == told


def test_arithmetic_leaves_no_digits_in_a_sentence() -> None:
    spreads = [(25.5 + by) - (12.0 + by) for by in (0.0, 15.2, 1000.1)]
    assert len({*spreads}) > 1
    assert told_apart(*spreads[:2], scale=40.7) == ("13.5", "13.5")
    assert told_apart(spreads[0], spreads[2], scale=1025.6) == ("13.5", "13.5")
    assert told_apart(1e15 + 3, 1e15, scale=1.0) == told_apart(1e15 + 3, 1e15)


def test_a_share_of_few_rows_says_how_many_they_are() -> None:
    assert of_rows(0.25, 800) == "25.0% of rows"
    assert of_rows(2 / 58, 58) == "3.4% of rows (2 of 58)"


@pytest.mark.parametrize("value", HOSTILE)
def test_markdown_shows_a_value_as_it_is(value: str) -> None:
    page = MarkdownIt("gfm-like", {"html": True, "linkify": False}).render(plain_markdown(value))
    assert re.fullmatch("<p>[^<]*</p>", page.strip())
    assert html.unescape(page.strip()[3:-4]) == value


@pytest.mark.parametrize("value", HOSTILE)
def test_a_table_in_dagster_keeps_its_cells(value: str) -> None:
    values: dict[str, object] = {name: None for name in Verdict.__annotations__}
    values |= {"status": "ok", "statistic": "shift", "unit": "points", "is_drifted": True}
    values |= {"effect": 1.0, "score": 2.0, "threshold": 1.0, "column_name": value}
    values |= {"segment": value, "segment_value": value}
    markdown = preview([Verdict(**values)])  # type: ignore[arg-type]
    rendered = MarkdownIt("gfm-like", {"html": True, "linkify": False}).render(markdown)
    body = rendered.split("<tbody>")[1]
    cells = re.findall("<td[^>]*>(.*?)</td>", body, re.DOTALL)
    assert len(cells) == 7
    assert html.unescape(cells[0]) == value
    assert html.unescape(cells[1]) == f"{value} = {shown(value)}"
    assert set(re.findall("<(/?[a-z]+)", body)) <= {
        "tr",
        "/tr",
        "td",
        "/td",
        "strong",
        "/strong",
        "/tbody",
        "/table",
    }
