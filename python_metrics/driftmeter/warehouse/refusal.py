"""Turns refusals of Postgres into one line for people."""

from driftmeter import settings
from driftmeter.errors import DriftmeterError

CAST_FIX = "correct this value in your table, of which the monitor's view casts a column"
FIXES = {
    "22007": CAST_FIX,
    "22008": CAST_FIX,
    "22P02": CAST_FIX,
    "53100": "free space on the warehouse's disk",
    "53200": "give the warehouse more memory, or lower its work_mem",
    "53300": "raise max_connections, or close other connections",
    "22021": "let a view convert the column to UTF-8: convert_from(name::bytea, 'LATIN1')",
    "22P05": "use a database with the encoding UTF8, which has every character",
    "25006": "name the primary server in DRIFTMETER_DATABASE_URL: this one takes no writes",
    "42501": "use the role that owns the object, or grant the right (docs/access.md)",
}
# By class, where no fix is for the very code: lost connections, a server that stops.
NOBODY_ANSWERS = "08006"
LOST = ("08", "57P")
NO_TABLE = "42P01"
LOST_FIX = "check the warehouse with `driftmeter doctor`"
DEBUG_FIX = "set DRIFTMETER_DEBUG=1 to see where"


def refusal_of(error: BaseException | None) -> DriftmeterError | None:
    """The warehouse's own words in an error, or in what that was raised from; None if it has none.

    Drivers name Postgres's code `sqlstate` (psycopg) or `pgcode` (psycopg2, which Dagster uses).
    """
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        code = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)
        if code is None and _is_operational(error):
            code = NOBODY_ANSWERS
        if isinstance(code, str):
            lines = str(error).strip().splitlines() or [type(error).__name__]
            fix = FIXES.get(code) or (LOST_FIX if code.startswith(LOST) else DEBUG_FIX)
            if code == NO_TABLE and f'"{settings.metrics_schema()}.' in lines[0]:
                fix = "run `driftmeter up`, which makes Driftmeter's tables"
            return DriftmeterError(
                f"refused: {lines[0]}", where="warehouse", fix=f"{fix}; then run again"
            )
        error = error.__cause__ or error.__context__
    return None


def _is_operational(error: BaseException) -> bool:
    """Whether a driver raised it for want of a server: it has no code of Postgres's then."""
    kind = type(error)
    return kind.__module__.startswith("psycopg") and kind.__name__ == "OperationalError"
