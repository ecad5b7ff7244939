"""A large day from its table to incidents: seconds beside a count of its rows, and client memory.

    .venv/bin/python -m benchmarks.large_days --rows 1000000
    .venv/bin/python -m benchmarks.large_days --families     # beside classes and own metrics

On a Postgres of its own, from a seed: a table of 24 compared columns and two that split it, 30 days
of 2,000 rows as the reference, and one large day. `init` declares it, `run` measures all of it.
Then dbt counts the large day once more both ways, by steps and exactly, and both are compared.

With --families the day has a number to predict and its labels; then, on another Postgres, one of 20
classes to predict, and ten metrics of the team's own, five of them for each segment too.
"""

import argparse
import json
import math
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

import sqlalchemy as sa
import yaml

from benchmarks.own_warehouse import own_warehouse
from driftmeter.warehouse import connection

SEED = 7
RESULTS = Path(__file__).parent / "results"
DRIFTMETER = Path(sys.executable).parent / "driftmeter"
DBT = Path(sys.executable).parent / "driftmeter-dbt"
REFERENCE_DAYS, REFERENCE_ROWS = 30, 2000
DAY, NEXT = "2026-03-01", "2026-03-02"
LIMIT_GIB, LIMIT_RATIO = 1.0, 60
NORMAL = "sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random())"
MONEY = f"round(exp(2 + 0.7 * {NORMAL})::numeric, 2)"
COLUMNS = {
    "price": f"{MONEY}::double precision",
    "cost": f"{MONEY}::double precision",
    "fee": MONEY,
    "tax": "round((random() * 100)::numeric, 2)",
    "tip": "case when random() < 0.7 then 0 else round((random() * 20)::numeric, 2) end",
    "weight": "case when random() < 0.1 then null else random() * 1000 end",
    "weekday": "floor(random() * 7)::integer",
    "visits": "floor(100 * random() ^ 2)::integer",
    "hour": "floor(random() * 24)::integer",
    "views": "floor(1 / (random() + 0.001))::bigint",
    "share": "random()",
    "change": NORMAL,
    "ratio": f"exp({NORMAL})",
    "delay": "case when random() < 0.05 then null else random() end",
    "area": "random() * random() * 1e6",
    "rate": "(random() ^ 3)::real",
    "speed": f"12 + 4 * {NORMAL}",
    "channel": "(array['shop', 'web', 'phone', 'agent'])[1 + floor(4 * random())::integer]",
    "product": "'p' || floor(50 * random() ^ 2)::integer",
    "branch": "case when random() < 0.02 then null else 'b' || floor(260 * random() ^ 3) end",
    "is_new": "random() < 0.3",
    "region": "(array['north', 'south', 'east', 'west'])[1 + floor(4 * random() ^ 2)::integer]",
    "tier": "(array['basic', 'plus', 'pro'])[1 + floor(3 * random())::integer]",
    "prediction": "random() * 60",
}
ROWS = f"""
select
    row_number() over () as id, 'v1'::text as model_version,
    timestamptz '{DAY} 00:00+00' - days.day * interval '1 day'
        + random() * interval '23 hours' as scored_at,
    {", ".join(f"{expression} as {name}" for name, expression in COLUMNS.items())}
from (
    select day, :reference_rows as row_count from generate_series(1, {REFERENCE_DAYS}) as day
    union all select 0, :rows
) as days
cross join lateral generate_series(1, days.row_count)
"""
LABEL = f"case when random() < 0.95 then prediction * exp(0.2 * {NORMAL}) end"
TABLE = f"create table public.scores as {ROWS}"
LABELLED = f"create table public.scores as select rows.*, {LABEL} as actual from ({ROWS}) as rows"
CLASSES = 20
CLASS = f"'c' || floor({CLASSES} * random() ^ 2)::integer"
LABEL_OF_CLASS = (
    f"case when random() < 0.95 then case when random() < 0.8 then prediction else {CLASS} end end"
)
OWN_METRICS = {
    "margin": "sum(price - cost)",
    "mean_margin": "avg(price - cost)",
    "fee_share": "sum(fee) / nullif(sum(price), 0)",
    "wrong_share": "avg((prediction <> actual)::integer)",
    "lost": "sum(price) filter (where prediction <> actual)",
    "tipped_share": "avg((tip > 0)::integer)",
    "median_delay": "percentile_cont(0.5) within group (order by delay)",
    "new_share": "avg(is_new::integer)",
    "mean_weight": "avg(weight)",
    "web_share": "avg((channel = 'web')::integer)",
}
BY_SEGMENT = tuple(OWN_METRICS)[:5]
QUANTILES = ("p01", "p05", "p25", "p50", "p75", "p95", "p99")


def main() -> None:
    """Print and keep the figures; exit code 1 if the client's memory is over the limit."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of the large day")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--labelled", action="store_true", help="with a target, so performance too")
    parser.add_argument("--no-exact", action="store_true", help="do not count exactly too")
    parser.add_argument(
        "--families", action="store_true", help="labelled; then classes and ten own metrics"
    )
    options = parser.parse_args()
    options.labelled |= options.families
    options.no_exact |= options.families
    figures = of_own_warehouse(options, has_families=False)
    name = f"large_days_{options.rows}{'_labelled' if options.labelled else ''}"
    if options.families:
        name = f"large_days_{options.rows}_families"
        beside = of_own_warehouse(options, has_families=True)
        kept = {"without": figures, "with_classes_and_own_metrics": beside}
        (RESULTS / f"{name}.json").write_text(json.dumps(kept, indent=2) + "\n")
        print(json.dumps(kept, indent=2))
        return
    (RESULTS / f"{name}.json").write_text(json.dumps(figures, indent=2) + "\n")
    print(json.dumps(figures, indent=2))
    raise SystemExit(figures["client_gib"] > LIMIT_GIB)  # type: ignore[operator]


Figures = dict[str, float | int | str | None]


def of_own_warehouse(options: argparse.Namespace, *, has_families: bool) -> Figures:
    """Figures of a Postgres that is dropped at the end."""
    with own_warehouse() as home:
        project = home / "project"
        project.mkdir()
        engine = connection.engine()
        figures = measure(engine, project, options, has_families=has_families)
        engine.dispose()
    return figures


def statement(*, is_labelled: bool, has_families: bool) -> str:
    """Makes the table."""
    if has_families:
        rows = ROWS.replace(f"{COLUMNS['prediction']} as prediction", f"{CLASS} as prediction")
        return (
            f"create table public.scores as select rows.*, {LABEL_OF_CLASS} as actual"
            f" from ({rows}) as rows"
        )
    return LABELLED if is_labelled else TABLE


def with_own_metrics(file: Path) -> None:
    """Write ten metrics into a monitor's YAML."""
    content = yaml.safe_load(file.read_text())
    content["models"][0]["config"]["meta"]["monitor"]["metrics"] = {
        name: {"sql": expression, "segments": name in BY_SEGMENT}
        for name, expression in OWN_METRICS.items()
    }
    file.write_text(yaml.safe_dump(content, sort_keys=False))


def measure(
    engine: sa.Engine, project: Path, options: argparse.Namespace, *, has_families: bool = False
) -> Figures:
    """Fill the table, run the chain over it, and count its large day both ways."""
    with engine.begin() as session:
        session.exec_driver_sql(f"select setseed({options.seed / 100})")
        table = sa.text(statement(is_labelled=options.labelled, has_families=has_families))
        session.execute(table, {"rows": options.rows, "reference_rows": REFERENCE_ROWS})
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as session:
        session.exec_driver_sql("create index on public.scores (scored_at)")
        session.exec_driver_sql("vacuum analyze public.scores")
    run(project, DRIFTMETER, "up")
    run(
        project, DRIFTMETER, "init", "--table", "public.scores", "--segments", "region,tier",
        "--reference", "2026-01-30..2026-02-27", "--yes",
        *(["--target", "actual"] if options.labelled else []),
    )  # fmt: skip
    if has_families:
        with_own_metrics(project / "models" / "scores.yml")
    run(project, DRIFTMETER, "run", "--from", "2026-02-28", "--to", "2026-02-28")
    small = seconds(project, DRIFTMETER, "run", "--from", "2026-02-28", "--to", "2026-02-28")
    whole = seconds(project, DRIFTMETER, "run", "--from", DAY, "--to", DAY)
    # Of the largest process so far: the run of the large day, or dbt's within it.
    kib = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    by_steps, summary = count_columns(engine, project, exact_rows=100_000)
    exactly, exact = None, None
    if not options.no_exact:
        exactly, exact = count_columns(engine, project, exact_rows=10**9)
    counting = count_rows(engine)
    return {
        "rows": options.rows,
        "columns": len(COLUMNS) + options.labelled,
        "seed": options.seed,
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "chain_seconds": round(whole, 1),
        "chain_seconds_of_2000_rows": round(small, 1),
        "client_gib": round(kib / 2**20, 2),
        "limit_gib": LIMIT_GIB,
        "count_rows_seconds": round(counting, 3),
        "count_columns_seconds": round(by_steps, 2),
        "count_columns_ratio": round(by_steps / counting),
        "limit_ratio": LIMIT_RATIO,
        "exact_seconds": exactly and round(exactly, 2),
        "exact_ratio": exactly and round(exactly / counting),
        "greatest_relative_difference_of_a_quantile": exact and difference(summary, exact),
    }


def run(project: Path, program: Path, *arguments: str) -> None:
    """Run a command in the project; what it says is shown only if it fails."""
    ended = subprocess.run([program, *arguments], cwd=project, capture_output=True, text=True)
    if ended.returncode:
        raise SystemExit(f"{program.name} {' '.join(arguments)}\n{ended.stdout}{ended.stderr}")


def seconds(project: Path, program: Path, *arguments: str) -> float:
    """Seconds of a command."""
    started = time.perf_counter()
    run(project, program, *arguments)
    return time.perf_counter() - started


Summary = dict[tuple[object, ...], dict[str, object]]


def count_columns(engine: sa.Engine, project: Path, exact_rows: int) -> tuple[float, Summary]:
    """Seconds of dbt's model of the large day, and its rows by key."""
    window = {"start_date": DAY, "end_date": NEXT, "exact_rows": exact_rows}
    run(project, DBT, "run", "--select", "column_summary", "--vars", json.dumps(window))
    (result,) = json.loads((project / "target" / "run_results.json").read_text())["results"]
    keys = ("model_version", "segment", "segment_value", "column_name")
    with engine.connect() as session:
        rows = session.execute(
            sa.text("select * from metrics.column_summary where partition_date = :day"),
            {"day": DAY},
        ).mappings()
        summary = {tuple(row[key] for key in keys): dict(row) for row in rows}
    return float(result["execution_time"]), summary


def difference(by_steps: Summary, exact: Summary) -> float:
    """Greatest relative difference of a quantile; all else must be equal, moments to 1e-9."""
    greatest = 0.0
    assert by_steps.keys() == exact.keys()
    for key, one in by_steps.items():
        for name, value in one.items():
            other = exact[key][name]
            if name in QUANTILES and value is not None:
                gap = abs(float(value) - float(other))  # type: ignore[arg-type]
                greatest = max(greatest, gap / abs(float(other)) if gap else 0)  # type: ignore[arg-type]
            elif name in ("mean", "stddev") and value is not None:
                assert math.isclose(float(value), float(other), rel_tol=1e-9), (key, name)  # type: ignore[arg-type]
            elif name != "distinct_count" or value is not None:
                assert value == other, (key, name, value, other)
    return round(greatest, 5)


def count_rows(engine: sa.Engine) -> float:
    """Median seconds of counting the large day's rows by a scan of the whole table."""
    times = []
    query = sa.text("select count(*) from public_inference.scores where partition_date = :day")
    with engine.connect() as session:
        for _ in range(7):
            started = time.perf_counter()
            session.scalar(query, {"day": DAY})
            times.append(time.perf_counter() - started)
    return statistics.median(times)


if __name__ == "__main__":
    main()
