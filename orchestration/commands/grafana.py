"""`driftmeter grafana`: a Grafana binary of yours on this warehouse, with our provisioning."""

import os
import secrets
import shutil
from pathlib import Path
from typing import Annotated, Optional

import typer

from python_metrics import settings
from python_metrics.errors import DriftmeterError

# Where Debian's and the Docker image's package put Grafana's own files.
PACKAGED = Path("/usr/share/grafana")
# Nothing listens there: alerts are evaluated and shown, and sent to nobody.
SINK = "http://127.0.0.1:9/"


def grafana(
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")] = 3000,
    binary: Annotated[
        Optional[Path], typer.Option(help="The `grafana` program; from the path without it.")
    ] = None,
) -> None:
    """Start Grafana on this warehouse with our dashboards and alerts, until Ctrl-C.

    For those with a Grafana binary and no Docker. Its data goes to .driftmeter/grafana; dashboards
    open on the newest thirty days there are.
    """
    program = find_program(binary)
    arguments = [str(program), "server", f"--homepath={home_of(program)}"]
    from sqlalchemy.engine import make_url

    from orchestration.environment import prepare
    from python_metrics.dashboards.write import (
        newest_opening,
        write_dashboards,
        write_provisioning,
    )
    from python_metrics.warehouse import connection
    from python_metrics.warehouse.reader import set_reader_password

    prepare()
    engine = connection.engine()
    reader = make_url(set_reader_password(engine, settings.reader_password()))
    home = settings.home() / "grafana"
    write_dashboards(home / "dashboards", newest_opening(engine))
    write_provisioning(home / "provisioning")
    admin = os.environ.get("GF_SECURITY_ADMIN_PASSWORD") or _kept_password(home)
    environment = {
        "DRIFTMETER_DB_ADDRESS": f"{reader.host}:{reader.port or 5432}",
        "DRIFTMETER_DB_NAME": str(reader.database),
        "DRIFTMETER_DB_SSLMODE": str(reader.query.get("sslmode", "disable")),
        "DRIFTMETER_READER_PASSWORD": str(reader.password),
        "DRIFTMETER_DASHBOARDS_PATH": str(home / "dashboards"),
        "DRIFTMETER_ALERT_WEBHOOK_URL": os.environ.get("ALERT_WEBHOOK_URL", SINK),
        "GF_PATHS_DATA": str(home / "data"),
        "GF_PATHS_LOGS": str(home / "logs"),
        "GF_PATHS_PLUGINS": str(home / "plugins"),
        "GF_PATHS_PROVISIONING": str(home / "provisioning"),
        "GF_SERVER_HTTP_ADDR": "127.0.0.1",
        "GF_SERVER_HTTP_PORT": str(port),
        "GF_SECURITY_ADMIN_PASSWORD": admin,
        "GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH": str(
            home / "dashboards" / "driftmeter-overview.json"
        ),
        "GF_ANALYTICS_REPORTING_ENABLED": "false",
        "GF_ANALYTICS_CHECK_FOR_UPDATES": "false",
        "GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES": "false",
        "GF_PLUGINS_PREINSTALL_DISABLED": "true",
        "GF_LOG_MODE": "file",
    }
    typer.echo(
        f"Grafana: http://127.0.0.1:{port}/d/driftmeter-overview  user admin, password {admin}"
    )
    typer.echo(f"  its log: {home / 'logs'}  (Ctrl-C ends it; the warehouse stays up)")
    os.execve(program, arguments, {**os.environ, **environment})


def find_program(given: Path | None) -> Path:
    """The `grafana` program: as given, or on the path.

    Raises
    ------
    DriftmeterError
        If there is none.
    """
    program = shutil.which(str(given) if given else "grafana")
    if program is None:
        raise DriftmeterError(
            "there is no Grafana here",
            where=str(given or "the path"),
            fix="unpack Grafana 13 and give its bin/grafana as --binary, or use"
            " `docker compose up`, or `driftmeter report --overview`, which needs neither",
        )
    return Path(program).resolve()


def home_of(program: Path) -> Path:
    """Directory of Grafana's own files: beside an unpacked program, or where packages put it.

    Raises
    ------
    DriftmeterError
        If neither holds them.
    """
    for directory in (program.parent.parent, PACKAGED):
        if (directory / "conf" / "defaults.ini").exists():
            return directory
    raise DriftmeterError(
        "Grafana's own files (conf/defaults.ini) are not beside it",
        where=str(program.parent.parent),
        fix="give the program of a whole unpacked Grafana as --binary",
    )


def _kept_password(home: Path) -> str:
    """Grafana keeps its first admin password in its data, so this keeps it too."""
    file = home / "admin_password"
    if not file.exists():
        home.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        file.write_text(secrets.token_hex(8))
    return file.read_text()
