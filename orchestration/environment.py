"""What a process needs before it uses the warehouse, dbt or Dagster."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.engine import make_url

from orchestration.dbt_packages import ensure_packages
from orchestration.dbt_profile import ensure_profile, has_own_profile, write_profile
from python_metrics import settings
from python_metrics.errors import DriftmeterError
from python_metrics.warehouse import connection, migrate
from python_metrics.warehouse.embedded import EmbeddedPostgres
from python_metrics.warehouse.reader import set_reader_password

# Runs share the warehouse's server; the URL with its password stays in the environment.
DAGSTER_YAML = """\
# Written by Driftmeter. Dagster's own tables are in the warehouse, in schema dagster.
storage:
  postgres:
    postgres_url:
      env: DRIFTMETER_DAGSTER_URL
local_artifact_storage:
  module: dagster.core.storage.root
  class: LocalArtifactStorage
  config:
    base_dir: "{home}"
compute_logs:
  module: dagster.core.storage.local_compute_log_manager
  class: LocalComputeLogManager
  config:
    base_dir: "{home}/compute_logs"
concurrency:
  pools:
    # Two runs of one dbt project would swap each other's views away.
    default_limit: 1
    granularity: run
  runs:
    max_concurrent_runs: 2
run_monitoring:
  enabled: true
  # One that a person terminates and whose process is gone is canceled all the same.
  cancel_timeout_seconds: 60
  # A busy machine takes its time over the imports.
  start_timeout_seconds: 600
nux:
  enabled: false
telemetry:
  # Set to true to send Dagster its usage statistics.
  enabled: false
"""


def prepare() -> str:
    """Start the warehouse if it is the embedded one, upgrade it, and point dbt and Dagster at it.

    Returns
    -------
    str
        The warehouse's URL.

    Raises
    ------
    DriftmeterError
        If the warehouse does not start or does not answer.
    """
    # Telemetry of every tool below is off; unset these to turn it on.
    os.environ.setdefault("DO_NOT_TRACK", "1")
    os.environ.setdefault("DBT_SEND_ANONYMOUS_USAGE_STATS", "false")
    settings.home().mkdir(parents=True, exist_ok=True)
    with _one_at_a_time(settings.home() / "up.lock"):
        if settings.external_database_url() is None:
            _check_whose_warehouse()
            write_profile(EmbeddedPostgres(settings.home()).start())
        else:
            # Any profile that is there reads the variable too.
            ensure_profile()
        ensure_packages()
        url = connection.warehouse_url()
        migrate.upgrade(connection.engine(url))
        if settings.is_example():
            from python_metrics.example.migrations import upgrade_raw

            upgrade_raw(connection.engine(url))
        if password := settings.reader_password():
            set_reader_password(connection.engine(url), password)
        _prepare_dagster(url)
    return url


def _check_whose_warehouse() -> None:
    """dbt must not write to a team's warehouse what Python reads from the embedded one."""
    if has_own_profile():
        raise DriftmeterError(
            "dbt's profile is your own, and Driftmeter knows of no warehouse",
            where="DRIFTMETER_DATABASE_URL",
            fix="set it to the database of that profile",
        )


def _prepare_dagster(url: str) -> None:
    home = settings.home() / "dagster"
    home.mkdir(exist_ok=True)
    (home / "dagster.yaml").write_text(DAGSTER_YAML.format(home=home))
    os.environ["DAGSTER_HOME"] = str(home)
    parsed = make_url(url).set(drivername="postgresql")
    with_schema = parsed.update_query_dict({"options": "-c search_path=dagster"})
    os.environ["DRIFTMETER_DAGSTER_URL"] = with_schema.render_as_string(hide_password=False)


@contextmanager
def _one_at_a_time(path: Path) -> Iterator[None]:
    """Two `driftmeter up` at once must not both make a cluster."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
