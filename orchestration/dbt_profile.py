"""dbt's profile, written so that `cd dbt_project && dbt build` works in any shell.

dbt reads a profile, not our settings, so the profile holds the same rule: the URL in
DRIFTMETER_DATABASE_URL, and without it the embedded warehouse's. The file carries that warehouse's
password; it is readable by its owner only, and git ignores it.
"""

from python_metrics import settings

# dbt renders each field when it starts. A profile has no URL parser, so a field is cut out by its
# group's name, and its percent signs are decoded by way of JSON (%40 -> \u0040), byte by byte:
# what UTF-8 spells in two bytes is two signs in the URL.
FIELD = (
    "{{{{ fromjson('\"' ~ modules.re.sub('%(..)', '\\\\\\\\u00\\\\1', "
    "(modules.re.match('{pattern}', env_var('DRIFTMETER_DATABASE_URL', '') or '{default}')"
    ".group('{name}') or '{otherwise}')"
    ".replace('\"', '%22').replace('\\\\', '%5C').encode('utf-8').decode('latin-1'))"
    " ~ '\"').encode('latin-1').decode('utf-8'){cast} }}}}"
)
PATTERN = (
    "[^:]+://((?P<user>[^:@/]*)(:(?P<password>[^@/]*))?@)?"
    # An IPv6 address stands in brackets.
    "(?P<bracket>\\\\[)?(?P<host>(?(bracket)[^\\\\]]*|[^:/?]*))\\\\]?(:(?P<port>[0-9]+))?"
    "(/(?P<dbname>[^?]*))?([?](.*&)?sslmode=(?P<sslmode>[a-z-]+).*)?"
)
PLACEHOLDER = "postgresql://nobody:nothing@127.0.0.1:1/none"
OTHERWISE = {"port": "5432", "sslmode": "prefer"}
PROFILE = """\
# Written by `driftmeter up`; holds a password.
driftmeter:
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
    for name in ("host", "user", "password", "dbname", "port", "sslmode"):
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
    new.write_text(PROFILE.format(fields="\n".join(lines)))
    new.rename(path)


def ensure_profile() -> None:
    """Write a profile that can parse, if there is none."""
    if not (settings.dbt_project_dir() / "profiles.yml").exists():
        write_profile(None)
