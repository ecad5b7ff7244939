"""What a Grafana that is already there is given through its HTTP API.

Made of the files that one of ours is provisioned with, in the form that the API takes.
"""

import ipaddress
import re
from typing import Any
from urllib.parse import urlsplit

import yaml

from driftmeter.dashboards.panels import Json
from driftmeter.dashboards.write import PROVISIONING, rules_text
from driftmeter.errors import DriftmeterError
from driftmeter.warehouse.address import Address

SECONDS = {"s": 1, "m": 60, "h": 3600}


def folder() -> Json:
    """The folder of the dashboards and rules: its uid and title."""
    (provider,) = _file("dashboards/dashboards.yaml")["providers"]
    return {"uid": provider["folderUid"], "title": provider["folder"]}


def datasource(address: str, database: str, sslmode: str) -> Json:
    """The warehouse as a data source, but for its password.

    It is nobody's default: that one is the team's own choice.

    Parameters
    ----------
    address : str
        ``host:port`` as Grafana reaches it.
    """
    (declared,) = _file("datasources/warehouse.yaml")["datasources"]
    kept = {name: declared[name] for name in ("uid", "name", "type", "access", "user")}
    settings = {**declared["jsonData"], "database": database, "sslmode": sslmode}
    return {**kept, "url": address, "jsonData": settings}


def rule_group() -> Json:
    """The alert rules, their interval in seconds."""
    (group,) = yaml.safe_load(rules_text())["groups"]
    number, unit = re.fullmatch(r"(\d+)([smh])", group["interval"]).groups()  # type: ignore[union-attr]
    return {
        "title": group["name"],
        "folderUid": folder()["uid"],
        "interval": int(number) * SECONDS[unit],
        "rules": [_rule(rule, group["name"]) for rule in group["rules"]],
    }


def _rule(declared: Json, group: str) -> Json:
    """A rule of the file: the API has its panel as annotations, which files may not."""
    rule = dict(declared)
    panel = {
        "__dashboardUid__": rule.pop("dashboardUid"),
        "__panelId__": str(rule.pop("panelId")),
    }
    # Grafana takes the token's own organisation, whatever is said here; its form asks for one.
    place = {"orgID": 1, "folderUID": folder()["uid"], "ruleGroup": group}
    return {**rule, **place, "annotations": {**rule["annotations"], **panel}}


def _file(name: str) -> Any:
    return yaml.safe_load((PROVISIONING / name).read_text())


def datasource_address(warehouse: Address, grafana: str, given: str | None) -> str:
    """``host:port`` at which a Grafana reaches the warehouse.

    Parameters
    ----------
    warehouse : Address
        How this machine reaches it.
    grafana : str
        Address of Grafana.
    given : str, optional
        What the user says.

    Raises
    ------
    DriftmeterError
        If this is no host and port, or the warehouse's address means another machine there.
    """
    if given is not None:
        if not re.fullmatch(r"([^\s:/@\[\]]+|\[[0-9a-fA-F:.]+\])(:\d{1,5})?", given):
            raise DriftmeterError(
                f"{given!r} is not a host and port",
                where="--datasource-address",
                fix="write it as warehouse.example:5432",
            )
        return given if re.search(r"[^:]:\d+$", given) else f"{given}:5432"
    host = warehouse.host
    if is_loopback(host) and not is_loopback(urlsplit(grafana).hostname or ""):
        raise DriftmeterError(
            f"this machine reaches the warehouse as {host}, which that Grafana cannot use",
            where=grafana,
            fix="give the address at which Grafana reaches it: --datasource-address host:port",
        )
    return address_for_grafana(warehouse)


def address_for_grafana(warehouse: Address) -> str:
    """Where a Grafana on this machine finds the warehouse.

    Raises
    ------
    DriftmeterError
        If that is a socket with a number of its own: Grafana takes a directory only.
    """
    if not warehouse.is_socket:
        shown = f"[{warehouse.host}]" if ":" in warehouse.host else warehouse.host
        return f"{shown}:{warehouse.port}"
    if warehouse.port != 5432:
        raise DriftmeterError(
            "Grafana can use a socket only with port 5432",
            where=warehouse.shown,
            fix="name the server by host and port in DRIFTMETER_DATABASE_URL for this command",
        )
    return warehouse.host


def is_loopback(host: str) -> bool:
    """Whether an address means the machine it is used on; a socket's directory does too."""
    if host == "localhost" or host.startswith("/"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
