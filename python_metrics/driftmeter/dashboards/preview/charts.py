"""Plotly figures of Grafana's chart panels."""

import pandas as pd
import plotly.graph_objects as go

from driftmeter.dashboards.panels import Json
from driftmeter.dashboards.preview.formats import COLORS, color_of, meaning_of, settings_of, shown
from driftmeter.dashboards.preview.frames import Scope, series_of
from driftmeter.monitors.cadence import Cadence, Every

PALETTE = (
    "#3274d9", "#f2802a", "#56a64b", "#b877d9", "#e0b400", "#e02f44", "#37a2a2", "#8d6e63",
    "#7e8aa2", "#d683ce", "#96bf48", "#4b6fa8",
)  # fmt: skip
DAY_MS = 86_400_000
# As many decimals as tell one tick from the next.
SHARES = ".2~%"
# Over fewer, a tick of its own choosing is an hour of a day that has one value.
FEW_DAYS = pd.Timedelta(days=8)
ONE_DAY, MILLISECOND = pd.Timedelta(days=1), pd.Timedelta(milliseconds=1)
# The time that a batch takes on a chart; months as the shortest of them.
LENGTHS: dict[Every, pd.Timedelta] = {
    "hour": pd.Timedelta(hours=1),
    "day": ONE_DAY,
    "week": pd.Timedelta(weeks=1),
    "month": pd.Timedelta(days=28),
}
# Pixels in which the name of a row can be read, and those of the axis and legend below the rows.
ROW_HEIGHT, BELOW_ROWS = 16, 75
# No two months in a row begin further from each other.
LONGEST_MONTH = pd.Timedelta(days=31)


def figure(panel: Json, frame: pd.DataFrame, scope: Scope) -> go.Figure:
    """The figure of one chart panel.

    Parameters
    ----------
    scope : Scope
        Its days are the whole width of a chart over time, days without a value included.

    Raises
    ------
    KeyError
        For a kind of panel that has no figure.
    """
    drawn = {
        "timeseries": _timeseries,
        "status-history": _history,
        "state-timeline": _history,
        "barchart": _bars,
    }[panel["type"]](panel, frame, scope)
    # As high as in Grafana, and higher where rows have names that would lie upon each other.
    height = max(30 * panel["gridPos"]["h"], drawn.layout.height or 0)
    legend = {
        "orientation": "h",
        "yref": "container",
        "y": 0,
        "yanchor": "bottom",
        "font": {"size": 10},
    }
    legend.update(drawn.layout.legend.to_plotly_json())
    drawn.update_layout(
        height=height,
        margin={"l": 10, "r": 10, "t": 6, "b": 6},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"family": "system-ui, sans-serif", "size": 11, "color": "#3b4350"},
        legend=legend,
        hoverlabel={"font_size": 11},
    )
    drawn.update_xaxes(showgrid=False, automargin=True)
    drawn.update_yaxes(gridcolor="#e8ebef", zeroline=False, automargin=True)
    if panel["type"] != "barchart":
        # A point or a bar sits on the first moment of its batch, half of it before.
        half = max(LENGTHS[scope.every], ONE_DAY) / 2
        drawn.update_xaxes(range=[scope.first - half, scope.last])
        if scope.last - scope.first < FEW_DAYS:
            drawn.update_xaxes(dtick=DAY_MS)
    return drawn


def _timeseries(panel: Json, frame: pd.DataFrame, scope: Scope) -> go.Figure:
    drawn = go.Figure()
    series = series_of(frame)
    is_own = _is_of_one_monitor(panel)
    for number, (name, values) in enumerate(series.items()):
        settings = settings_of(panel, name)
        custom, fixed = settings["custom"], settings["color"].get("fixedColor")
        color = COLORS[fixed] if fixed else PALETTE[number % len(PALETTE)]
        # The edge of a band is a line without width, which has no swatch.
        is_listed = not custom["hideFrom"]["legend"] and custom["lineWidth"] > 0
        # Every batch has its place, so that one without a value breaks the line.
        step = LENGTHS[scope.every]
        if not is_own:
            step = _step(values, LONGEST_MONTH) if len(values) > 1 else ONE_DAY
        batches = _in_a_row(values.groupby(level=0).mean(), step)
        if custom["drawStyle"] == "bars":
            drawn.add_bar(
                x=batches.index,
                y=batches,
                width=0.8 * step / MILLISECOND,
                name=name,
                marker_color=color,
                showlegend=True,
            )
            continue
        lower = series.get(custom.get("fillBelowTo", ""))
        if lower is not None:
            both = pd.concat([values, lower.reindex(values.index)], axis=1).dropna()
            # One piece for batches in a row: a band over a gap would hide it.
            longest = LONGEST_MONTH if step == LENGTHS["month"] else step
            piece = (both.index.to_series().diff() > longest).cumsum()
            for _, part in both.groupby(piece.to_numpy()):
                drawn.add_scatter(
                    x=[*part.index, *part.index[::-1]],
                    y=[*part.iloc[:, 0], *part.iloc[::-1, 1]],
                    fill="toself",
                    fillcolor=color,
                    opacity=custom["fillOpacity"] / 100,
                    line_width=0,
                    mode="lines",
                    showlegend=False,
                    hoverinfo="skip",
                )
        drawn.add_scatter(
            x=batches.index,
            y=batches,
            name=name,
            mode="lines" if custom["showPoints"] == "never" else "lines+markers",
            line={
                "color": color,
                "width": custom["lineWidth"],
                "dash": "dash" if custom.get("lineStyle") else "solid",
            },
            marker={"size": 4},
            connectgaps=False,
            showlegend=is_listed,
        )
    drawn.update_layout(barmode="stack")
    defaults = panel["fieldConfig"]["defaults"]
    if defaults["custom"]["thresholdsStyle"]["mode"] == "line":
        for step in defaults["thresholds"]["steps"][1:]:
            drawn.add_hline(y=step["value"], line_dash="dash", line_color=COLORS[step["color"]])
    if defaults["unit"] == "percentunit":
        drawn.update_yaxes(tickformat=SHARES)
    if "min" in defaults:
        drawn.update_yaxes(rangemode="tozero")
    least = defaults["custom"].get("axisSoftMax")
    if least and max((values.max() for values in series.values()), default=0) < least:
        drawn.update_yaxes(range=[0, least])
    return drawn


def _is_of_one_monitor(panel: Json) -> bool:
    """Whether a panel shows the chosen monitor, or all that there are."""
    return any("'$monitor'" in target["rawSql"] for target in panel["targets"])


def _step(values: pd.Series, longest: pd.Timedelta) -> pd.Timedelta:
    """The time that a point stands for: that to the nearest other one, if it is no longer."""
    times = values.index.unique().sort_values()
    return min(times.to_series().diff().min(), longest) if len(times) > 1 else longest


def _in_a_row(values: pd.Series, step: pd.Timedelta) -> pd.Series:
    """A value, or none, for each batch from the first one to the last."""
    if len(values) < 2:
        return values
    is_monthly = step >= LENGTHS["month"] and bool((values.index.day == 1).all())
    begun = values.asfreq("MS" if is_monthly else step)
    # What lies between two steps is no batch of this length, and is shown all the same.
    return values if begun.count() < values.count() else begun


def _history(panel: Json, frame: pd.DataFrame, scope: Scope) -> go.Figure:
    settings = panel["fieldConfig"]["defaults"]
    series = series_of(frame)
    cadence = Cadence(scope.every)
    drawn = go.Figure()
    by_color: dict[str, list[tuple[object, str, str]]] = {}
    meanings: dict[str, str] = {}
    # The cells of a chart are as long as its batches, or days of them.
    step = _step(pd.concat(series.values()), LENGTHS[scope.every]) if series else ONE_DAY
    for name, values in reversed(series.items()):
        for time, value in values.dropna().items():
            when = f"{time:%a %Y-%m-%d}" if step >= ONE_DAY else f"{time:%a %Y-%m-%d %H:%M}"
            if step > ONE_DAY:
                when = cadence.name(time.date())
            text = f"{name}, {when}: {shown(float(value), settings)}"
            color = color_of(float(value), settings)
            meanings[color] = meaning_of(float(value), settings)
            by_color.setdefault(color, []).append((time, name, text))
    for color, cells in by_color.items():
        times, names, texts = zip(*cells, strict=True)
        drawn.add_bar(
            y=names,
            base=times,
            x=[0.92 * step / MILLISECOND] * len(cells),
            orientation="h",
            marker_color=color,
            marker_line_width=0,
            hovertext=texts,
            hoverinfo="text",
            name=meanings[color],
            showlegend=True,
        )
    rows = ROW_HEIGHT * len(series) + BELOW_ROWS
    drawn.update_layout(barmode="overlay", bargap=0.12, height=rows)
    drawn.update_xaxes(type="date")
    drawn.update_yaxes(type="category", categoryarray=list(reversed(series)), dtick=1)
    return drawn


def _bars(panel: Json, frame: pd.DataFrame, scope: Scope) -> go.Figure:
    drawn = go.Figure()
    x = panel["options"]["xField"]
    for number, name in enumerate(column for column in frame.columns if column != x):
        fixed = settings_of(panel, name)["color"].get("fixedColor")
        color = COLORS[fixed] if fixed else PALETTE[number]
        drawn.add_bar(x=frame[x], y=frame[name], name=name, marker_color=color, opacity=0.8)
    # Below are the long names of bins.
    drawn.update_layout(barmode="group", legend={"yref": "paper", "y": 1.12, "yanchor": "top"})
    drawn.update_xaxes(type="category")
    if panel["fieldConfig"]["defaults"]["unit"] == "percentunit":
        drawn.update_yaxes(tickformat=SHARES)
    return drawn
