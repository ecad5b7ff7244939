"""`driftmeter grafana`: a Grafana binary on this warehouse, or one that is already there."""

import os
import secrets
import shutil
from pathlib import Path
from typing import Annotated, Optional

import typer

from driftmeter import settings
from driftmeter.errors import DriftmeterError

# Where Debian's and the Docker image's package put Grafana's own files.
PACKAGED = Path("/usr/share/grafana")
# Nothing listens there: alerts are evaluated and shown, and sent to nobody.
SINK = "http://127.0.0.1:9/"


def grafana(
    url: Annotated[
        Optional[str],
        typer.Option(metavar="ADDRESS", help="A Grafana that is there: put everything into it."),
    ] = None,
    token: Annotated[
        Optional[str],
        typer.Option(
            envvar="GRAFANA_TOKEN",
            show_envvar=True,
            help="With --url: token of a service account with the role Admin.",
        ),
    ] = None,
    datasource_address: Annotated[
        Optional[str],
        typer.Option(
            metavar="HOST:PORT", help="With --url: the warehouse, as that Grafana reaches it."
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="With --url: say what would change, write nothing.")
    ] = False,
    port: Annotated[
        Optional[int], typer.Option(help="Port on 127.0.0.1.", show_default="3000")
    ] = None,
    binary: Annotated[
        Optional[Path], typer.Option(help="The `grafana` program; from the path without it.")
    ] = None,
) -> None:
    """Dashboards and alerts in a Grafana of yours.

    With --url: puts the datasource, the folder Driftmeter, its dashboards and alert rules into a
    Grafana 12 or newer that is already there, and says of each whether it was created, updated or
    unchanged; one that is from a file of that Grafana is left. Its default datasource, contact
    points and notification policies stay as they are: route by the alerts' labels monitor, owner,
    family, severity and source. Set DRIFTMETER_READER_PASSWORD where several Grafanas read one
    warehouse; without it a password is made anew whenever the datasource is written. An authority
    of your own for certificates: REQUESTS_CA_BUNDLE.

    Without --url: starts a Grafana binary on this warehouse, until Ctrl-C. Its data goes to
    .driftmeter/grafana; dashboards open on the newest thirty days there are.
    """
    of_remote = {"--datasource-address": datasource_address, "--dry-run": dry_run or None}
    of_local = {"--port": port, "--binary": binary}
    stray = [name for name, value in (of_local if url else of_remote).items() if value is not None]
    if stray:
        raise DriftmeterError(
            f"{stray[0]} is {'not for' if url else 'only for'} a Grafana that is already there",
            where="driftmeter grafana",
            fix="leave it out" if url else "give that Grafana's address as --url",
        )
    settings.check_project()
    if url:
        from dagster_driftmeter.cli.grafana_install import put_into

        put_into(url, token, datasource_address, dry_run)
    else:
        start(port or 3000, binary)


def start(port: int, binary: Path | None) -> None:
    """Become a Grafana on this warehouse with our provisioning."""
    program = find_program(binary)
    arguments = [str(program), "server", f"--homepath={home_of(program)}"]
    from dagster_driftmeter.runs.environment import prepare
    from driftmeter.dashboards.provisioned import address_for_grafana
    from driftmeter.dashboards.write import newest_opening, write_dashboards, write_provisioning
    from driftmeter.warehouse import connection
    from driftmeter.warehouse.address import read_address
    from driftmeter.warehouse.reader import set_reader_password, sslmode

    prepare()
    engine = connection.engine()
    reader = read_address(set_reader_password(engine, settings.reader_password()))
    home = settings.home() / "grafana"
    write_dashboards(home / "dashboards", newest_opening(engine))
    write_provisioning(home / "provisioning")
    admin = os.environ.get("GF_SECURITY_ADMIN_PASSWORD") or _kept_password(home)
    environment = {
        "DRIFTMETER_DB_ADDRESS": address_for_grafana(reader),
        "DRIFTMETER_DB_NAME": str(reader.database),
        "DRIFTMETER_DB_SSLMODE": sslmode(engine),
        "DRIFTMETER_READER_PASSWORD": reader.password,
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
