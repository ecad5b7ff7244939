"""Puts the datasource, folder, dashboards and alert rules into a Grafana that is already there.

Everything is read before anything is written. What is there as it would be written stays, and so
does what that Grafana has from files of its own. Contact points and notification policies are the
team's: the rules' labels are there to route by.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from driftmeter.dashboards import provisioned
from driftmeter.dashboards.dashboard import Dashboard, Opening
from driftmeter.dashboards.grafana_api import GrafanaApi
from driftmeter.dashboards.panels import UID_PREFIX, Json
from driftmeter.errors import DriftmeterError

MESSAGE = "driftmeter grafana"


@dataclass(frozen=True)
class ObjectChange:
    """What becomes of one object.

    Attributes
    ----------
    state : str
        ``created``, ``updated``, ``unchanged``, ``removed``, or ``left``: it is from a file of
        that Grafana, which alone may change it.
    kind, name : str
        What it is.
    write : callable, optional
        Does it; None where there is nothing to do, or another of the list does it.
    """

    state: str
    kind: str
    name: str
    write: Callable[[], object] | None = None


def changes(
    api: GrafanaApi,
    datasource: Json,
    password: Callable[[], str],
    dashboards: Sequence[Dashboard],
    opening: Opening,
    *,
    always_password: bool,
) -> list[ObjectChange]:
    """What would be written, in the order that it must be; nothing is written by this.

    Parameters
    ----------
    datasource : dict
        As `provisioned.datasource` makes it.
    password : callable
        Gives the reader's; called only when the data source is written.
    always_password : bool
        Grafana tells no password. Write it even where nothing else has changed: an open connection
        works on with the old one for hours, so that its own check of the source does not tell.
    """
    return [
        _datasource(api, datasource, password, always_password),
        _folder(api, provisioned.folder()),
        *(_dashboard(api, board, opening) for board in dashboards),
        *_rules(api, provisioned.rule_group()),
    ]


def carry_out(planned: Sequence[ObjectChange]) -> Iterator[ObjectChange]:
    """Write, yielding each change when it is done."""
    for change in planned:
        if change.write is not None:
            change.write()
        yield change


def is_as_written(there: Any, written: Any) -> bool:
    """Whether Grafana holds what would be written.

    What it adds of its own, such as ids and defaults, does not count; an empty value may be absent.
    """
    if isinstance(written, dict) and isinstance(there, dict):
        return all(is_as_written(there.get(name), value) for name, value in written.items())
    if isinstance(written, list) and isinstance(there, list):
        return len(there) == len(written) and all(map(is_as_written, there, written))
    return bool(there == written or (there is None and not written))


def _datasource(
    api: GrafanaApi, wanted: Json, password: Callable[[], str], always_password: bool
) -> ObjectChange:
    kind, name, path = "datasource", wanted["name"], f"/datasources/uid/{wanted['uid']}"
    there = api.find(path)
    if there is None:

        def create() -> object:
            return api.write("POST", "/datasources", {**wanted, **_secret(password)})

        return ObjectChange("created", kind, name, create)
    if there.get("readOnly"):
        return ObjectChange("left", kind, name)
    same = is_as_written(there, wanted) and api.fault_of_source(wanted["uid"]) is None
    if same and not always_password:
        return ObjectChange("unchanged", kind, name)
    body = {
        **wanted,
        "isDefault": bool(there.get("isDefault")),
        # A proxy or a certificate that the team has set there stays.
        "jsonData": {**(there.get("jsonData") or {}), **wanted["jsonData"]},
    }
    return ObjectChange(
        "unchanged" if same else "updated",
        kind,
        name,
        lambda: api.write("PUT", path, {**body, **_secret(password)}),
    )


def _secret(password: Callable[[], str]) -> Json:
    return {"secureJsonData": {"password": password()}}


def _folder(api: GrafanaApi, wanted: Json) -> ObjectChange:
    """A folder that the team has renamed or moved is still the one with our uid."""
    if api.find(f"/folders/{wanted['uid']}") is not None:
        return ObjectChange("unchanged", "folder", wanted["title"])
    return ObjectChange(
        "created", "folder", wanted["title"], lambda: api.write("POST", "/folders", wanted)
    )


def _dashboard(api: GrafanaApi, board: Dashboard, opening: Opening) -> ObjectChange:
    # Grafana counts versions itself.
    wanted = {name: value for name, value in board.to_json(opening).items() if name != "version"}
    folder = provisioned.folder()["uid"]
    there = api.find(f"/dashboards/uid/{board.uid}")
    if there is None:
        state = "created"
    elif there["meta"].get("provisioned"):
        return ObjectChange("left", "dashboard", board.title)
    elif there["meta"].get("folderUid") == folder and is_as_written(there["dashboard"], wanted):
        return ObjectChange("unchanged", "dashboard", board.title)
    else:
        state = "updated"
    body = {"dashboard": wanted, "folderUid": folder, "overwrite": True, "message": MESSAGE}
    return ObjectChange(
        state, "dashboard", board.title, lambda: api.write("POST", "/dashboards/db", body)
    )


def _rules(api: GrafanaApi, wanted: Json) -> list[ObjectChange]:
    """A change for each rule; the first that is one writes the whole group."""
    path = f"/v1/provisioning/folder/{wanted['folderUid']}/rule-groups/{wanted['title']}"
    there = api.find(path) or {}
    known = {rule["uid"]: rule for rule in there.get("rules") or []}
    if any(rule.get("provenance") == "file" for rule in known.values()):
        return [ObjectChange("left", "alert rule", rule["title"]) for rule in wanted["rules"]]
    _check_whose(known, api.url + path)
    same_interval = not known or there.get("interval") == wanted["interval"]
    states = [
        (_state(known.pop(rule["uid"], None), rule, same_interval), rule["title"])
        for rule in wanted["rules"]
    ]
    states += [("removed", rule["title"]) for rule in known.values()]
    first = next((place for place, (state, _) in enumerate(states) if state != "unchanged"), None)
    return [
        ObjectChange(
            state,
            "alert rule",
            title,
            (lambda: api.write("PUT", path, wanted)) if place == first else None,
        )
        for place, (state, title) in enumerate(states)
    ]


def _state(there: Json | None, wanted: Json, same_interval: bool) -> str:
    if there is None:
        return "created"
    # The organisation is the token's.
    written = {name: value for name, value in wanted.items() if name != "orgID"}
    return "unchanged" if same_interval and is_as_written(there, written) else "updated"


def _check_whose(known: Json, where: str) -> None:
    """Writing a group replaces it: a team's own rule in it would be gone."""
    others = [rule["title"] for uid, rule in known.items() if not uid.startswith(UID_PREFIX)]
    if others:
        raise DriftmeterError(
            f"Driftmeter's group of alert rules also holds other rules: {', '.join(others)}",
            where=where,
            fix="move them to another group, which Driftmeter never changes",
        )
