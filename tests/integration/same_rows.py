"""The same rows in tables of other layouts, and the view that `driftmeter init` makes of each."""

import re
import uuid
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from dagster_driftmeter.cli.project_files import _view
from driftmeter.monitors.proposal import Proposal

# Ten rows a day for 60 days, from 23:30 in UTC on: that is the next day in Berlin.
ROWS = """
    create type verdict as enum ('yes', 'no');
    create type colour as enum ('red', 'green', 'blue');
    create domain amount as numeric(12, 2) check (value >= 0);
    create domain price as amount;
    create domain letters as character(3);
    create table rows as
    select
        number as n,
        number / 10 as day_number,
        number % 10 as of_day,
        timestamptz '2026-01-01 23:30+00' + number / 10 * interval '1 day' as at,
        50 + 9 * sin(number) as age,
        (array['web', 'branch', 'partner'])[1 + number * 31 % 3] as kind,
        sin(number) ^ 2 as probability,
        number * 7919 % 100 < 100 * sin(number) ^ 2 as happened
    from generate_series(0, 599) as number
"""
USUAL = "'R' || n as row_id, at as scored_at, age, kind, probability"


def table_of(engine: sa.Engine, columns: str, where: str = "true") -> str:
    """A table with these columns of the rows."""
    name = f"t{uuid.uuid4().hex[:8]}"
    with engine.begin() as session:
        statement = f"create table {name} as select {columns} from rows where {where}"
        session.exec_driver_sql(statement.replace("%", "%%"))
    return name


def viewed(engine: sa.Engine, proposal: Proposal) -> list[Mapping[str, Any]]:
    """Rows of the view that is written, as a session in a zone far away reads them."""
    labels = proposal.labels.table.quoted if proposal.labels else ""
    view = _view(proposal, proposal.table.quoted, labels)
    view = view.replace("{{ driftmeter.timezone() }}", str(proposal.fields["timezone"]))
    text = re.sub(r"{{ (.*?) }}", r"\1", view)
    with engine.connect() as session:
        session.exec_driver_sql("set timezone = 'Asia/Tokyo'")
        return [dict(row) for row in session.execute(sa.text(text.replace(":", r"\:"))).mappings()]
