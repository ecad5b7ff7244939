"""Hooks of `make docs`: the command line's reference, and links to files beside the docs.

The commands write their own reference: their help is read when the site is built. A link to a file
of the repository that is no page becomes the file's path, and a file that is not there is a
warning, with which a strict build fails.
"""

import logging
import os
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = "<!-- commands -->"
LINK = re.compile(r"(?<!!)\[([^\]]+)\]\((\.\./[^)#\s]+)(#[^)\s]*)?\)")
log = logging.getLogger("mkdocs.hooks.site")


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Fill in what is generated, and name the files that lie beside the docs."""
    if COMMANDS in markdown:
        markdown = markdown.replace(COMMANDS, "\n".join(reference()))

    def named(link: re.Match[str]) -> str:
        label, path = link[1], link[2].removeprefix("../")
        if not (ROOT / path).exists():
            log.warning("%s links to %s, which is no file", page.file.src_path, path)
        shown = f"`{path.rstrip('/')}`"
        return shown if label.strip("`") in (path, Path(path).name) else f"{label} ({shown})"

    return LINK.sub(named, markdown)


def reference() -> list[str]:
    """Lines of Markdown that say what every command does and takes."""
    # In a checkout the commands of the example are there too, as they are in its directory.
    os.environ["DRIFTMETER_DBT_PROJECT"] = str(ROOT / "dbt_project")
    import typer

    from dagster_driftmeter.cli.app import app

    own, example = [], []
    for name, command in typer.main.get_command(app).commands.items():  # type: ignore[attr-defined]
        _put(f"driftmeter {name}", command, own, example)
    return [*own, "## Commands of the example", "", EXAMPLE, "", *example]


EXAMPLE = "These commands are there in a checkout of the repository only, for the taxi example."


def _put(path: str, command: Any, own: list[str], example: list[str]) -> None:
    """Add a command and those below it to the product's lines or to the example's."""
    module = getattr(command.callback, "__module__", "")
    below = getattr(command, "commands", {})
    into = example if module.startswith("dagster_taxi") else own
    arguments = [p for p in command.params if not p.opts[0].startswith("-")]
    options = [p for p in command.params if p.opts[0].startswith("-")]
    words = [path, *(str(p.metavar or p.name).upper() for p in arguments)]
    words += ["[COMMAND]"] if below else []
    into += [f"## {path}" if into is own else f"### {path}", ""]
    into += ["```sh", " ".join(words + (["[OPTIONS]"] if options else [])), "```", ""]
    into += [*_prose(command.help or ""), ""]
    if command.epilog:
        into += [*_prose(command.epilog), ""]
    if rows := [_row(p) for p in (*arguments, *options) if not getattr(p, "hidden", False)]:
        into += ["| option | what it says |", "|---|---|", *rows, ""]
    for name, each in below.items():
        _put(f"{path} {name}", each, own, example)


def _prose(text: str) -> list[str]:
    """Paragraphs of help; each example is a block of code."""
    lines: list[str] = []
    for paragraph in re.split(r"\n\s*\n", text.strip()):
        whole = " ".join(paragraph.split())
        if shown := re.fullmatch(r"Examples?: (.*)", whole):
            lines += ["```sh", *(part.strip() for part in shown[1].split(";")), "```", ""]
        else:
            lines += [_plain(whole), ""]
    return lines


def _row(parameter: Any) -> str:
    taken = parameter.metavar or ("" if getattr(parameter, "is_flag", False) else "VALUE")
    names = [n for n in (*parameter.opts, *parameter.secondary_opts) if n.startswith("-")]
    shown = f"{', '.join(names)} {taken}".strip() if names else str(taken).upper()
    says = [_plain(parameter.help or "")]
    if parameter.required:
        says.append("Required.")
    elif parameter.default not in (None, False) and not callable(parameter.default):
        says.append(f"Without it: `{parameter.default}`.")
    return f"| `{shown}` | {' '.join(filter(None, says)).replace('|', chr(92) + '|')} |"


def _plain(text: str) -> str:
    """Text in which Markdown finds nothing to format beside code."""
    return text.replace("<", "&lt;").replace("*", r"\*").replace("_", r"\_")
