"""What workers need and takes seconds to import: Dagster, dbt's adapters, Evidently with its plots.

The process that workers fork from imports it, before it forks any.
"""

import gc

from driftmeter.imports import many_imports

with many_imports():
    import dagster_dbt  # noqa: F401

    import driftmeter.alarms.detect
    import driftmeter.incidents.update
    import driftmeter.performance.performance_day
    import driftmeter.reports.page  # noqa: F401

# A worker that looks for garbage looks through none of what all of them share.
gc.freeze()
