"""The example's own tables with a row a trip, by what they hold."""

from collections.abc import Mapping

# `raw.loads` and `raw.source_files` stay: they are the account of what came.
RAW = (
    "raw.trips",
    "raw.rejected_trips",
    "raw.predictions",
    "raw.challenger_predictions",
    "raw.late_labels",
    "raw.labels_taken",
)
FEATURES = ("features.trip_features",)
TABLES: Mapping[str, tuple[str, ...]] = {"raw": RAW, "features": FEATURES}
