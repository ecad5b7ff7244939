"""The page `docs/model.md` is enough: its formulas, written down here once more, give the p-values.

Nothing here is taken from the code that it is held against. Sections are those of the page.
"""

import datetime as dt
import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, special, stats

from benchmarks.groups import GroupScenario, counts_of
from benchmarks.groups import monitor_of as groups_monitor
from benchmarks.judges import Binning, monitor_of
from benchmarks.streams import FIRST, Stream
from driftmeter.alarms.column import calibrate_column, calibrate_columns, judge_column
from driftmeter.alarms.day_null import fit_day_null, judge_days
from driftmeter.alarms.event_days import EventDays
from driftmeter.incidents.arrival import Partition, of_volume
from driftmeter.monitors.config import ReferenceDays
from driftmeter.performance.group_differences import decide_groups
from driftmeter.performance.usual_value import fit_usual
from driftmeter.quality.counts import Counts, Floats
from driftmeter.quality.histograms import ColumnPart

K, LATER = 45, 20
WEIGHTS = {"missing": (0.22, 0.20), "location": 0.58, "spread": 0.05, "value": (0.15, 0.80)}
WINDOWS = {1: 0.85, 3: 0.03, 7: 0.12}
POSITIVE = ("true_positive", "false_negative")
# Of each statistic of a group the counts of its rows, and of those that have the property.
SIDES = {
    "selection_rate": (("predicted_count",), ("selected_count",)),
    "true_positive_rate": (POSITIVE, ("true_positive",)),
    "false_positive_rate": (("false_positive", "true_negative"), ("false_positive",)),
    "calibration": (("labelled_count",), POSITIVE),
}


@dataclass
class Null:
    """What the day null keeps of one statistic."""

    level: np.ndarray
    v: float
    mean_noise: float
    T: float
    of_level: np.ndarray
    F: float
    R: float
    H: float = np.inf


def dersimonian_laird(x: np.ndarray, s: np.ndarray, f: np.ndarray | float, nu: float) -> float:
    w = 1 / s
    return max((np.sum((x - f) ** 2 / s) - nu) / (w.sum() - (w**2).sum() / w.sum()), 0.0)


def nulls(x: np.ndarray, n: np.ndarray, v: np.ndarray, days: np.ndarray, alike: list[int],
          shares: list[int], expected: np.ndarray | None = None) -> list[Null]:  # fmt: skip
    """Day nulls of a column's statistics; x and n of shape (days, statistics)."""
    K = len(x)
    found, z_of, r = [], [], []
    parts = []
    for g in range(x.shape[1]):
        s = v[g] / np.maximum(n[:, g], 1)
        mu0 = np.average(x[:, g], weights=1 / s)
        weight = 1 / (s + dersimonian_laird(x[:, g], s, mu0, K - 1))
        mu = np.average(x[:, g], weights=weight)
        means, between, within, kappa = np.full(7, mu), 0.0, 0.0, 0.0
        if min(np.bincount(days, minlength=7)) >= 3:
            for day in range(7):
                of = days == day
                means[day] = np.average(x[of, g], weights=weight[of])
                between += weight[of].sum() * (means[day] - mu) ** 2 / 6
                within += np.sum(weight[of] * (x[of, g] - means[day]) ** 2) / (len(x) - 7)
            kappa = float(np.clip(1 - within / between, 0, 1)) if between > 0 else 0.0
        level = mu + kappa * (means - mu)
        nu = max(K - 1 - 6 * kappa, 4)
        tau = dersimonian_laird(x[:, g], s, level[days], nu)
        parts.append([s, level, nu, kappa, tau])
    if alike:
        squares = [np.sum((x[:, g] - parts[g][1][days]) ** 2) * K / parts[g][2] for g in alike]
        usual = [parts[g][0].mean() * K for g in alike]
        of_all = max(sum(squares) / sum(usual) - 1, 0)
        for g in alike:
            mean_noise, count = parts[g][0].mean(), (x[:, g] * n[:, g]).mean()
            info = K * min(count, 1)
            own = parts[g][4] / mean_noise
            parts[g][4] = (info * own + 10 * of_all) / (info + 10) * mean_noise
    if expected is not None and K < 28:
        for g, part in enumerate(parts):
            noise, own = part[0].mean(), max(K - 1 - 6 * part[3], 0)
            part[4] = (4 * (expected[g] + noise) + own * (part[4] + noise)) / (4 + own) - noise
            part[2] = 4 + own
    for g, (s, level, _, _, tau) in enumerate(parts):
        z = (x[:, g] - level[days]) / np.sqrt(tau + s.mean())
        z_of.append(z)
        r.append(np.sum(z[:-1] * z[1:]) / np.sum(z**2) if np.any(z) else 0.0)
    r = np.array(r)
    spread = max(np.mean((r - r.mean()) ** 2) - 1 / K, 0)
    r1 = r.mean() + spread / (spread + 1 / K) * (r - r.mean())
    r2 = r1 + (1 + 3 * r1) / K
    heaviness = heavy(np.array(z_of), x * n, n, shares)
    for g, (s, level, nu, kappa, tau) in enumerate(parts):
        total = tau + s.mean()
        q = tau / total
        rho = np.clip(r2[g] / max(q, 1e-3), 0, 0.95)

        def inflated(a: float, b: float) -> float:
            return 1 + 2 * a * b / (1 - b)

        i = min(inflated(q, rho), max(K / 2, 1))
        lacking = max(K - 1, 1) / max(K - i, 1)
        of_weekday = np.maximum(np.bincount(days, minlength=7), 1)
        found.append(
            Null(
                level,
                v[g],
                s.mean(),
                tau * lacking,
                total * lacking * (i / K + kappa / of_weekday),
                max(nu / inflated(q**2, rho**2), 4),
                float(np.clip((r2[g] + 1 / np.sqrt(K)) / max(q, 1e-3), 0, 0.95)),
                heaviness,
            )
        )
    return found


def heavy(z: np.ndarray, counts: np.ndarray, n: np.ndarray, shares: list[int]) -> float:
    """Of a column: the heaviest tail of its means one by one, and of its shares together."""
    means = [g for g in range(len(z)) if g not in shares]
    rows = counts.mean(axis=0), (n - counts).mean(axis=0)
    told = [g for g in shares if rows[0][g] >= 5 and rows[1][g] >= 5]
    found = [np.inf]
    for group in [*([g] for g in means), *([told] if told else [])]:
        values = z[group].ravel()
        scale = np.sqrt(np.mean(values**2))
        if len(values) < 28 * len(group) or scale <= 0:
            continue
        values = values / scale
        gains = {
            h: stats.t.logpdf(values, h, scale=np.sqrt((h - 2) / h)).sum()
            - stats.norm.logpdf(values).sum()
            for h in (2.2, 2.5, 3.0, 4.0, 6.0, 10.0)
        }
        best = max(gains, key=lambda h: gains[h])
        if gains[best] * min(len(group), 4) / len(group) > 4:
            found.append(best)
    return min(found)


def tail(delta: float, F: float, known: float) -> float:
    t = 2 * stats.t.sf(abs(delta), F)
    if t >= 0.05:
        return float(t)
    nodes, weights = np.polynomial.legendre.leggauss(96)
    low, high = max(1 - 7 * np.sqrt(2 / F), 1e-6), 1 + 8 * np.sqrt(2 / F)
    Q = low + (high - low) * (nodes + 1) / 2
    density = stats.chi2.logpdf(Q * F, F)
    weights = weights * np.exp(density - density.max())
    chances = 2 * stats.norm.cdf(-abs(delta) * np.sqrt(np.maximum(Q, known)))
    return float(max(np.sum(weights * chances) / weights.sum(), 2 * stats.norm.sf(abs(delta))))


def p_value(null: Null, x: np.ndarray, n: np.ndarray, days: np.ndarray, least: float,
            is_share: bool, is_positive: bool = False, m: int = 1) -> float:  # fmt: skip
    """Of a window of m days that ends with the last; every day has rows."""
    s = null.v / np.maximum(n, 1)
    u = null.T + np.clip(1 - s / null.mean_noise, 0, 1) * np.sqrt(2 / null.F) * null.mean_noise + s
    lags = np.arange(1, m)
    of_null = null.T / max(null.T + null.mean_noise, 1e-300)
    J = 1 + 2 * of_null * np.sum((1 - lags / m) * null.R**lags)
    level, of_level = null.level[days], null.of_level[days[-1]]
    V = J * u.sum() + len(x) ** 2 * of_level
    delta = np.sum(x - level) / np.sqrt(V)
    answer = tail(delta, null.F, s.sum() / V)
    if m == 1 and np.isfinite(null.H):
        wide = abs(delta) * np.sqrt(null.H / (null.H - 2))
        answer = max(answer, 2 * stats.t.sf(wide, null.H))
    if is_positive:
        shape = level.sum() ** 2 / V
        law = stats.gamma(shape, scale=level.sum() / shape)
        answer = max(answer, min(2 * law.cdf(x.sum()), 2 * law.sf(x.sum()), 1.0))
    e = np.maximum(level, least)
    extra = J * np.sum(np.maximum(u - s, 0) * n**2) + of_level * n.sum() ** 2
    if not is_share or 0.2 <= e[-1] <= 0.8:
        return float(answer)
    is_near_one = e[-1] > 0.8
    counted, usual = np.sum(x * n), np.sum(e * n)
    if is_near_one:
        counted, usual = n.sum() - counted, n.sum() - usual
    scale = 1 / (1 - min(1 - e[-1] if is_near_one else e[-1], 0.2))
    c, a, b = scale * counted, max(scale * usual, 1e-9), scale**2 * extra
    size = np.clip(a**2 / max(b, 1e-300), 1e-6, 1e9)
    chance = size / (size + a)
    upper = special.betainc(c, size, 1 - chance) if c > 0 else 1.0
    lower = special.betainc(size, c + 1, chance)
    return float(max(answer, min(2 * min(upper, lower), 1)))


def groups_of(counts: Counts, K: int) -> list[list[int]]:
    """Bins of each group of a category's column over all rows."""
    share = counts.known[:K].sum(axis=0) / counts.known[:K].sum()
    frequent = [b for b in range(1, len(share)) if share[b] >= 0.002]
    rare = [b for b in range(1, len(share)) if share[b] < 0.002]
    return [[0], *([b] for b in frequent), *([rare] if rare else [])]


def statistics(
    counts: Counts, K: int, of_column: Counts
) -> tuple[list[str], np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Names, values and rows of all days, and what the reference days fix."""
    known, missing = counts.known, counts.missing
    reference = known[:K].sum(axis=0)
    total, none = reference.sum(), missing[:K].sum()
    share = reference / total
    is_number = counts.kind == "numerical"
    if is_number:
        groups = [[b] for b in range(len(share))]
        upper = np.cumsum(share)
        scores = np.clip(stats.norm.ppf(np.clip(upper - share / 2, 1e-12, 1 - 1e-12)), -3, 3)
        scores[share == 0] = np.where(upper[share == 0] < 0.5, -3, 3)
    else:
        groups = groups_of(of_column, K)
    of_group = np.array([share[group].sum() for group in groups])
    p = np.append(none / (total + none), of_group)
    smooth = (p * total + 0.5) / (total + 1)
    once = min(1 / (total + 1), 0.5)
    new_rows = known[:K][:, (known[:K] > 0).sum(axis=0) == 1].sum(axis=1)
    new = min(once * (1 + (0 if is_number else new_rows.sum())), 0.5)
    if not is_number:
        smooth[1] = max(smooth[1], new)
    v = list(smooth * (1 - smooth))
    weight = np.maximum(of_group, 0.005)
    weights = [WEIGHTS["missing"][not is_number], *WEIGHTS["value"][not is_number] * weight / weight.sum()]  # fmt: skip  # noqa: E501
    rows = known.sum(axis=1)
    values = [missing / (rows + missing), *(known[:, g].sum(axis=1) / rows for g in groups)]
    least = [once, new, *[once] * (len(groups) - 1)]
    names = ["missing", *(f"value {g}" for g in range(len(groups)))]
    if is_number:
        for place, (name, score) in enumerate((("location", scores), ("spread", scores**2)), 1):
            mean = share @ score
            values.insert(place, known @ score / rows)
            v.insert(place, max(share @ score**2 - mean**2, 0.01))
            weights.insert(place, WEIGHTS[name])
            least.insert(place, 0.0)
            names.insert(place, name)
    n = np.repeat(rows[:, None], len(names), axis=1)
    n[:, 0] = rows + missing
    fixed = {"v": np.array(v), "weights": np.array(weights), "least": np.array(least)}
    # Of the shares; a mean's is not used.
    fixed["p"] = np.insert(p, [1, 1], 0.0) if is_number else p
    fixed["new_rows"] = new_rows / rows[:K]
    return names, np.column_stack(values), n, fixed


def of_few_days(
    K: int, W: float, rows: float, fixed: dict[str, np.ndarray], shares: list[int]
) -> np.ndarray:
    """Expected day variances of a column's statistics; raises its least shares."""
    rho = min(W / (1 + W / K), 0.98)
    N = rows / (1 + (rows / K - 1) * rho)
    expected = W * fixed["v"]
    for g in shares:
        expected[g] = of_shares((fixed["p"][g] * N + 0.5) / (N + 1), rho)
        fixed["least"][g] = max(fixed["least"][g], min(1 / (N + 1), 0.5))
    return expected


def fitted(
    counts: Counts, K: int, W: float | None, of_column: Counts
) -> tuple[list[Null], dict[str, np.ndarray]]:
    """Nulls of a column's statistics, from its first K days, and what these days fix."""
    _, x, n, fixed = statistics(counts, K, of_column)
    x = x[:K].copy()
    is_number = counts.kind == "numerical"
    if not is_number:
        x[:, 1] = fixed["new_rows"]
    shares = [g for g in range(x.shape[1]) if not (is_number and g in (1, 2))]
    alike = [] if is_number else shares[1:]
    expected = None if W is None else of_few_days(K, W, n[:K].sum(axis=0).max(), fixed, shares)

    def after(e: int) -> list[Null]:
        return nulls(x[e:], n[e:K], fixed["v"], weekdays(counts)[e:K], alike, shares, expected)

    return after(first_days(x, n, weekdays(counts), shares, fixed, after) if K >= 28 else 0), fixed


def first_days(
    x: np.ndarray,
    n: np.ndarray,
    days: np.ndarray,
    shares: list[int],
    fixed: dict[str, np.ndarray],
    after: Callable[[int], list[Null]],
) -> int:
    """How many of the reference's first days lie before a change."""
    tried, most = len(x) // 10, 0
    for g, null in enumerate(after(tried)):
        for day in range(tried):
            at = slice(day, day + 1)
            asked = (x[at, g], n[at, g], days[at], fixed["least"][g], g in shares)
            if p_value(null, *asked) >= 1e-6:
                break
            most = max(most, day + 1)
    return most


def weekdays(counts: Counts) -> np.ndarray:
    return (counts.days.astype("datetime64[D]").astype(int) + 3) % 7


def wanderings(columns: list[Counts], K: int) -> list[float]:
    """W' of the page, of each column over all rows."""
    found = []
    for counts in columns:
        of_nulls, fixed = fitted(counts, K, None, counts)
        is_number = counts.kind == "numerical"
        told = [1] if is_number else range(1, len(of_nulls))
        of_rows = [fixed["v"][g] ** (1 if is_number else 2) for g in told]
        found.append(sum(of_nulls[g].T for g in told) / sum(of_rows))
    t = (K - 1) * min(len(found), 4)
    W = (4 * 0.01 + t * float(np.mean(found))) / (4 + t)
    return [(4 * W + (K - 1) * own) / (4 + K - 1) for own in found]


def of_shares(p: np.ndarray | float, rho: float) -> np.ndarray:
    """Variance of the shares of rows on days that are as much alike."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(64)
    at = stats.norm.ppf(p)[..., None] - np.sqrt(rho) * nodes
    of_day = stats.norm.cdf(at / np.sqrt(1 - rho))
    mean = np.average(of_day, weights=weights, axis=-1)
    return np.average(of_day**2, weights=weights, axis=-1) - mean**2


def of_event_by_page(counts: Counts, of_column: Counts, day: int) -> float:
    """P-value of a column on a day of an event that the reference has not seen."""
    names, x, n, _ = statistics(counts, K, of_column)
    fit, fixed = fitted(counts, K, None, of_column)
    smallest = 1.0
    for g, null in enumerate(fit):
        is_share = names[g] not in ("location", "spread")
        p = np.clip(fixed["p"][g], fixed["least"][g], 1)
        null.T += of_shares(p, 0.09 / 1.09) if is_share else 0.09 * fixed["v"][g]
        at = slice(day, day + 1)
        asked = (x[at, g], n[at, g], weekdays(counts)[at], fixed["least"][g], is_share)
        found = p_value(null, *asked, names[g] == "spread", 1)
        smallest = min(smallest, found / fixed["weights"][g])
    return smallest


def by_page(counts: Counts, of_column: Counts, K: int = K, W: float | None = None) -> list[float]:
    """P-value of a column on each day after the reference."""
    names, x, n, _ = statistics(counts, K, of_column)
    days = weekdays(counts)
    fit, fixed = fitted(counts, K, W, of_column)
    is_few = (counts.known.sum(axis=1) + counts.missing)[:K].mean() < 60
    windows = {1: 0.6, 3: 0.1, 7: 0.15, 28: 0.15} if is_few else WINDOWS
    calm = x.copy()
    for g, null in enumerate(fit):
        s = null.v / np.maximum(n[:, g], 1)
        unsure = np.clip(1 - s / null.mean_noise, 0, 1) * np.sqrt(2 / null.F) * null.mean_noise
        most = 3 * np.sqrt(null.T + unsure + s + null.of_level[days])
        calm[:, g] = null.level[days] + np.clip(x[:, g] - null.level[days], -most, most)
    answer = []
    for day in range(K, len(x)):
        weighed = [
            p_value(
                null,
                (x if m == 1 else calm)[max(day - m + 1, 0) : day + 1, g],
                n[max(day - m + 1, 0) : day + 1, g],
                days[max(day - m + 1, 0) : day + 1],
                fixed["least"][g],
                names[g] not in ("location", "spread"),
                names[g] == "spread",
                m,
            )
            / (fixed["weights"][g] * share)
            for m, share in windows.items()
            for g, null in enumerate(fit)
        ]
        answer.append(min(*weighed, 1.0))
    return answer


@pytest.fixture(scope="module")
def counts() -> dict[ColumnPart, Counts]:
    generator = np.random.default_rng(20261129)
    # A day effect that goes on, so that every part of the null is at work.
    frames = Stream(900, 0.15, categories=40, carried=0.6).days(generator, K + LATER)
    frames[-1]["normal"] += 0.5
    frames[-2]["ten"] = "3"
    frames[-3].loc[:200, "holes"] = np.nan
    monitor = monitor_of(frames[0], 1.0, ("two",))
    return Binning(monitor, pd.concat(frames[:K], ignore_index=True)).counts(frames, FIRST)


def test_p_values_where_the_reference_begins_before_a_change() -> None:
    generator = np.random.default_rng(20261130)
    frames = Stream(900, 0.15, categories=40, carried=0.6).days(generator, K + LATER)
    for frame in frames[:2]:
        frame["normal"] -= 2.0
        frame.loc[:700, "ten"] = "9"
    monitor = monitor_of(frames[0], 1.0, ("two",))
    early = Binning(monitor, pd.concat(frames[:K], ignore_index=True)).counts(frames, FIRST)
    columns = calibrate_columns({one: each.only(np.arange(K)) for one, each in early.items()})
    for part in (ColumnPart(None, None, name) for name in ("normal", "ten", "lognormal")):
        computed = judge_column(columns[part], early[part]).p_value[K:]
        by_the_page = by_page(early[part], early[part])
        assert computed == pytest.approx(by_the_page, rel=1e-9, abs=1e-300)
    # As wide as a reference that begins after the change would make it, and no wider.
    part = ColumnPart(None, None, "normal")
    later = calibrate_column(early[part].only(np.arange(2, K)))
    variance = columns[part].null.day_variance[columns[part].scale.names.index("location")]
    assert variance == pytest.approx(later.null.day_variance[1], rel=0.3)


@pytest.mark.parametrize(
    "part",
    [
        ColumnPart(None, None, "normal"),
        ColumnPart(None, None, "with_outliers"),
        ColumnPart(None, None, "holes"),
        ColumnPart(None, None, "ten"),
        ColumnPart(None, None, "many"),
        ColumnPart("two", "1", "lognormal"),
        ColumnPart("two", "0", "ten"),
    ],
    ids=str,
)
def test_p_values_of_columns_and_segments(
    counts: dict[ColumnPart, Counts], part: ColumnPart
) -> None:
    columns = calibrate_columns({one: each.only(np.arange(K)) for one, each in counts.items()})
    computed = judge_column(columns[part], counts[part]).p_value[K:]
    of_column = counts[ColumnPart(None, None, part.column)]
    assert computed == pytest.approx(by_page(counts[part], of_column), rel=1e-9, abs=1e-300)
    assert len({*computed}) >= 5


@pytest.mark.parametrize("name", ["normal", "holes", "ten", "many"])
def test_p_values_of_a_known_event(counts: dict[ColumnPart, Counts], name: str) -> None:
    part = ColumnPart(None, None, name)
    columns = calibrate_columns({one: each.only(np.arange(K)) for one, each in counts.items()})
    for day in range(K, K + LATER):
        named = EventDays(tuple("a sale" if each == day else None for each in range(K + LATER)))
        calm = judge_column(columns[part], named.without(counts)[part])
        assert np.isnan(calm.p_value[day])
        judged = named.judged(calm, part, columns[part], counts[part], None, {})
        assert judged.p_value[day] == pytest.approx(
            of_event_by_page(counts[part], counts[part], day), rel=1e-9, abs=1e-300
        )
        others = np.arange(K + LATER) != day
        assert np.array_equal(judged.p_value[others], calm.p_value[others])


def test_p_values_of_an_event_that_the_reference_has_seen(
    counts: dict[ColumnPart, Counts],
) -> None:
    seen, today = [3, 11, 19, 27, 40], K + LATER - 1
    part = ColumnPart(None, None, "normal")
    names = ["a sale" if day in (*seen, today) else None for day in range(K + LATER)]
    named, of_reference = EventDays(tuple(names)), EventDays(tuple(names[:K]))
    reference = {one: each.only(np.arange(K)) for one, each in counts.items()}
    columns = calibrate_columns(of_reference.without(reference))
    of_events = of_reference.seen(columns, reference)
    calm = judge_column(columns[part], named.without(counts)[part])
    judged = named.judged(calm, part, columns[part], counts[part], None, of_events)
    of_days = counts[part].only(np.array([*seen, today]))
    fit, fixed = fitted(of_days, len(seen), None, of_days)
    assert fit[1].T > 0
    W = (4 * columns[part].wandering + 4 * fit[1].T / fixed["v"][1]) / 8
    fit, fixed = fitted(of_days, len(seen), W, of_days)
    names, x, n, _ = statistics(of_days, len(seen), of_days)
    expected = min(
        p_value(
            null, x[-1:, g], n[-1:, g], weekdays(of_days)[-1:], fixed["least"][g],
            names[g] not in ("location", "spread"), names[g] == "spread",
        ) / fixed["weights"][g]
        for g, null in enumerate(fit)
    )  # fmt: skip
    assert judged.p_value[today] == pytest.approx(min(expected, 1.0), rel=1e-9)
    assert np.isnan(judged.trailing_p_value[today])


@pytest.mark.parametrize("few", [6, 20])
@pytest.mark.parametrize("rows", [25, 300])
def test_p_values_with_few_reference_days_and_few_rows(few: int, rows: int) -> None:
    generator = np.random.default_rng([few, rows])
    frames = Stream(rows, 0.15, categories=10).days(generator, few + LATER)
    frames[-1]["normal"] += 0.5
    monitor = monitor_of(frames[0], 1.0)
    counts = Binning(monitor, pd.concat(frames[:few], ignore_index=True)).counts(frames, FIRST)
    columns = calibrate_columns({part: each.only(np.arange(few)) for part, each in counts.items()})
    expected = dict(zip(counts, wanderings(list(counts.values()), few), strict=True))
    for part in (ColumnPart(None, None, name) for name in ("normal", "holes", "ten")):
        computed = judge_column(columns[part], counts[part]).p_value[few:]
        assert computed == pytest.approx(
            by_page(counts[part], counts[part], few, expected[part]), rel=1e-9, abs=1e-300
        )


def of_one_day(x: np.ndarray, n: np.ndarray, v: float, days: np.ndarray, **kind: bool) -> float:
    """P-value of the last day beside all others."""
    (null,) = nulls(x[:-1, None], n[:-1, None], np.array([v]), days[:-1], [], [])
    return p_value(null, x[-1:], n[-1:], days[-1:], 0.0, False, **kind)


def test_p_values_of_the_error() -> None:
    generator = np.random.default_rng(5)
    days = np.arange(K + 1) % 7
    rows = generator.integers(200, 400, K + 1).astype(float)
    errors = generator.gamma(50, 0.1, K + 1) + 0.3 * (days >= 5)
    fitted = fit_day_null(errors[:K, None], rows[:K, None], np.array([12.5]), days[:K])
    judged = judge_days(fitted, errors[K:], rows[K:], days[K:], is_positive=True)
    expected = of_one_day(errors, rows, 12.5, days, is_positive=True)
    assert judged.p_value[0] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("trend", [0.0, 0.01])
def test_p_values_of_the_number_of_rows(trend: float) -> None:
    generator = np.random.default_rng(5)
    rows = np.round(300 * np.exp(trend * np.arange(K + 1) + generator.normal(0, 0.1, K + 1)))
    rows[K] *= 3
    days = np.array([FIRST + np.timedelta64(day, "D") for day in range(K + 1)]).astype(object)
    weekdays = np.array([day.weekday() for day in days])
    a = of_one_day(np.log(rows), rows, 1.0, weekdays)
    (null,) = nulls(np.log(rows[:K, None]), rows[:K, None], np.ones(1), weekdays[:K], [], [])
    r = np.log(rows) - null.level[weekdays]
    q = r[2:] - (r[1:-1] + r[:-2]) / 2
    b = of_one_day(q, rows[2:], 1.5, np.zeros(K - 1, dtype=int))
    assert (b < a) == (trend > 0)
    reference = dict(zip(days[:K], rows[:K], strict=True))
    today = Partition(days[K], "fresh", None, int(rows[K]), None, None)
    monitor = monitor_of(Stream(30, 0.0).day(generator), 1.0)
    (breach,) = of_volume(reference, [today], monitor).values()
    assert breach.evidence["p_value"] == pytest.approx(min(2 * min(a, b), 1), rel=1e-9)


def likeliest_skewness(z: Floats) -> float:
    """Of Pearson's type III by scipy, where it is likelier than a normal by more than 0.5."""
    z = (z - z.mean()) / z.std()
    sizes = (0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0)
    every = {G: stats.pearson3.logpdf(z, G).sum() for size in sizes for G in (-size, size)}
    best = max(every, key=lambda G: every[G])
    return best if every[best] > stats.norm.logpdf(z).sum() + 0.5 else 0.0


@pytest.mark.parametrize("kind", ["a mean", "a sum", "neither", "losses"])
def test_the_p_value_of_a_metric_of_ones_own(kind: str) -> None:
    generator = np.random.default_rng(11)
    first = pd.Timestamp("2026-01-05").date()
    dates = [first + pd.Timedelta(days=day).to_pytimedelta() for day in range(K + 7)]
    days = np.arange(K + 7) % 7
    n = generator.integers(40, 900, K + 7).astype(float)
    own = generator.normal(0, 1, K + 7)
    x = {
        "a mean": 20 + 3.0 * (days == 6) + 40 * own / np.sqrt(n),
        "a sum": 5000 + 30 * own * np.sqrt(n),
        "neither": 2.0 * (days >= 5) + own,
        "losses": 3.0 - np.exp(0.6 * own),
    }[kind]
    m, middle = x[:K].mean(), np.median(n[:K])
    v, ones = np.array([1e-9 * x[:K].var()]), np.ones((K, 1))
    (first_null,) = nulls(x[:K, None], ones, v, days[:K], [], [])
    means = np.array([x[:K][days[:K] == day].mean() for day in range(7)])
    kappa = np.ptp(first_null.level) / np.ptp(means)
    r = x - first_null.level[days]

    def likelihood(power: float) -> float:
        s = (n[:K] / middle) ** (power / 2)
        return float(-K / 2 * np.log(np.mean((r[:K] / s) ** 2)) - np.log(s).sum())

    best = max((-1, 0, 1, 2), key=likelihood)
    power = best if likelihood(best) > likelihood(0) + 2 else 0
    assert power == {"a mean": -1, "a sum": 1}.get(kind, 0)
    s = (n / middle) ** (power / 2)
    same = np.zeros(K, dtype=int)
    (null,) = nulls((m + r / s)[:K, None], ones, v, same, [], [])
    nu = K - 1 - 6 * kappa
    T = null.T
    null.T = T * (K - 1) / nu
    null.of_level = null.of_level * (K - 1) / nu + 7 * kappa * null.T / K
    null.F = max(null.F - 6 * kappa, 4)
    G = likeliest_skewness(r[:K] / s[:K])
    assert G < 0 or kind != "losses"
    frame = pd.DataFrame({"partition_date": dates, "value": x, "row_count": n})
    judged = fit_usual(frame[:K]).judge(frame[K:])
    is_positive = bool((x[:K] > 0).all())
    for place, day in enumerate(range(K, K + 7)):
        y = np.array([m + r[day] / s[day]])
        expected = p_value(null, y, np.ones(1), np.zeros(1, dtype=int), 0.0, False, is_positive)
        if G * (y[0] - m) > 0:
            k = 4 / G**2
            above = stats.gamma.sf(k - np.sqrt(k) * stats.norm.ppf(expected / 2), k)
            expected = max(expected, min(2 * above, 1.0))
        assert judged.p_value[place] == pytest.approx(expected, rel=1e-9)
        assert judged.expected[place] == pytest.approx(first_null.level[days[day]])


def exact(a: float, n: float, b: float, m: float, difference: float) -> float:
    """Fisher's noncentral hypergeometric tail of the likeliest proportions with a difference."""
    low, high = max(0.0, -difference), min(1.0, 1 - difference)

    def unlikely(q: float) -> float:
        return -float(stats.binom.logpmf(a, n, q + difference) + stats.binom.logpmf(b, m, q))

    found = optimize.minimize_scalar(
        unlikely, bounds=(low, high), method="bounded", options={"xatol": 1e-14}
    )
    q, p = found.x, found.x + difference
    law = stats.nchypergeom_fisher(n + m, a + b, n, p / (1 - p) / (q / (1 - q)))
    return float(min(2 * law.cdf(a), 2 * law.sf(a - 1), 1.0))


@pytest.mark.parametrize(("rows", "metric"), itertools.product((200, 900), SIDES))
def test_the_p_value_of_a_difference_between_groups(rows: int, metric: str) -> None:
    generator, first = np.random.default_rng(12), dt.date(2026, 1, 5)
    scenario = GroupScenario(rows, {"F": 0.3, "M": 0.7}, effect=0.1, changed="selection_rate")
    parts = [
        counts_of(
            scenario.day(generator, is_changed=number >= K), first + dt.timedelta(days=number)
        )
        for number in range(K + 20)
    ]
    reference = {"from": first, "to": first + dt.timedelta(days=K - 1)}
    monitor = groups_monitor().model_copy(update={"reference": ReferenceDays(**reference)})
    decided = decide_groups(monitor, pd.concat(parts))
    of_group = decided[(decided["group_value"] == "F") & (decided["metric"] == metric)]
    sides = []
    every = pd.concat(parts).set_index("partition_date")
    for group in "FM":
        table = every[every["group_value"] == group]
        of_rows, hits = (table[list(names)].sum(axis=1).to_numpy(float) for names in SIDES[metric])
        mean, square = hits / of_rows, None
        if metric == "calibration":
            mean = table["error_mean"].to_numpy(float)
            square = table["error_deviation"].to_numpy(float) ** 2 + mean**2
        sides.append((of_rows, hits, mean, square))
    (n, a, x, _), (m, b, y, _) = sides
    is_enough = np.all(
        [of_rows >= min(30, np.median(of_rows[:K]) / 2) for of_rows in (n, m)], axis=0
    )
    usual = np.flatnonzero(is_enough[:K])
    variances = []
    for rows_of, hits, mean, square in sides:
        if square is None:
            p = (hits[usual].sum() + 0.5) / (rows_of[usual].sum() + 1)
            variances.append(p * (1 - p))
        else:
            whole = np.average(mean[usual], weights=rows_of[usual])
            variances.append(np.average(square[usual], weights=rows_of[usual]) - whole**2)
    v, w = variances
    N = (v + w) / (v / n + w / m)
    days = np.array([(first + dt.timedelta(days=number)).weekday() for number in range(K + 20)])
    values = (x - y)[:, None]
    (null,) = nulls(values[usual], N[usual, None], np.array([v + w]), days[usual], [], [])
    offset = (x - y) + a / n - b / m if metric == "calibration" else np.zeros(K + 20)
    is_exact = []
    for day in K + np.flatnonzero(is_enough[K:]):
        expected = p_value(null, values[day], N[day : day + 1], days[day : day + 1], 0.0, False)
        if expected < 0.05:
            level = null.level[days[day]]
            of_shares = offset[day] - level if metric == "calibration" else level
            is_exact.append(exact(a[day], n[day], b[day], m[day], of_shares))
            expected = max(expected, is_exact[-1])
        row = of_group.iloc[day]
        assert row["p_value"] == pytest.approx(expected, rel=1e-6)
        assert row["expected"] == pytest.approx(null.level[days[day]])
    assert is_exact
