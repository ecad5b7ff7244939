"""Pieces of SQL that many panels share, in Grafana's dialect: variables and macros left in.

Days are compared as dates, so that the indexes serve; only the column that a chart reads as its
time is turned into an instant.
"""

TIME = 'metrics.chart_time(partition_date) as "time"'
DAYS = "partition_date between $__timeFrom()::date and $__timeTo()::date"
MONITOR = "monitor = '$monitor'"
COLUMN = "column_name = '$column'"
# What stands for All in a query.
EVERY_VERSION = "'every version'"
# A day without rows has no version, and belongs to every one.
VERSION = (
    "(model_version is null or model_version in ($model_version)"
    f" or {EVERY_VERSION} in ($model_version))"
)
# Versions that were acted on: a challenger's error beside theirs is no error of the model's.
ACTED_ON = (
    "model_version in (select model_version from metrics.model_version_starts"
    " where monitor = '$monitor')"
)
# Incidents of the range: one that is open goes on to its end.
IN_RANGE = (
    "opened_on <= $__timeTo()::date and coalesce(closed_on, 'infinity') >= $__timeFrom()::date"
)
SEGMENT = "metrics.segment_label(segment, segment_value) = '$segment'"
ALL_ROWS = "metrics.segment_label(segment, segment_value) = 'all rows'"
# Columns that the reference has never seen a value of say nothing by being empty.
KNOWN_COLUMN = (
    "column_name in (select column_name from metrics.reference_bins where monitor = '$monitor')"
)
