"""Rows of tables that no step fills yet, so that the panels over them have something to show."""

import sqlalchemy as sa

PERFORMANCE = """
insert into metrics.performance (monitor, model_version, partition_date, segment, segment_value,
    metric, kind, value, lower, upper, label_coverage, state)
select parts.monitor, versions.model_version, parts.partition_date, segment, segment_value, metric,
    kind, 4 + random(), 3, 6, 0.9,
    case when parts.partition_date < '2019-04-15' then 'final' else 'provisional' end
from metrics.partitions as parts
cross join (values ('mae'), ('log_loss')) as metrics (metric)
cross join (values ('realised'), ('estimated')) as kinds (kind)
cross join (values (null, null), ('pickup_borough', 'Queens')) as segments (segment, segment_value)
join metrics.model_versions as versions on parts.monitor = versions.monitor and is_active
where parts.state = 'fresh'
"""
INCIDENTS = """
insert into metrics.incidents (monitor, column_name, kind, severity, opened_on, last_seen_on,
    closed_on, diagnosis, report_url)
values
    ('trip_duration', 'passenger_count', 'missing_values', 'warn', '2019-04-03', '2019-04-04',
        '2019-04-05', 'passenger_count: 33% of values are missing, 0.3% before', null),
    ('trip_duration', 'fare_usd', 'unit_change', 'error', '2019-04-20', '2019-04-21', null,
        'fare_usd: values are 100 times as large: it''s cents, not dollars', '/reports/1.html')
"""


def plant(engine: sa.Engine) -> None:
    """Insert a calm performance and two incidents, one of them open."""
    with engine.begin() as connection:
        connection.execute(sa.text(PERFORMANCE))
        connection.execute(sa.text(INCIDENTS))
