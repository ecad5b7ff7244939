"""States of a partition and of a monitor: their words, colours, and numbers for timelines."""

from driftmeter.dashboards.panels import (
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    RED,
    YELLOW,
    numbered_words,
    words,
)

STATES = {"fresh": GREEN, "empty": YELLOW, "stale": ORANGE, "missing": PURPLE, "failed": RED}
# States of a monitor whose newest day is fresh: alarm, calm, away (a column is still shifted, and
# that is not new), or not judged. A retired monitor is no longer declared.
STATE_WORDS = words(
    {"away": "still shifted"},
    **{"calm": GREEN, "away": ORANGE, "not judged": PURPLE, "alarm": RED, "retired": GREY},
    **STATES,
)
# Strings would become labels of a time series, so timelines have numbers.
STATE_NUMBER = f"array_position(array[{', '.join(map(repr, STATES))}], state)"
NUMBERED_STATES = numbered_words(*STATES.items())
