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
# A monitor whose newest day is fresh is in alarm, calm, or away: no longer new, and not as in the
# reference; or no column was judged, so that nobody knows. A retired one is no longer declared.
STATE_WORDS = words(
    **{"calm": GREEN, "away": ORANGE, "not judged": PURPLE, "alarm": RED, "retired": GREY}, **STATES
)
# Strings would become labels of a time series, so timelines have numbers.
STATE_NUMBER = f"array_position(array[{', '.join(map(repr, STATES))}], state)"
NUMBERED_STATES = numbered_words(*STATES.items())
