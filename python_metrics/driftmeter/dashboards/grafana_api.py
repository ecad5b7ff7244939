"""Calls of Grafana's HTTP API; whatever goes wrong is one line that says what to do."""

from typing import Any
from urllib.parse import urlsplit

import requests

from driftmeter.dashboards.panels import Json
from driftmeter.errors import DriftmeterError

# The first with dashboards of schema 41, and with every call that is made here.
OLDEST = 12
SECONDS = 30


class GrafanaApi:
    """One Grafana, asked with a token of a service account.

    Certificates are checked against the usual authorities, or ``REQUESTS_CA_BUNDLE``.

    Parameters
    ----------
    url : str
        Its address, with the path that it is served under.
    token : str
        Goes into no address, message or file.

    Raises
    ------
    DriftmeterError
        Of every call, if Grafana does not answer, refuses, or answers what cannot be read.
    """

    def __init__(self, url: str, token: str) -> None:
        self.url = url.rstrip("/")
        if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
            raise DriftmeterError(
                f"{url!r} is not an address",
                where="--url",
                fix="write it as https://grafana.example",
            )
        self._session = requests.Session()
        # As a function: a .netrc would take the place of a plain header.
        self._session.auth = _Bearer(token)

    def check_version(self) -> None:
        """See that a Grafana answers, and that it is new enough where it says so."""
        health = self._read(self._call("GET", "/health"))
        if "database" not in health:
            raise self._no_grafana("/health")
        major = str(health.get("version") or OLDEST).split(".")[0]
        if major.isdigit() and int(major) < OLDEST:
            raise DriftmeterError(
                f"it is Grafana {health['version']}, which is too old for these dashboards and"
                " the API for alert rules",
                where=self.url,
                fix=f"use Grafana {OLDEST} or newer",
            )

    def find(self, path: str) -> Json | None:
        """What is at a path below ``/api``, or None where nothing is."""
        answer = self._call("GET", path)
        return None if answer.status_code == 404 else self._read(answer)

    def write(self, method: str, path: str, body: Json) -> Json:
        """Create or change what is at a path."""
        return self._read(self._call(method, path, body))

    def fault_of_source(self, uid: str) -> str | None:
        """Why Grafana cannot read a data source, in its own words; None if it can."""
        answer = self._call("GET", f"/datasources/uid/{uid}/health")
        if answer.status_code in (401, 403):
            raise self._refused(answer)
        return None if answer.status_code == 200 else _message(answer)

    def _call(self, method: str, path: str, body: Json | None = None) -> requests.Response:
        try:
            return self._session.request(
                method,
                f"{self.url}/api{path}",
                json=body,
                timeout=SECONDS,
                # A redirect would turn a POST into a GET, and may lead to a page for people.
                allow_redirects=False,
            )
        except requests.exceptions.SSLError as error:
            raise DriftmeterError(
                f"its certificate is not trusted ({_innermost(error)})",
                where=self.url,
                fix="name your authority's certificate in REQUESTS_CA_BUNDLE",
            ) from error
        except requests.RequestException as error:
            raise DriftmeterError(
                f"Grafana does not answer ({_innermost(error)})",
                where=self.url,
                fix="correct --url, or check that this machine can reach it",
            ) from error

    def _read(self, answer: requests.Response) -> Json:
        if answer.is_redirect:
            raise DriftmeterError(
                f"it redirects to {answer.headers['location']}",
                where=self.url,
                fix="give --url the address of Grafana itself, not of a login page or proxy in "
                "front of it",
            )
        if not answer.ok:
            raise self._refused(answer)
        try:
            read = answer.json()
        except ValueError:
            read = None
        if not isinstance(read, dict):
            raise self._no_grafana(urlsplit(answer.url).path)
        return read

    def _no_grafana(self, path: str) -> DriftmeterError:
        return DriftmeterError(
            f"what answers at {path} is not a Grafana", where=self.url, fix="correct --url"
        )

    def _refused(self, answer: requests.Response) -> DriftmeterError:
        fixes = {
            401: "give an unexpired token of a service account of that Grafana",
            403: "give the token's service account the role Admin, which it needs to install "
            "data sources",
            404: f"use Grafana {OLDEST} or newer, with Grafana's own alerting switched on",
        }
        what = {
            401: "Grafana does not know the token",
            403: "the token may not do this",
            404: "this Grafana lacks an API that is needed",
        }.get(answer.status_code, f"Grafana answers {answer.status_code}")
        return DriftmeterError(
            f"{what} ({_message(answer)})",
            where=f"{answer.request.method} {answer.url}",
            fix=fixes.get(answer.status_code),
        )


class _Bearer(requests.auth.AuthBase):
    """The token in each request's header."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: Any) -> Any:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def _message(answer: requests.Response) -> str:
    """Grafana's own words on one line."""
    try:
        said = answer.json()["message"]
    except (ValueError, TypeError, KeyError):
        said = answer.reason
    return " ".join(str(said).split()).rstrip(".") or str(answer.status_code)


def _innermost(error: BaseException) -> str:
    """The cause under the library's own wrappings."""
    while inner := getattr(error, "reason", None) or next(
        (part for part in error.args if isinstance(part, BaseException)), None
    ):
        if not isinstance(inner, BaseException):
            break
        error = inner
    text = str(error).split(": ", 1)[-1] if "object at 0x" in str(error) else str(error)
    return " ".join(text.split()).rstrip(".")
