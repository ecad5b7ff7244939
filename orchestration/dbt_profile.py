"""dbt's profile, written so that `cd dbt_project && dbt build` works in any shell.

dbt reads a profile, not our settings, so the profile holds the same rule: the URL in
DRIFTMETER_TRANSFORMER_URL, where dbt has a login of its own, or in DRIFTMETER_DATABASE_URL, and
without either the embedded warehouse's. The file carries that warehouse's
password; it is readable by its owner only, and git ignores it.
"""

import os
from pathlib import Path

from orchestration.dbt_project_file import read_project
from python_metrics import settings

# dbt renders each field when it starts. A profile has no URL parser, so a field is cut out by its
# group's name, and its percent signs are decoded by way of JSON (%40 -> \u0040), byte by byte:
# what UTF-8 spells in two bytes is two signs in the URL.
FIELD = (
    "{{{{ fromjson('\"' ~ modules.re.sub('%(..)', '\\\\\\\\u00\\\\1', "
    "(modules.re.match('{pattern}', env_var('DRIFTMETER_TRANSFORMER_URL', '')"
    " or env_var('DRIFTMETER_DATABASE_URL', '') or '{default}')"
    ".group('{name}') or '{otherwise}')"
    ".replace('\"', '%22').replace('\\\\', '%5C').encode('utf-8').decode('latin-1'))"
    " ~ '\"').encode('latin-1').decode('utf-8'){cast} }}}}"
)
PATTERN = (
    "[^:]+://((?P<user>[^:@/]*)(:(?P<password>[^@/]*))?@)?"
    # An IPv6 address stands in brackets.
    "(?P<bracket>\\\\[)?(?P<host>(?(bracket)[^\\\\]]*|[^:/?]*))\\\\]?(:(?P<port>[0-9]+))?"
    "(/(?P<dbname>[^?]*))?"
    # In any order.
    "(?=([?](.*&)?sslmode=(?P<sslmode>[^&]+))?)(?=([?](.*&)?sslrootcert=(?P<sslrootcert>[^&]+))?)"
    "(?=([?](.*&)?sslcert=(?P<sslcert>[^&]+))?)(?=([?](.*&)?sslkey=(?P<sslkey>[^&]+))?)"
)
TLS = ("sslmode", "sslrootcert", "sslcert", "sslkey")
FIELDS = ("host", "user", "password", "dbname", "port", *TLS)
PLACEHOLDER = "postgresql://nobody:nothing@127.0.0.1:1/none"
OTHERWISE = {"port": "5432", "sslmode": "prefer"}
WRITTEN = "# Written by `driftmeter up`; holds a password."
PROFILE = """\
{written}
{name}:
  target: warehouse
  outputs:
    warehouse:
      type: postgres
      schema: public
      threads: 4
{fields}
"""


def write_profile(embedded_url: str | None) -> None:
    """Write ``dbt_project/profiles.yml``.

    Parameters
    ----------
    embedded_url : str, optional
        What to use where the environment names no warehouse. Without it the profile serves
        `dbt parse`, which needs no database, and any shell that has the variable.
    """
    lines = []
    for name in FIELDS:
        expression = FIELD.format(
            pattern=PATTERN,
            default=embedded_url or PLACEHOLDER,
            name=name,
            otherwise=OTHERWISE.get(name, ""),
            cast=" | int" if name == "port" else "",
        )
        escaped = expression.replace("'", "''")
        lines.append(f"      {name}: '{escaped}'")
    path = settings.dbt_project_dir() / "profiles.yml"
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    new.touch(mode=0o600)
    content = PROFILE.format(written=WRITTEN, name=_profile_name(), fields="\n".join(lines))
    new.write_text(content)
    new.rename(path)


def ensure_profile() -> None:
    """Write a profile that can parse, if the project has none."""
    if not (profiles_dir() / "profiles.yml").exists():
        write_profile(None)


def has_own_profile() -> bool:
    """Whether dbt's profile of the project is the team's and not written here."""
    path = profiles_dir() / "profiles.yml"
    return path.exists() and not path.read_text().startswith(WRITTEN)


def profiles_dir() -> Path:
    """Where the project's profile is, looked for as dbt does.

    ``DBT_PROFILES_DIR``, the project, ``~/.dbt``: the first whose profiles.yml has the project's
    profile; the project where none has, since one is written there.
    """
    project = settings.dbt_project_dir()
    named = os.environ.get("DBT_PROFILES_DIR")
    places = [*([Path(named)] if named else []), project, Path.home() / ".dbt"]
    for place in places:
        path = place / "profiles.yml"
        if path.exists() and f"{_profile_name()}:" in path.read_text():
            return place.resolve()
    return project


def _profile_name() -> str:
    return str(read_project(settings.dbt_project_dir()).get("profile") or "driftmeter")
