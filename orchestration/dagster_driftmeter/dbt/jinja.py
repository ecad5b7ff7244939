"""Texts that mean themselves after dbt has rendered them: names and values are no Jinja."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

# What begins Jinja, and line breaks, which it writes in its own way or leaves out at the end.
RENDERED = re.compile(r"\{[{%#]|[\r\n]")


def unrendered(text: str) -> str:
    """Text for a file that dbt renders, which gives it back as it is.

    Most texts are written as they are. One that Jinja would read becomes a literal of Jinja's.
    """
    return f"{{{{ {literal(text)} }}}}" if RENDERED.search(text) else text


def literal(text: str) -> str:
    """A text as an expression of Jinja's has it."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return "'" + escaped.replace("\r", "\\r").replace("\n", "\\n") + "'"


def unrendered_values(content: Any) -> Any:
    """YAML whose texts dbt gives back as they are. Keys stay: dbt renders values alone."""
    if isinstance(content, str):
        return unrendered(content)
    if isinstance(content, Mapping):
        return {key: unrendered_values(value) for key, value in content.items()}
    if isinstance(content, Sequence):
        return [unrendered_values(value) for value in content]
    return content
