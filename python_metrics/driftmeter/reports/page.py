"""Evidently's presets on two frames, as one HTML page with a header of its own."""

import html
import os
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
from evidently import Dataset, Report
from evidently.presets import (
    ClassificationPreset,
    DataDriftPreset,
    DataSummaryPreset,
    RegressionPreset,
)

from driftmeter import settings
from driftmeter.drift.evidently_score import definition_of, no_warning_of_empty_columns
from driftmeter.monitors.config import Monitor
from driftmeter.monitors.labels import as_words
from driftmeter.reports.evidently_internals import (
    drawn_once,
    values_for_a_script,
    with_library_beside,
)
from driftmeter.reports.safe_page import BESIDE, with_policy

# Fewer labelled rows draw nothing worth a look.
FEWEST_LABELS = 30
# A classifier's rows without a label are left out of the page up to this share of a side.
MOST_UNLABELLED = 0.05
STYLE = (
    "font-family: system-ui, sans-serif; padding: 16px 24px; border-bottom: 1px solid #d5d9e0;"
    " background: #f7f8fa; color: #1b1f24"
)


def write_page(
    monitor: Monitor,
    reference: pd.DataFrame,
    current: pd.DataFrame,
    facts: Mapping[str, str],
    notes: Sequence[str],
    columns: Sequence[str],
    path: Path,
) -> None:
    """Write the page whole or not at all.

    Parameters
    ----------
    reference, current : pandas.DataFrame
        One column a monitored column.
    facts : mapping of str to str
        The header's lines: what is compared with what.
    notes : sequence of str
        What a reader must know: rows that were sampled, columns that were left out.
    columns : sequence of str
        Those that are drawn.
    """
    reference, current = _typed(monitor, reference), _typed(monitor, current)
    names = [
        name for name in columns if reference[name].notna().any() and current[name].notna().any()
    ]
    notes = list(notes)
    if left_out := [name for name in columns if name not in names]:
        notes.append(f"Left out, because one side has no value: {', '.join(left_out)}.")
    presets = [DataDriftPreset(columns=names), DataSummaryPreset(columns=names)]
    with_errors = False
    if monitor.target in names and monitor.prediction in names:
        reason = _without_performance(monitor, reference, current)
        if reason is None:
            with_errors = True
            if monitor.task == "regression":
                presets.append(RegressionPreset())
            else:
                is_class = monitor.task == "multiclass"
                presets.append(ClassificationPreset(probas_threshold=None if is_class else 0.5))
                # Evidently takes a missing label for one class more.
                rows = len(reference) + len(current)
                reference, current = (
                    frame[frame[monitor.target].notna()] for frame in (reference, current)
                )
                if unlabelled := rows - len(reference) - len(current):
                    notes.append(f"{unlabelled:,} rows without a label are left out.")
        else:
            notes.append(reason)
    definition = definition_of(monitor, names, with_errors)
    with no_warning_of_empty_columns(), drawn_once(), warnings.catch_warnings():
        # scikit-learn's, of plots over few rows.
        warnings.simplefilter("ignore")
        drawn = Report(presets, include_tests=True).run(
            Dataset.from_pandas(current[names], definition),
            Dataset.from_pandas(reference[names], definition),
        )
        with values_for_a_script():
            page = drawn.get_html_str(as_iframe=False)
    settings.make_private(path.parent)
    page = with_library_beside(page, path.parent)
    start = page.find(">", page.find("<body")) + 1
    page = with_policy(page[:start] + _header(facts, notes) + page[start:], BESIDE)
    # Another process may be drawing the same page.
    new = path.with_suffix(f".{os.getpid()}.new")
    new.write_text(page, encoding="utf-8")
    new.rename(path)


def _header(facts: Mapping[str, str], notes: Sequence[str]) -> str:
    rows = "".join(
        f"<div><b>{html.escape(name)}</b> {html.escape(value)}</div>"
        for name, value in facts.items()
    )
    lines = "".join(f"<div>{html.escape(note)}</div>" for note in notes)
    return f'<header id="driftmeter" style="{STYLE}">{rows}{lines}</header>'


def _without_performance(
    monitor: Monitor, reference: pd.DataFrame, current: pd.DataFrame
) -> str | None:
    """Why the model's errors cannot be drawn, or None where they can."""
    labels = [frame[str(monitor.target)] for frame in (reference, current)]
    known = min(int(label.notna().sum()) for label in labels)
    if known < FEWEST_LABELS:
        return f"Only {known} rows of one side have a label: too few to draw the model's errors."
    if monitor.task == "regression":
        return None
    if any(label.nunique() < 2 for label in labels):
        return "All labels of one side are the same, so the model's errors are not drawn."
    worst = max(label.isna().mean() for label in labels)
    if worst > MOST_UNLABELLED:
        return (
            f"{worst:.0%} of one side's rows have no label yet: the model's errors are not drawn."
        )
    return None


def _typed(monitor: Monitor, frame: pd.DataFrame) -> pd.DataFrame:
    """Labels of two classes as true and false, however the table spells them."""
    if monitor.target is None or monitor.task != "classification":
        return frame
    words = as_words(frame[monitor.target])
    # A missing label is None, as in every other column: Evidently compares values, and pandas' own
    # `NA` is an error in each comparison.
    return frame.assign(**{monitor.target: words.where(words.notna(), None)})
