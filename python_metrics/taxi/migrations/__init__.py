"""Migrations of the schema raw, which only the example has."""

from pathlib import Path

import sqlalchemy as sa

from driftmeter.warehouse.migrate import Migrations, upgraded

RAW = Migrations(Path(__file__).parent / "versions", "raw")


def upgrade_raw(engine: sa.Engine) -> None:
    """Bring the tables of trips up to date; a second call changes nothing.

    Raises
    ------
    DriftmeterError
        If the warehouse refuses.
    """
    with upgraded(engine, RAW):
        pass
