"""Performance: is the model still right, as far as labels tell, and before they do."""

from driftmeter.dashboards.clauses import ACTED_ON, ALL_ROWS, DAYS, MONITOR, SEGMENT, TIME, VERSION
from driftmeter.dashboards.dashboard import Dashboard, chosen, variable
from driftmeter.dashboards.panels import (
    BLUE,
    COUNT,
    GREEN,
    ORANGE,
    PLAIN,
    RED,
    SHARE,
    YELLOW,
    Json,
    numbered_words,
    override,
    row,
    state_timeline,
    table,
    timeseries,
    words,
)

LATER = (
    "No performance was measured in this time range. Performance needs a target, and a run "
    "that measured these days."
)
METRIC = "metric = '$metric'"
OF_EVERY_VERSION = f"{MONITOR} and {METRIC} and {SEGMENT} and {DAYS} and {VERSION}"
OF_SEGMENT = f"{OF_EVERY_VERSION} and {ACTED_ON}"

ERRORS = f"""
select {TIME},
    avg(value) filter (where kind = 'realised') as "realised",
    avg(lower) filter (where kind = 'realised') as "realised, low",
    avg(upper) filter (where kind = 'realised') as "realised, high",
    avg(value) filter (where kind = 'estimated') as "estimated",
    avg(lower) filter (where kind = 'estimated') as "estimated, low",
    avg(upper) filter (where kind = 'estimated') as "estimated, high"
from metrics.performance where {OF_SEGMENT}
group by partition_date order by 1
"""
COVERAGE = f"""
select {TIME}, avg(label_coverage) as "rows with a label"
from metrics.performance where {OF_SEGMENT} and kind = 'realised'
group by partition_date order by 1
"""
MATURITY = f"""
select {TIME}, model_version as "version",
    array_position(array['final', 'provisional'], state) as "state"
from metrics.performance where {OF_SEGMENT} and kind = 'realised' and model_version is not null
order by 1, 2
"""
BY_SEGMENT = f"""
select {TIME}, metrics.segment_label(segment, segment_value) as "part", avg(value) as "value"
from metrics.performance
where {MONITOR} and {METRIC} and {DAYS} and {VERSION} and {ACTED_ON} and kind = 'realised'
group by partition_date, segment, segment_value having avg(value) is not null order by 1, 2
"""
VERSIONS = f"""
select {TIME}, model_version as "version", avg(value) as "value"
from metrics.performance
where {OF_EVERY_VERSION} and kind = 'realised' and model_version is not null
group by partition_date, model_version having avg(value) is not null order by 1, 2
"""
PAIRED = f"""
select {TIME}, challenger as "version", avg(difference) as "challenger less champion",
    avg(lower) as "low", avg(upper) as "high"
from metrics.version_comparisons where {MONITOR} and {DAYS}
group by partition_date, challenger order by 1, 2
"""
EVERY_METRIC = f"""
select metric, kind, (array_agg(value order by partition_date desc))[1] as newest,
    avg(value) as mean_of_days, min(value) as lowest, max(value) as highest, count(*) as days
from metrics.performance where {MONITOR} and {ALL_ROWS} and {DAYS} and {VERSION} and {ACTED_ON}
group by metric, kind order by kind desc, metric
"""
TESTED = f"""
select partition_date::text as day,
    metric || case kind when 'estimated' then ', estimated' else '' end as metric,
    value, coalesce(expected, reference_value) as expected, window_days as days_together,
    window_p_value / 2 as p, threshold_p as threshold,
    case when is_alarm then 'alarm' when is_beyond then 'lasting' else 'calm' end as verdict
from metrics.performance where {MONITOR} and {DAYS} and is_alarm is not null and segment is null
order by partition_date desc, metric
"""
TRUSTED = f"""
select metric, days, share_inside, mean_distance, mean_distance_of_reference
from metrics.estimate_track_record where {MONITOR} and segment is null order by metric
"""
TRAINED = f"""
select model_version, first_day::text as predicts_since, is_active, algorithm,
    trained_from::text, trained_to::text, train_rows, train_metric as metric,
    train_value as on_training_days, holdout_value as on_held_back_days, benchmark_value, benchmark
from metrics.model_version_starts full join metrics.model_versions using (monitor, model_version)
where {MONITOR} order by computed_at desc nulls last, first_day desc
"""


def interval(kind: str, color: str) -> list[Json]:
    """A line in its band."""
    fixed = {"mode": "fixed", "fixedColor": color}
    hidden = {"legend": True, "tooltip": False, "viz": False}
    edge = {"color": fixed, "custom__lineWidth": 0, "custom__showPoints": "never"}
    return [
        override(kind, color=fixed, custom__lineWidth=2),
        override(f"{kind}, low", custom__hideFrom=hidden, **edge),
        override(
            f"{kind}, high",
            custom__fillBelowTo=f"{kind}, low",
            custom__fillOpacity=20,
            custom__hideFrom=hidden,
            **edge,
        ),
    ]


PERFORMANCE = Dashboard(
    name="performance",
    title="Performance",
    description="Realised and estimated error, label coverage, segments and versions.",
    uses=("monitor", "model_version", "segment"),
    more_variables=[
        variable(
            "metric",
            "Metric",
            "The metric of performance to show.",
            "select metric from (select case task when 'regression' then 'mae' else 'log_loss' end"
            f" as metric, 0 as place from metrics.monitors where {MONITOR}"
            " union select metric, 1 from metrics.performance"
            f" where {MONITOR} and {DAYS}) as metrics group by metric order by min(place), metric",
            chosen("mae"),
        )
    ],
    panels=[
        row("$metric of $monitor, $segment"),
        timeseries(
            "Is the model still right?",
            "Realised error of the rows whose label has come, and estimated error of all rows, "
            "each with its 95% interval.",
            ERRORS,
            unit=COUNT,
            width=16,
            height=10,
            overrides=[*interval("realised", BLUE), *interval("estimated", ORANGE)],
            no_data=LATER,
        ),
        timeseries(
            "How many labels have come?",
            "Coverage: share of the day's rows whose label is known.",
            COVERAGE,
            unit=SHARE,
            width=8,
            height=10,
            lowest=0,
            highest=1,
            no_data=LATER,
        ),
        state_timeline(
            "Which days are final?",
            "The error of a provisional day can change as labels come; that of a final day cannot.",
            MATURITY,
            mappings=numbered_words(("final", GREEN), ("provisional", YELLOW)),
            label="version",
            height=4,
            no_data=LATER,
        ),
        table(
            "Did the error raise an alarm?",
            "The tests of each day's error. capped_error is the mean loss with the largest 1% "
            "of losses capped, compared with the reference period. excess_error is the loss that "
            "the day's inputs do not explain. An estimated error raises an alarm only until labels "
            "come. An alarm needs a p below its threshold, an error 10% above what is expected, "
            "and that this is new; an error that stays high is lasting.",
            TESTED,
            no_data=LATER,
            overrides=[
                override(
                    "verdict",
                    mappings=words(alarm=RED, lasting=ORANGE, calm=GREEN),
                    custom__cellOptions={"type": "color-text"},
                ),
                *(override(name, decimals=3) for name in ("value", "expected")),
            ],
        ),
        row("Segments and model versions"),
        timeseries(
            "In which segment is the error largest?",
            "Realised error of each segment.",
            BY_SEGMENT,
            unit=COUNT,
            label="part",
            no_data=LATER,
        ),
        timeseries(
            "Which version is better?",
            "Realised error of each model version, challengers included.",
            VERSIONS,
            unit=COUNT,
            label="version",
            no_data=LATER,
        ),
        timeseries(
            "Is the challenger better?",
            "Mean loss of the challenger minus that of the champion on the same rows, with its 95% "
            "interval. Below 0 the challenger is better. `driftmeter versions` combines all days.",
            PAIRED,
            unit=COUNT,
            label="version",
            label_and_field=True,
            no_data="No challenger was compared in this time range. `challengers` in the monitor's "
            "YAML names the dbt model that holds its predictions.",
        ),
        table(
            "What are the values of all metrics?",
            "On the newest day and over the time range, realised before estimated.",
            EVERY_METRIC,
            width=12,
            no_data=LATER,
            overrides=[
                override(name, decimals=3)
                for name in ("newest", "mean_of_days", "lowest", "highest")
            ],
        ),
        table(
            "How reliable are the estimates?",
            "On days whose labels have come: how often the realised error was inside the "
            "estimate's 95% interval, how far it was from the estimate, and how far it was from "
            "the error of the reference period.",
            TRUSTED,
            width=7,
            no_data=LATER,
            overrides=[
                override("share_inside", unit=SHARE),
                *(
                    override(name, decimals=3)
                    for name in ("mean_distance", "mean_distance_of_reference")
                ),
            ],
        ),
        table(
            "How good was each version when it was trained?",
            "Every version, with its error on its training days, its error on held-back days, and "
            "the error of a simple benchmark. A version has these figures if its training job "
            "wrote them to metrics.model_versions.",
            TRAINED,
            width=17,
            overrides=[
                override("train_rows", unit=COUNT),
                *(
                    override(name, decimals=3, unit=PLAIN)
                    for name in ("on_training_days", "on_held_back_days", "benchmark_value")
                ),
            ],
        ),
    ],
)
