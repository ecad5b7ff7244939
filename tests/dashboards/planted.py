"""Rows of the one table that no step fills yet, so that its panels have something to show."""

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


def plant(engine: sa.Engine) -> None:
    """Insert a calm performance."""
    with engine.begin() as connection:
        connection.execute(sa.text(PERFORMANCE))
