"""Values, numbers and shares as sentences name them."""

import re

MOST_CHARACTERS = 60
FEW_ROWS = 300
# A float has no more.
MOST_DIGITS = 17
# A difference of two floats is off by some of their last digits, as a part of their size.
LAST_DIGITS = 1e-15
# What Markdown and the HTML in it would take for more than text.
MARKUP = re.compile(r"[\\`*\[\]<>|~&!#]|(?<![0-9A-Za-z])_|_(?![0-9A-Za-z])")


def shown(value: object) -> str:
    """A value as a sentence names it: blanks and line breaks as one blank, the rest of it cut."""
    text = " ".join("".join(c if c.isprintable() else " " for c in str(value)).split())
    if len(text) <= MOST_CHARACTERS:
        return text
    return f"{text[:MOST_CHARACTERS]}... ({len(text):,} characters)"


def of_rows(share: float, rows: int) -> str:
    """A share of a day's rows, and how many these are where a percentage says more than it knows.

    Parameters
    ----------
    share : float
        Between 0 and 1.
    rows : int
        All that it is a share of.
    """
    few = f" ({round(share * rows):,} of {rows:,})" if rows < FEW_ROWS else ""
    return f"{share:.1%} of rows{few}"


def told_apart(one: float, other: float, scale: float = 0.0) -> tuple[str, str]:
    """Two numbers in three digits, or in as many as show how far they are from each other.

    Parameters
    ----------
    scale : float
        The size of what they were computed from, in which arithmetic leaves other last digits.
    """
    if abs(one - other) <= LAST_DIGITS * scale:
        other = one
    shown_one, shown_other = one, other
    for digits in range(3, MOST_DIGITS + 1):
        shown_one, shown_other = (float(f"{number:.{digits}g}") for number in (one, other))
        if abs((shown_one - shown_other) - (one - other)) <= abs(one - other) / 10:
            break
    return f"{shown_one:,}".removesuffix(".0"), f"{shown_other:,}".removesuffix(".0")


def plain_markdown(text: object) -> str:
    """Text of one line that Markdown shows as it is, in a table too."""
    return MARKUP.sub(lambda mark: f"\\{mark[0]}", " ".join(str(text).split()))


def amount(number: float | str, unit: str | None = None) -> str:
    """A number in three digits with its unit: ``1,240 EUR``; a text is a number as it is shown."""
    if not isinstance(number, str):
        number = f"{float(f'{number:.3g}'):,}".removesuffix(".0")
    return f"{number} {unit}" if unit else number
