"""Shortens values of a team's tables for sentences."""

import re

MOST_CHARACTERS = 60
# What Markdown and the HTML in it would take for more than text.
MARKUP = re.compile(r"[\\`*\[\]<>|~&!#]|(?<![0-9A-Za-z])_|_(?![0-9A-Za-z])")


def shown(value: object) -> str:
    """A value as a sentence names it: blanks and line breaks as one blank, the rest of it cut."""
    text = " ".join("".join(c if c.isprintable() else " " for c in str(value)).split())
    if len(text) <= MOST_CHARACTERS:
        return text
    return f"{text[:MOST_CHARACTERS]}… ({len(text):,} characters)"


def plain_markdown(text: object) -> str:
    """Text of one line that Markdown shows as it is, in a table too."""
    return MARKUP.sub(lambda mark: f"\\{mark[0]}", " ".join(str(text).split()))
