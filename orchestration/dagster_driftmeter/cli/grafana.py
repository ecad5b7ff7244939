"""`driftmeter grafana`: a Grafana binary on this warehouse, or one that is already there."""

import os
import secrets
import shutil
from pathlib import Path
from typing import Annotated, Optional

import typer

from dagster_driftmeter.runs.environment import prepare
from dagster_driftmeter.runs.terminal import say
from driftmeter import settings
from driftmeter.errors import DriftmeterError
from driftmeter.warehouse import connection
from driftmeter.warehouse.address import read_address
from driftmeter.warehouse.reader import set_reader_password, sslmode

# Where Debian's and the Docker image's package put Grafana's own files.
PACKAGED = Path("/usr/share/grafana")
# Nothing listens there: alerts are evaluated and shown, and sent to nobody.
SINK = "http://127.0.0.1:9/"


def grafana(
    url: Annotated[
        Optional[str],
        typer.Option(metavar="ADDRESS", help="Address of a running Grafana to install into."),
    ] = None,
    token: Annotated[
        Optional[str],
        typer.Option(
            envvar="GRAFANA_TOKEN",
            show_envvar=True,
            help="With --url: token of a service account that has the role Admin.",
        ),
    ] = None,
    datasource_address: Annotated[
        Optional[str],
        typer.Option(
            metavar="HOST:PORT",
            help="With --url: address at which that Grafana reaches the warehouse.",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="With --url: show the changes, and write nothing.")
    ] = False,
    port: Annotated[
        Optional[int], typer.Option(help="Without --url: port on 127.0.0.1.", show_default="3000")
    ] = None,
    binary: Annotated[
        Optional[Path],
        typer.Option(help="Without --url: the `grafana` program. Default: the one on the PATH."),
    ] = None,
) -> None:
    """Install the dashboards and alerts in your Grafana, or start a Grafana that has them.

    With --url, the command installs the data source, the folder Driftmeter with its dashboards,
    and the alert rules in a running Grafana, version 12 or newer. It prints for each object
    whether it was created, updated or unchanged, and leaves alone what that Grafana provisions
    from files. The default data source, contact points and notification policies also stay as they
    are: use the alerts' labels monitor, owner, family, severity and source to route alerts. Set
    DRIFTMETER_READER_PASSWORD if several Grafanas read one warehouse; otherwise every change of
    the data source sets a new password. If your organisation signs its own certificates, name
    their file in REQUESTS_CA_BUNDLE.

    Without --url, the command starts a Grafana program on this warehouse and runs it until Ctrl-C.
    Grafana keeps its data in .driftmeter/grafana, and the dashboards open on the newest thirty
    days.
    """
    of_remote = {"--datasource-address": datasource_address, "--dry-run": dry_run or None}
    of_local = {"--port": port, "--binary": binary}
    stray = [name for name, value in (of_local if url else of_remote).items() if value is not None]
    if stray:
        raise DriftmeterError(
            f"{stray[0]} {'cannot be used with' if url else 'is only for use with'} --url",
            where="driftmeter grafana",
            fix="leave it out" if url else "add --url with the address of that Grafana",
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
    from driftmeter.dashboards.provisioned import address_for_grafana
    from driftmeter.dashboards.write import newest_opening, write_dashboards, write_provisioning

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
    say(f"Grafana: http://127.0.0.1:{port}/d/driftmeter-overview  user admin, password {admin}")
    say(f"  Grafana's log: {home / 'logs'}  (Ctrl-C stops Grafana; the warehouse keeps running)")
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
            "the program grafana was not found",
            where=str(given or "the path"),
            fix="unpack Grafana 13 and give its bin/grafana as --binary, or run `docker compose"
            " up`; `driftmeter report --overview` needs no Grafana",
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
        "the directory of the program lacks Grafana's own files (conf/defaults.ini)",
        where=str(program.parent.parent),
        fix="give --binary the program of a completely unpacked Grafana",
    )


def _kept_password(home: Path) -> str:
    """Grafana keeps its first admin password in its data, so this keeps it too."""
    file = home / "admin_password"
    if not file.exists():
        settings.make_private(home)
        file.touch(mode=0o600)
        file.write_text(secrets.token_hex(8))
    return file.read_text()
