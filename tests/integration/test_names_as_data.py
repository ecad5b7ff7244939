"""Names and values that are code elsewhere: Jinja, SQL's quotes, marks of style, a terminal's."""

import json
from typing import Any

import pytest

from dagster_driftmeter.runs.terminal import console, say, say_json
from driftmeter.monitors.proposal import quote
from tests.cases import over
from tests.conftest import database_copy
from tests.integration.team import Team

SCHEMA, TABLE = "{{ 1/0 }}", "{% endif %}scores"
# What dbt would run, what ends a block of SQL, and what a terminal obeys.
FEATURES = (
    "{{ 1/0 }}",
    "{% do no_such.thing() %}",
    "{# never seen #}",
    "it's {{ 'mine' }} \\",
    "$by_name$",
    "two\r\nlines\n",
    "[bold]red[/blue]",
    "colour\x1b[31m",
)
PREDICTION, SEGMENT = "{{ score }}", "{{ 'segment' }}"
VALUE = "new\x1b]0;owned\x07[red]"


class OddNames(Team):
    """A project that `init` made of a table of such names, and what it and a run printed."""

    printed = ""

    def column(self, query: str) -> list[Any]:
        return [value for (value,) in self.rows(query)]


@pytest.fixture(scope="module")
def team(postgres: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> OddNames:
    engine = database_copy(postgres, template, "names")
    team = OddNames(tmp_path_factory.mktemp("team"), engine)
    numbers = ", ".join(
        f"(number * {3 + at} % 17 + {100 * (name == FEATURES[-1])} * (day = 39)::int)::real"
        f" as {quote(name)}"
        for at, name in enumerate(FEATURES)
    )
    relation = f"{quote(SCHEMA)}.{quote(TABLE)}"
    rows = f"""
        create table {relation} as
        select
            row_number() over () as row_number,
            timestamptz '2026-01-01 08:00+00' + day * interval '1 day' as scored_at,
            (number % 10)::double precision / 10 as {quote(PREDICTION)},
            case when day = 39 and number % 2 = 0 then '{VALUE}' else 'old ' || number % 3 end
                as {quote(SEGMENT)},
            {numbers}
        from generate_series(0, 39) as day, generate_series(1, 200) as number
    """
    with engine.begin() as session:
        session.exec_driver_sql(f"create schema {quote(SCHEMA)}".replace("%", "%%"))
        session.exec_driver_sql(rows.replace("%", "%%"))
    init = ["init", "--table", f"{SCHEMA}.{TABLE}", "--name", "odd", "--yes"]
    init += ["--segments", SEGMENT, "--prediction", PREDICTION, "--target", "none"]
    made = team.ended(*init)
    assert made.returncode == 0, made.stdout + made.stderr
    again = team.ended(*init)
    assert "nothing to change" in again.stdout, again.stdout + again.stderr
    run = team.ended("run", "--workers", "1")
    assert run.returncode == 0, run.stdout + run.stderr
    team.printed = made.stdout + run.stdout + run.stderr
    return team


def test_a_name_that_jinja_would_run_is_a_column_as_any_other(team: OddNames) -> None:
    names = team.column("select distinct column_name from metrics.column_summary")
    assert {*FEATURES, PREDICTION, SEGMENT} <= set(names)
    assert team.column("select distinct state from metrics.partitions") == ["fresh"]


@over(
    "words",
    [
        ("incidents",),
        ("incidents", "show", "1"),
        ("status",),
        ("run",),
        ("doctor",),
        ("test", "--monitor", "odd", "--date", "2026-02-09"),
    ],
)
def test_no_command_prints_a_character_that_a_terminal_obeys(
    team: OddNames, words: tuple[str, ...]
) -> None:
    ended = team.ended(*words)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout
    for text in (team.printed, ended.stdout, ended.stderr):
        assert not [c for c in text if c not in "\n\t" and not c.isprintable()], text


def test_incidents_name_columns_and_values_as_they_are_but_for_what_a_terminal_obeys(
    team: OddNames,
) -> None:
    said = team.ended("incidents").stdout
    assert "colour\\x1b[31m has" in said
    assert "new ]0;owned [red]" in said


def test_a_text_is_printed_as_it_is_with_control_characters_spelled_out(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = "[bold]red[/blue] :smile: \x1b[31m\x9b2J\u202e"
    say_json({"name": f"{text}\x7f"})
    shown = capsys.readouterr().out
    assert not [c for c in shown if c != "\n" and not c.isprintable()]
    assert json.loads(shown) == {"name": f"{text}\x7f"}
    say(text)
    console().print(text)
    spelled = "[bold]red[/blue] :smile: \\x1b[31m\\x9b2J\\u202e\n"
    assert capsys.readouterr().out == 2 * spelled
