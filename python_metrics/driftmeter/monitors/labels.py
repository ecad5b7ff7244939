"""A classifier's label: how true and false may be spelled in a table, in SQL and in pandas.

dbt's package spells them alike: `dbt_project/driftmeter/macros/values.sql`.
"""

from collections.abc import Iterable
from typing import Any

import pandas as pd
from psycopg import sql

# As Postgres prints booleans and numbers, and as people and other tools write them. Lower case; the
# commonest first, for they are looked for in this order.
SPELLED = {
    "1": True,
    "0": False,
    "true": True,
    "false": False,
    "yes": True,
    "no": False,
    "t": True,
    "f": False,
    "y": True,
    "n": False,
    "on": True,
    "off": False,
    "-0": False,
}
# A number may be written with decimals that are all zero.
NUMBERS = ("1", "0", "-0")
BLANKS = " \t\n\r"
TRUE, FALSE = "true", "false"


def label_in_sql(
    text: sql.Composable, true: str, false: str, neither: sql.Composable
) -> sql.Composed:
    """SQL that tells true from false, whatever the type of the label's column.

    Values are looked for as they are first, since to trim a text takes longer.

    Parameters
    ----------
    text : sql.Composable
        The column as text.
    true, false : str
        What it gives, in SQL.
    neither : sql.Composable
        What it gives for a value that is neither true nor false.
    """

    def cases(
        of: sql.Composable, words: Iterable[str], otherwise: sql.Composable, ending: str = ""
    ) -> sql.Composed:
        listed = [
            sql.SQL("when {} then {}").format(
                sql.Literal(word + ending), sql.SQL(true if SPELLED[word] else false)
            )
            for word in words
        ]
        return sql.SQL("case {} {} else {} end").format(of, sql.SQL(" ").join(listed), otherwise)

    trimmed = sql.SQL("btrim({}, {})").format(text, sql.Literal(BLANKS))
    number, word = sql.SQL("rtrim({}, '0')"), sql.SQL('lower({} collate "C")')
    decimals = cases(number.format(trimmed), NUMBERS, neither, ".")
    trimmed_cases = sql.SQL("case when {} like '%.%' then {} else {} end").format(
        text,
        cases(number.format(text), NUMBERS, decimals, "."),
        cases(word.format(trimmed), SPELLED, neither),
    )
    return cases(text, SPELLED, trimmed_cases)


def as_numbers(labels: "pd.Series[Any]") -> "pd.Series[float]":
    """1 for true, 0 for false, NaN for what is neither."""
    words = labels.astype("string").str.strip(BLANKS).str.lower()
    words = words.str.replace(r"^(-?[01])\.0*$", r"\1", regex=True)
    numbers: pd.Series[float] = words.map(SPELLED).astype("float64")
    return numbers


def as_words(labels: "pd.Series[Any]") -> "pd.Series[Any]":
    """``true`` and ``false``; what is neither is missing."""
    return as_numbers(labels).map({1.0: TRUE, 0.0: FALSE}).astype(object)
