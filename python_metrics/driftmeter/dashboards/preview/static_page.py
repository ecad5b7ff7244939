"""One HTML page of a dashboard, for people with neither Docker nor Grafana; needs no network."""

import datetime as dt
import html
from collections.abc import Sequence
from pathlib import Path

import plotly.io
import sqlalchemy as sa
from plotly.offline import get_plotlyjs, get_plotlyjs_version

from driftmeter.dashboards.dashboard import Dashboard
from driftmeter.dashboards.panels import Json
from driftmeter.dashboards.preview import cells
from driftmeter.dashboards.preview.charts import figure
from driftmeter.dashboards.preview.frames import Scope, rows_of
from driftmeter.errors import DriftmeterError
from driftmeter.monitors.cadence import Cadence, Every
from driftmeter.reports.library_file import what_is_missing, write_library
from driftmeter.reports.safe_page import BESIDE, with_policy

# Of an hourly monitor.
DAYS_OF_HOURS = 7
STYLE = Path(__file__).with_name("page.css").read_text()
# The metric of each task that is shown first; of others the log loss.
FIRST_METRIC = {"regression": "mae", "multiclass": "accuracy"}
# Where the library was found, nothing is missing.
SAY_NOTHING = 'if (window.Plotly) document.getElementById("missing").remove()'


def write_page(
    engine: sa.Engine,
    dashboard: Dashboard,
    file: Path,
    *,
    monitors: Sequence[str] = (),
    days: tuple[dt.date, dt.date] | None = None,
    column: str | None = None,
) -> Path:
    """Run a dashboard's own queries and draw their answers into one file.

    The library that draws the charts is written beside it.

    Parameters
    ----------
    monitors : sequence of str
        Shown one below the other; none means every one there is.
    days : tuple of date, optional
        First and last day; None takes each monitor's newest thirty days, weeks or months.
    column : str, optional
        The one that panels of a single column show; None takes the first.

    Raises
    ------
    DriftmeterError
        If no monitor has run yet, or one has not, or one has no such column.
    """
    # Told at once, not after all queries: where it cannot be written.
    file.parent.mkdir(parents=True, exist_ok=True)
    with engine.connect() as connection:
        known = newest_batches(connection)
        missing = [name for name in monitors if name not in known]
        if missing or not known:
            raise DriftmeterError(
                f"monitor {missing[0]!r} has not run yet" if missing else "no monitor has run yet",
                where="the warehouse",
                fix="run `driftmeter run`, or materialize a day in Dagster",
            )
        parts: list[str] = []
        shared, own = _split(dashboard.to_json()["panels"])
        for number, monitor in enumerate(monitors or known):
            scope = _scope(connection, monitor, days or known[monitor], column)
            parts.append(_grid(connection, own if number else [*shared, *own], scope, file))
    library = write_library(file.parent, "plotly", get_plotlyjs_version(), get_plotlyjs())
    made = f"{dt.datetime.now(dt.timezone.utc):%Y-%m-%d %H:%M} UTC"
    page = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>Driftmeter: '
        f"{html.escape(dashboard.title)}</title><style>{STYLE}</style>"
        f'<script src="{library}"></script></head><body><header><h1>Driftmeter: '
        f"{html.escape(dashboard.title)}</h1><p>{html.escape(dashboard.description)}</p>"
        f'<p id="missing">{what_is_missing(library)}</p><script>{SAY_NOTHING}</script></header>'
        f"{''.join(parts)}<footer>Drawn {made} from the metrics schema with the queries of "
        f"Grafana's dashboard {dashboard.title}. Hover over a title to read what it "
        f"shows.</footer></body></html>"
    )
    file.write_text(with_policy(page, BESIDE), encoding="utf-8")
    return file


def _split(panels: Sequence[Json]) -> tuple[list[Json], list[Json]]:
    """Sections that are the same for every monitor, and those of the chosen one."""
    sections: list[list[Json]] = []
    for panel in panels:
        if panel["type"] == "row":
            sections.append([])
        sections[-1].append(panel)
    shared: list[Json] = []
    own: list[Json] = []
    for section in sections:
        asks = any(
            "$monitor" in target["rawSql"] for p in section for target in p.get("targets", ())
        )
        (own if asks else shared).extend(section)
    return shared, own


def newest_batches(connection: sa.Connection) -> dict[str, tuple[dt.date, dt.date]]:
    """First and last of the newest thirty days, weeks or months of every monitor that has run.

    Of hours the newest seven days.

    None where dbt has not made its tables.
    """
    if not connection.scalar(sa.text("select to_regclass('metrics.reference_bins') is not null")):
        return {}
    query = sa.text(
        "select monitor, newest_day, every, reference_from from metrics.monitor_state"
        " join metrics.monitors using (monitor) where newest_day is not null"
    )
    return {
        row.monitor: (
            first_shown(row.every, row.newest_day, row.reference_from),
            Cadence(row.every).last_day(row.newest_day),
        )
        for row in connection.execute(query)
    }


def first_shown(every: Every, newest: dt.date, reference: dt.date) -> dt.date:
    """The first of thirty batches, or of a week of hours: none before the reference."""
    if every == "hour":
        return newest - dt.timedelta(days=DAYS_OF_HOURS - 1)
    return max(Cadence(every).after(newest, -29), min(reference, newest))


def _scope(
    connection: sa.Connection, monitor: str, days: tuple[dt.date, dt.date], shown: str | None
) -> Scope:
    versions = connection.execute(
        sa.text("select model_version from metrics.model_version_starts where monitor = :monitor"),
        {"monitor": monitor},
    ).scalars()
    columns = connection.scalars(
        sa.text(
            "select column_name from metrics.monitored_columns where monitor = :monitor"
            " order by role <> 'prediction', column_name"
        ),
        {"monitor": monitor},
    ).all()
    if shown is not None and shown not in columns:
        raise DriftmeterError(
            f"{monitor} has no column {shown!r}",
            where="--column",
            fix=f"use one of {', '.join(columns)}",
        )
    declared = connection.execute(
        sa.text("select task, every from metrics.monitors where monitor = :monitor"),
        {"monitor": monitor},
    ).one()
    return Scope(
        first=dt.datetime.combine(days[0], dt.time.min, dt.timezone.utc),
        last=dt.datetime.combine(days[1], dt.time.max, dt.timezone.utc),
        values={
            "monitor": monitor,
            "model_version": list(versions) or [""],
            "segment": "all rows",
            "column": shown or columns[0],
            "metric": FIRST_METRIC.get(declared.task, "log_loss"),
        },
        every=declared.every,
    )


def _grid(connection: sa.Connection, panels: Sequence[Json], scope: Scope, page: Path) -> str:
    parts, is_open = [], False
    for panel in panels:
        if panel["type"] == "row":
            parts.append("</main>" * is_open + f"<h2>{_titled(panel, scope)}</h2><main>")
            is_open = True
            continue
        width = panel["gridPos"]["w"]
        parts.append(
            f'<section style="grid-column: span {width}">'
            f'<h3 title="{html.escape(panel["description"])}">{_titled(panel, scope)}</h3>'
            f"{_body(connection, panel, scope, page)}</section>"
        )
    return "".join(parts) + "</main>" * is_open


def _titled(panel: Json, scope: Scope) -> str:
    return html.escape(_interpolated(str(panel["title"]), scope))


def _interpolated(text: str, scope: Scope) -> str:
    """A text with the values of the variables that it names."""
    for name, value in scope.values.items():
        if isinstance(value, str):
            text = text.replace(f"${name}", value)
    return text


def _body(connection: sa.Connection, panel: Json, scope: Scope, page: Path) -> str:
    frame = rows_of(connection, panel["targets"][0]["rawSql"], scope)
    if panel["type"] == "stat":
        return cells.stat(panel, frame)
    if frame.empty:
        reason = _interpolated(panel["fieldConfig"]["defaults"]["noValue"], scope)
        return f'<p class="none">{html.escape(reason)}</p>'
    if panel["type"] == "table":
        return cells.table(panel, frame, page)
    return str(
        plotly.io.to_html(
            figure(panel, frame, scope),
            full_html=False,
            include_plotlyjs=False,
            config={"displayModeBar": False, "responsive": True},
        )
    )
