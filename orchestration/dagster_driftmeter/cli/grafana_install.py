"""`driftmeter grafana --url`: everything into a Grafana that is already there."""

import sqlalchemy as sa

from dagster_driftmeter.runs.environment import prepare
from dagster_driftmeter.runs.terminal import say
from driftmeter import settings
from driftmeter.errors import DriftmeterError
from driftmeter.warehouse import connection
from driftmeter.warehouse.address import address_of, read_address
from driftmeter.warehouse.reader import set_reader_password, sslmode


def put_into(url: str, token: str | None, address: str | None, dry_run: bool) -> None:
    """Write what is missing or different, a line an object.

    Raises
    ------
    DriftmeterError
        If Grafana refuses something; the lines before it say what was written. If it does not
        reach the warehouse when everything is there.
    """
    from driftmeter.dashboards import provisioned
    from driftmeter.dashboards.grafana_api import GrafanaApi
    from driftmeter.dashboards.install import carry_out, changes
    from driftmeter.dashboards.write import DASHBOARDS, newest_opening

    if not token or not token.strip():
        raise DriftmeterError(
            "the token is missing",
            where="--token",
            fix="make one in Grafana under Administration, Service accounts, with the role Admin,"
            " and put it into GRAFANA_TOKEN",
        )
    api = GrafanaApi(url, token.strip())
    api.check_version()
    engine = _warehouse(dry_run)
    warehouse = address_of(engine)
    source = provisioned.datasource(
        provisioned.datasource_address(warehouse, url, address),
        warehouse.database,
        sslmode(engine),
    )
    planned = changes(
        api,
        source,
        lambda: _reader_password(engine),
        DASHBOARDS,
        newest_opening(engine),
        always_password=settings.reader_password() is not None,
    )
    for change in planned if dry_run else carry_out(planned):
        say(f"{change.state:<11}{change.kind:<12}{change.name}")
    if dry_run:
        say("nothing was written (--dry-run)")
        return
    if fault := api.fault_of_source(source["uid"]):
        raise DriftmeterError(
            f"everything was installed, but Grafana cannot read the warehouse ({fault})",
            where=source["url"],
            fix="give --datasource-address the address at which Grafana reaches the warehouse, and"
            " check that the server admits Grafana",
        )
    say(f"open {api.url}/d/{DASHBOARDS[0].uid}")


def _warehouse(dry_run: bool) -> sa.Engine:
    """The warehouse, brought up to date unless nothing may be written."""
    if not dry_run:
        prepare()
    engine = connection.engine()
    if not sa.inspect(engine).has_table("monitor_state", schema=settings.metrics_schema()):
        raise DriftmeterError(
            f"the warehouse has no schema {settings.metrics_schema()} yet",
            where=engine.url.render_as_string(hide_password=True),
            fix="run `driftmeter up`",
        )
    return engine


def _reader_password(engine: sa.Engine) -> str:
    """The one in the environment, which the reader has by now, or a new one."""
    return read_address(set_reader_password(engine, settings.reader_password())).password
