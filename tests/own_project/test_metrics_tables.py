"""Every table and view of the metrics schema has rows of the farm's, or a reason why not."""

import pytest

from tests.own_project.farm import Farm

EMPTY = {
    "model_versions": "how a version was trained: the example's training writes it, a team's own "
    "job may; which versions predict is in model_version_starts",
    "column_changes": "no column of either table came, went or changed in the fortnight",
    "custom_metrics": "the farm declares no metric of its own",
    "custom_metric_verdicts": "the farm declares no metric of its own",
    "findable_changes": "nobody of the farm asks what would be found",
    "findable_sizes": "nobody of the farm asks what would be found",
    "confusion": "the farm predicts numbers and two classes, not several",
    "class_performance": "the farm predicts numbers and two classes, not several",
    "group_counts": "the farm declares no protected column",
    "group_verdicts": "the farm declares no protected column",
    "reference_words": "the farm declares no column of texts",
    "not_judged": "every column is judged: a new normal from three days on",
}
MONITORS = {"turbine_power", "bearing_watch"}
# Whatever concerns one of the two by what was planted; all others have rows of both.
OF_ONE = {
    "accepted_normals": {"turbine_power"},
    "version_comparisons": {"turbine_power"},
}
RELATIONS = (
    "select c.relname, exists (select from pg_attribute as a where a.attrelid = c.oid"
    " and a.attname = 'monitor') from pg_class as c where c.relnamespace = 'metrics'::regnamespace"
    " and c.relkind in ('r', 'v', 'm', 'p') and not c.relispartition order by 1"
)


def test_every_relation_of_the_schema_has_rows_of_each_monitor_or_a_reason(farm: Farm) -> None:
    without = {}
    for name, has_monitor in farm.rows(RELATIONS):
        # The same rows, known by the instant at which their batch begins.
        table = name.removeprefix("hourly_")
        if table in EMPTY or name == "alembic_version":
            continue
        if not has_monitor:
            if farm.rows(f'select count(*) from metrics."{name}"') == [(0,)]:
                without[name] = MONITORS
            continue
        rows = farm.rows(f'select distinct monitor from metrics."{name}"')
        missing = OF_ONE.get(table, MONITORS) - {monitor for (monitor,) in rows}
        if missing:
            without[name] = missing
    assert without == {}


@pytest.mark.parametrize("name", EMPTY)
def test_what_is_named_as_empty_is_empty(farm: Farm, name: str) -> None:
    assert farm.rows(f"select count(*) from metrics.{name}") == [(0,)]


def test_which_versions_predict_and_since_when_is_known_without_training_facts(
    farm: Farm,
) -> None:
    starts = farm.rows(
        "select monitor, model_version, first_day::text from metrics.model_version_starts"
    )
    assert sorted(starts) == [
        ("bearing_watch", "b1", "2026-04-13"),
        ("bearing_watch", "b2", "2026-04-17"),
        ("turbine_power", "v1", "2026-04-13"),
        ("turbine_power", "v2", "2026-04-18"),
    ]


def test_every_kind_of_reading_is_there(farm: Farm) -> None:
    kinds = farm.rows("select distinct monitor, kind from metrics.performance")
    assert set(kinds) == {(m, kind) for m in MONITORS for kind in ("realised", "estimated")}
    sources = farm.rows("select distinct monitor, source from metrics.test_results")
    assert set(sources) == {(m, source) for m in MONITORS for source in ("dbt", "evidently")}
    methods = farm.rows("select distinct monitor, method from metrics.drift")
    assert set(methods) >= {(m, x) for m in MONITORS for x in ("day_level", "domain_classifier")}
    budgets = {budget for (budget,) in farm.rows("select distinct budget from metrics.alarms")}
    assert budgets >= {"columns", "error", "volume"}
