"""False alarms of a monitor that has every family of alarms at once, on calm days.

    python -m benchmarks.whole_ledger                  # half an hour on one core
    python -m benchmarks.whole_ledger --streams 3      # quicker, wide intervals
    python -m benchmarks.whole_ledger --chain          # one table through `init` and `run`

A stream has 59 reference days, then 60 judged ones, at a budget of one false alarm a month. A row
has seven columns of numbers and categories, a text, a vector, the region that splits the day, a
prediction, its outcome and what it was worth. One kind of monitor predicts true or false, and has a
protected group; the other predicts one of four classes, and groups there are none. Both have the
team's own metrics, over all rows and in each region, and attributions. Each day shifts all of
this. Counted are days with an alarm of any kind, and of each. Intervals respect that the days of
one stream are alike.

With --chain a hundred days of the first stream go as a table through `init` and `run`, with texts
that are made of the words and with their vectors, and it is said what was judged there.
"""

import datetime as dt
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa
import yaml

from benchmarks import groups, multiclass
from benchmarks.calm_days import markdown
from benchmarks.command_line import of_streams
from benchmarks.detection import interval_of_streams
from benchmarks.judges import Frames, alarms, outcomes_of, verdicts_of
from benchmarks.league import declare, load, told
from benchmarks.league_tables import Table
from benchmarks.own_warehouse import own_warehouse
from benchmarks.streams import FIRST, REFERENCE_DAYS, Stream
from benchmarks.texts import TextDay, Texts, TextStream, drawn, with_new_words
from driftmeter.alarms.verdicts import Verdict
from driftmeter.monitors.cadence import DAYS_A_MONTH
from driftmeter.monitors.config import Monitor, Task
from driftmeter.performance.custom_metrics import decide_metrics
from driftmeter.performance.group_differences import decide_groups
from driftmeter.performance.performance_day import REFERENCE_ROWS
from driftmeter.warehouse import connection

SEED = 20261202
RESULTS = Path(__file__).parent / "results"
JUDGED = 60
EFFECT = 0.05
CLASSES = 4
TASKS: tuple[Task, ...] = ("classification", "multiclass")
FEATURES = ("normal", "lognormal", "holes", "ten", "many")
REGIONS = dict.fromkeys(("north", "south", "east", "west"), 0.25)
# How much a feature moves the prediction of a row, in its own deviations.
LEANS = {"normal": 1.0, "lognormal": 0.4, "nights": 0.6}
PROFIT = {
    "classification": "sum(case when chance < 0.5 then 0 when outcome then 0.2 * lognormal"
    " else -lognormal end)",
    "multiclass": "sum(case when predicted = actual then 0.2 * lognormal else -lognormal end)",
}
SELECTED = {
    "classification": "avg((chance >= 0.5)::integer)",
    "multiclass": "avg((predicted = 'class 00')::integer)",
}
FAMILIES = (
    "columns", "segments", "texts and vectors", "classifier", "error", "estimate", "volume",
    "own metrics", "attributions", "groups",
)  # fmt: skip


@dataclass(frozen=True)
class Kind:
    """A kind of monitor.

    Attributes
    ----------
    rows : int
        Of a day, on average.
    """

    task: Task
    rows: int

    @property
    def name(self) -> str:
        """For the table."""
        target = "two classes and groups" if self.task == "classification" else "four classes"
        return f"{self.rows:,} rows, {target}"

    @property
    def monitor(self) -> Monitor:
        """With all that a monitor of its task may have."""
        return Monitor.model_validate(declared(self.task))


KINDS = tuple(Kind(task, rows) for rows in (300, 2500) for task in TASKS)


def declared(task: Task) -> dict[str, object]:
    """The YAML of a monitor."""
    is_binary = task == "classification"
    own = {
        "profit": {"sql": PROFIT[task], "unit": "EUR", "worse": "down", "segments": True},
        "selected_share": {"sql": SELECTED[task], "segments": True},
        "mean_amount": {"sql": "avg(lognormal)", "unit": "EUR"},
    }
    of_task: dict[str, object] = {
        "prediction": "predicted", "target": "actual",
        "probabilities": {f"class {at:02}": f"p_{at}" for at in range(CLASSES)},
        "value": {"sql": "case when predicted = actual then 40 else -30 end", "unit": "EUR"},
    }  # fmt: skip
    if is_binary:
        of_task = {
            "prediction": "chance", "target": "outcome", "protected": ["gender"],
            "value": {"true_positive": 40, "false_positive": -30, "unit": "EUR"},
        }  # fmt: skip
    kinds = dict.fromkeys((*FEATURES[:3], "nights"), "numerical")
    kinds |= dict.fromkeys((*FEATURES[3:], "region"), "categorical")
    kinds |= {"review": "text", "embedding": "vector"}
    first = FIRST.astype(dt.date)
    return {
        "name": "stream", "owner": "benchmark", "task": task, "timestamp": "at", "id": "id",
        "model_version": "version", **of_task,
        "features": {name: {"kind": kind} for name, kind in kinds.items()},
        "segments": ["region"], "metrics": own,
        "attributions": {"prefix": "shap_", "features": list(LEANS)},
        "reference": {"from": first, "to": first + dt.timedelta(days=REFERENCE_DAYS - 1)},
    }  # fmt: skip


class EveryDay:
    """Days of a stream in order; the same from the same seed.

    Parameters
    ----------
    seed : int
    """

    def __init__(self, kind: Kind, seed: int) -> None:
        self.kind = kind
        self.generator = np.random.default_rng([SEED, seed])
        self._texts = Texts(SEED + seed)
        self._columns = Stream(kind.rows, EFFECT, 50)

    def days(self, count: int) -> tuple[Frames, list[TextDay]]:
        """Rows of so many days as the warehouse reads them, and their texts and vectors."""
        made = [self._day() for _ in range(count)]
        words = with_new_words([text for _, text in made], REFERENCE_DAYS)
        frames = [
            frame.assign(**of_texts.drop(columns="score"))
            for (frame, _), of_texts in zip(made, words, strict=True)
        ]
        return [self._attributed(frame) for frame in frames], [text for _, text in made]

    def _day(self) -> tuple[pd.DataFrame, TextDay]:
        draw, kind = self.generator, self.kind
        scored = self._scored()
        rows = len(scored)
        columns = self._columns.day(draw, rows=rows)[list(FEATURES)]
        region = drawn(draw, REGIONS, EFFECT, rows)
        text = self._texts.day(TextStream(kind.rows, EFFECT), rows)
        return scored.join(columns).assign(region=region, version="v1"), text

    def _scored(self) -> pd.DataFrame:
        """Rows of a day with predictions and outcomes."""
        if self.kind.task == "classification":
            made = groups.GroupScenario(self.kind.rows, groups.TWO, EFFECT).day(self.generator)
            outcome = np.where(made["outcome"], "true", "false").astype(object)
            return made.rename(columns={"group": "gender"}).assign(outcome=outcome)
        rows = int(self.generator.poisson(self.kind.rows))
        return multiclass.Scenario(rows, CLASSES, EFFECT).day(self.generator)

    def _attributed(self, frame: pd.DataFrame) -> pd.DataFrame:
        """With what moved each prediction; the day shifts how far each feature does."""
        shift = np.exp(self.generator.normal(0, EFFECT, len(LEANS)))
        moved = {
            f"shap_{name}": lean * by * (frame[name] - frame[name].mean()) / frame[name].std()
            for (name, lean), by in zip(LEANS.items(), shift, strict=True)
        }
        return frame.assign(**moved)


def metric_values(task: Task, frame: pd.DataFrame) -> dict[str, float]:
    """What the SQL of a monitor's metrics gives of rows."""
    sizes = {name: frame[name].abs().sum() for name in (f"shap_{each}" for each in LEANS)}
    amount = frame["lognormal"]
    if task == "classification":
        selected = frame["chance"] >= 0.5
        worth = np.where(frame["outcome"] == "true", 0.2 * amount, -amount) * selected
    else:
        selected = frame["predicted"] == "class 00"
        worth = np.where(frame["predicted"] == frame["actual"], 0.2 * amount, -amount)
    return {
        "profit": float(worth.sum()),
        "selected_share": float(selected.mean()),
        "mean_amount": float(amount.mean()),
        **{name: float(size / sum(sizes.values())) for name, size in sizes.items()},
    }


def stored_metrics(monitor: Monitor, days: Mapping[dt.date, pd.DataFrame]) -> pd.DataFrame:
    """Values of the metrics of days as dbt stores them."""

    def rows() -> Iterator[tuple[object, ...]]:
        for day, frame in days.items():
            parts: list[tuple[str | None, str | None, pd.DataFrame]] = [(None, None, frame)]
            parts += [("region", str(name), part) for name, part in frame.groupby("region")]
            for segment, value, part in parts:
                for metric, number in metric_values(monitor.task, part).items():
                    if segment is None or monitor.metrics[metric].segments:
                        yield day, metric, segment, value, number, len(part), len(frame)

    names = ["partition_date", "metric", "segment", "segment_value", "value", "row_count", "rows"]
    stored = pd.DataFrame(rows(), columns=names)
    return stored.assign(reason=None, labelled_count=stored["rows"])


def alarms_of(kind: Kind, number: int) -> dict[str, int]:
    """Of one stream, judged days with an alarm: of any kind, and of each."""
    frames, _ = EveryDay(kind, number).days(REFERENCE_DAYS + JUDGED)
    monitor = kind.monitor
    later = frames[REFERENCE_DAYS:]
    spent: list[set[str]] = [set() for _ in later]
    read = [name for name in monitor.compared_together if name != monitor.target]
    judged = verdicts_of(monitor, frames[:REFERENCE_DAYS], later, read)
    for place, verdicts in enumerate(judged):
        spent[place] |= {_family(verdict) for verdict in alarms(verdicts)}
    most = REFERENCE_ROWS // REFERENCE_DAYS
    for place, part in outcomes_of(monitor, frames[:REFERENCE_DAYS], later, most_rows=most):
        spent[place].add(part)
    first = FIRST.astype(dt.date)
    days = {first + dt.timedelta(days=at): frame for at, frame in enumerate(frames)}
    for day, part in _of_counts(monitor, days):
        spent[(day - first).days - REFERENCE_DAYS].add(part)
    by_family = Counter(family for day in spent for family in day)
    return {"any": sum(bool(day) for day in spent), **by_family}


def _family(verdict: Verdict) -> str:
    if verdict.column_name is None:
        return "classifier"
    if verdict.segment is not None:
        return "segments"
    return "texts and vectors" if ": " in verdict.column_name else "columns"


def _of_counts(
    monitor: Monitor, days: Mapping[dt.date, pd.DataFrame]
) -> Iterator[tuple[dt.date, str]]:
    """Alarms of what is judged from values that dbt stores: own metrics, and groups."""
    own = decide_metrics(monitor, stored_metrics(monitor, days))
    for row in own[own["is_alarm"].astype(bool)].itertuples():
        is_share = monitor.attributed(str(row.metric)) is not None
        yield row.partition_date, "attributions" if is_share else "own metrics"
    if not monitor.protected:
        return
    counts = [
        groups.counts_of(frame.assign(outcome=frame["outcome"] == "true"), day, "gender")
        for day, frame in days.items()
    ]
    decided = decide_groups(monitor, pd.concat(counts, ignore_index=True))
    for row in decided[decided["is_alarm"].astype(bool)].itertuples():
        yield row.partition_date, "groups"


def calm(kind: Kind, streams: int, pool: ProcessPoolExecutor) -> dict[str, object]:
    """Days with an alarm a month, of any kind and of each, with intervals by streams."""
    found = list(pool.map(partial(alarms_of, kind), range(streams)))
    every = streams * JUDGED
    low, high = interval_of_streams([each["any"] for each in found], JUDGED)
    months = every / DAYS_A_MONTH
    return {
        "kind": kind.name,
        "streams": streams,
        "days": every,
        "alarm_days_a_month": sum(each["any"] for each in found) / months,
        "lower": low * DAYS_A_MONTH,
        "upper": high * DAYS_A_MONTH,
        **{
            family: sum(each.get(family, 0) for each in found) / months
            for family in FAMILIES
            if family != "groups" or kind.task == "classification"
        },
    }


# The commonest words of each language, in the place of the commonest ranks.
COMMONEST = {
    "en": ("the", "of", "and", "to", "in", "is", "that", "for", "it", "was", "with", "on"),
    "de": ("der", "die", "und", "das", "ist", "nicht", "ein", "zu", "mit", "auf", "im", "den"),
    "fr": ("le", "la", "les", "et", "des", "est", "une", "dans", "pour", "qui", "sur", "pas"),
}
OF_CHAIN = 41
# Of each family how many values of how many days were judged, and how many were alarms.
OF_FAMILIES = """
    select case when column_name is null then 'classifier' when segment is not null then 'segments'
        when column_name like '%: %' then 'texts and vectors' else 'columns' end as family,
        partition_date, is_drifted as is_alarm
    from metrics.drift where method in ('day_level', 'domain_classifier') and is_drifted is not null
    union all
    select case kind when 'realised' then 'error' else 'estimate' end, partition_date, is_alarm
    from metrics.performance where threshold_p is not null
    union all
    select case when metric like 'shap_%' then 'attributions' else 'own metrics' end,
        partition_date, is_alarm
    from metrics.custom_metric_verdicts where threshold_p is not null
    union all
    select 'groups', partition_date, is_alarm from metrics.group_verdicts
    where threshold_p is not null
"""


def as_texts(day: TextDay, unused: Iterator[int]) -> list[str]:
    """Texts of a day's rows."""
    languages = day.frame["review: language"].to_numpy()
    texts: list[list[str]] = [[] for _ in range(len(day.frame))]
    for row, rank in zip(day.row, day.words, strict=True):
        common = COMMONEST.get(languages[row], ())
        number = rank if rank >= 0 else next(unused)
        texts[row].append(common[rank] if 0 <= rank < len(common) else _word(number, rank < 0))
    return [" ".join(words) for words in texts]


def _word(number: int, is_new: bool) -> str:
    """A word of letters for a number."""
    letters: list[str] = []
    while number or not letters:
        number, letter = divmod(number, 26)
        letters.append(chr(97 + letter))
    return ("xq" if is_new else "v") + "".join(letters)


def chain() -> str:
    """What is judged of a table that went through the commands."""
    kind = Kind("classification", 300)
    frames, texts = EveryDay(kind, 0).days(REFERENCE_DAYS + OF_CHAIN)
    unused = count()
    parts = []
    for at, (frame, day) in enumerate(zip(frames, texts, strict=True)):
        own = frame[[name for name in frame if ": " not in name and name != "number"]]
        parts.append(
            own.assign(
                at=pd.Timestamp(FIRST + at, tz="UTC") + pd.Timedelta(hours=12),
                outcome=frame["outcome"] == "true",
                review=as_texts(day, unused),
                embedding=["{" + ",".join(f"{n:.5g}" for n in row) + "}" for row in day.vectors],
            )
        )
    rows = pd.concat(parts, ignore_index=True).reset_index(names="id")
    fields = declared(kind.task)
    period = fields.pop("reference")
    assert isinstance(period, dict)
    table = Table(
        "public", "stream", "simulated", (period["from"], period["to"]), "at", "UTC", lambda: rows
    )
    with own_warehouse() as home:
        project, engine = home / "project", connection.engine()
        project.mkdir()
        load(engine, table)
        with engine.begin() as session:
            session.exec_driver_sql(
                "alter table stream alter column embedding type real[] using embedding::real[]"
            )
        declare(project, table)
        file = project / "models" / "stream.yml"
        content = yaml.safe_load(file.read_text())
        content["models"][0]["config"]["meta"]["monitor"] |= fields
        content["models"][0]["config"]["meta"]["monitor"].pop("name")
        file.write_text(yaml.safe_dump(content))
        told(project, "run")
        judged = pd.read_sql(OF_FAMILIES, engine)
        days = judged["partition_date"].nunique()
        with engine.connect() as session:
            volume = session.scalar(
                sa.text("select count(*) from metrics.breaches where kind = 'volume'")
            )
            said = session.scalars(
                sa.text("select opened_on || ': ' || diagnosis from metrics.incidents order by 1")
            ).all()
        engine.dispose()
    by_family = judged.groupby("family").agg(
        values=("is_alarm", "size"), days=("partition_date", "nunique"), alarms=("is_alarm", "sum")
    )
    table_of = [{"family": family, **row} for family, row in by_family.astype(int).iterrows()] + [
        {"family": "volume", "values": days, "days": days, "alarms": volume}
    ]
    sentences = "\n".join(f"- {sentence}" for sentence in said) or "No incident was opened."
    return f"{markdown(table_of)}\n\n{sentences}\n"


def main() -> None:
    """Measure, and write the table and the figures; kinds that were measured before stay."""
    arguments = of_streams(__doc__, 24, RESULTS)
    arguments.add_argument("--chain", action="store_true", help="a table through the commands")
    options = arguments.parse_args()
    file = options.out / "whole_ledger.json"
    kept = json.loads(file.read_text()) if file.exists() else {}
    found = {row["kind"]: row for row in kept.get("calm", [])}
    if options.chain:
        kept["chain"] = chain()
        write(options.out, kept)
        return
    with ProcessPoolExecutor(options.workers) as pool:
        for kind in KINDS:
            # A stream of large days takes twice as long.
            streams = options.streams if kind.rows < 1000 else max(options.streams // 2, 2)
            if found.get(kind.name, {}).get("streams") != streams:
                found[kind.name] = calm(kind, streams, pool)
                print(found[kind.name], flush=True)
                kept["calm"] = list(found.values())
                write(options.out, kept)


def write(out: Path, kept: Mapping[str, Any]) -> None:
    """The figures, and the tables of what was measured so far."""
    (out / "whole_ledger.json").write_text(json.dumps({**kept, "seed": SEED}, indent=1) + "\n")
    parts = [f"Seed {SEED}, a budget of one false alarm a month."]
    if "calm" in kept:
        parts += [f"Calm days, {JUDGED} a stream:", as_table(kept["calm"]).strip()]
    if "chain" in kept:
        parts += [f"Through `init` and `run`, {OF_CHAIN} judged days:", kept["chain"].strip()]
    text = "\n\n".join(parts) + "\n"
    (out / "whole_ledger.md").write_text(text)
    print(text)


def as_table(found: Sequence[Mapping[str, object]]) -> str:
    """A column for each kind of monitor."""
    names = dict.fromkeys(name for row in found for name in row if name != "kind")
    rows = [
        {"": name.replace("_", " "), **{str(row["kind"]): row.get(name, "") for row in found}}
        for name in names
    ]
    return markdown(rows) + "\n"


if __name__ == "__main__":
    main()
