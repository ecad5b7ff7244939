"""HTML pages in which a value of a team's rows is only text, never an element or a script.

Values stand on a page in two places. Text between elements is escaped where it is written. Values
within a script are JSON, which `for_script` writes; a policy in the page's head lets a browser run
the scripts that the page was written with and no other, and lets none of them open a connection.
"""

import base64
import hashlib
from html.parser import HTMLParser

# For whatever a page's own policy leaves open, and for pages that were written without one.
SERVED_POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'unsafe-inline';"
    " img-src data: blob:; font-src data:; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'"
)
OWN_POLICY = (
    "default-src 'none'; script-src {scripts}; style-src 'unsafe-inline'; img-src data: blob:;"
    " font-src data:; base-uri 'none'; form-action 'none'"
)
# Scripts of files beside the page, served or opened from a folder.
BESIDE = "'self' file:"
# What ends a script, begins a comment in it, or ends a line for older browsers.
IN_SCRIPT = str.maketrans({"<": "\\u003c", "\u2028": "\\u2028", "\u2029": "\\u2029"})


def for_script(json_text: str) -> str:
    """JSON text as it may stand within a script element: the same values, and no markup."""
    return json_text.translate(IN_SCRIPT)


def with_policy(page: str, *sources: str) -> str:
    """The page with a Content-Security-Policy of its own scripts at the start of its head.

    Parameters
    ----------
    sources : str
        Whose scripts may run too, as a policy spells it.
    """
    # A browser hashes a script with these ends of lines, whatever the file has.
    page = page.replace("\r\n", "\n").replace("\r", "\n")
    scripts = _Scripts()
    scripts.feed(page)
    scripts.close()
    digests = (hashlib.sha256(text.encode()).digest() for text in scripts.texts if text)
    hashes = dict.fromkeys(f"'sha256-{base64.b64encode(one).decode()}'" for one in digests)
    policy = OWN_POLICY.format(scripts=" ".join([*sources, *hashes]) or "'none'")
    start = page.index("<head>") + len("<head>")
    meta = f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    return page[:start] + meta + page[start:]


class _Scripts(HTMLParser):
    """The texts of a page's script elements."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.texts: list[str] = []
        self._is_open = False

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag == "script":
            self._is_open = True
            self.texts.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag == "script":
            self._is_open = False

    def handle_data(self, data: str) -> None:
        if self._is_open:
            self.texts[-1] += data
