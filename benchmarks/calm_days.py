"""How many calm days are alarms, with an interval, and tables of such figures."""

from collections.abc import Mapping, Sequence

from scipy.stats import chi2

from driftmeter.monitors.cadence import DAYS_A_MONTH


def alarm_days_a_month(spent: int, days: int) -> dict[str, float]:
    """Days with an alarm a month, with an exact 95% interval (Garwood 1936).

    Parameters
    ----------
    spent : int
        Days with an alarm.
    days : int
        All days that were judged.
    """
    months = days / DAYS_A_MONTH
    low = float(chi2.ppf(0.025, 2 * spent)) / 2 if spent else 0.0
    high = float(chi2.ppf(0.975, 2 * spent + 2)) / 2
    return {
        "alarm_days_a_month": spent / months,
        "lower": low / months,
        "upper": high / months,
    }


def markdown(rows: Sequence[Mapping[str, object]], digits: int = 2) -> str:
    """Rows as a table, numbers to so many decimals."""
    names = list(rows[0])
    lines = [f"| {' | '.join(name.replace('_', ' ') for name in names)} |"]
    lines.append(f"|{'---|' * len(names)}")
    for row in rows:
        cells = [
            f"{row[name]:.{digits}f}" if isinstance(row[name], float) else str(row[name])
            for name in names
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)
