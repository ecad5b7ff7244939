"""The address of a database, read from a URL once: every client connects with these fields.

libpq, SQLAlchemy and dbt each read a URL a little differently. What they are given here are plain
fields, so that one URL cannot lead two of them to two databases.
"""

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote

import sqlalchemy as sa

from driftmeter.errors import DriftmeterError

WAREHOUSE_URL = "DRIFTMETER_DATABASE_URL"
SHAPE = "write postgresql://user:password@host:port/database"
ENCODED = f"{SHAPE}, with %40 for @, %2F for /, %3F for ? and %25 for % in a name or password"
SCHEMES = ("postgresql", "postgres", "postgresql+psycopg", "postgresql+psycopg2")
# Parts of the address that may also stand among a URL's options, as libpq has it.
FIELDS = {"host": "host", "port": "port", "user": "user", "password": "password"}
FIELDS["dbname"] = "database"
# Options that psycopg, Dagster's storage and dbt all take.
OPTIONS = ("sslmode", "sslrootcert", "sslcert", "sslkey", "connect_timeout", "application_name")
PATTERN = re.compile(r"(?P<scheme>[\w+]+)://(?P<server>[^/?]*)(/(?P<database>[^?]*))?(\?(.*))?")


@dataclass(frozen=True)
class Address:
    """One login of one database.

    Attributes
    ----------
    host : str
        Name or number of the server, or the directory of its socket.
    port : int
    user, password, database : str
        As they are, not encoded. The password is empty where a URL has none: libpq then looks into
        ``~/.pgpass``.
    options : mapping of str to str
        The others of libpq's parameters: TLS, ``connect_timeout``, ``application_name``.
    """

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    database: str
    options: Mapping[str, str]

    def libpq(self) -> dict[str, Any]:
        """Parameters of libpq, for ``psycopg.connect`` and dbt's profile alike."""
        seconds = self.options.get("connect_timeout")
        return {
            "host": self.host,
            "port": self.port,
            "user": self.user,
            "password": self.password,
            "dbname": self.database,
            **self.options,
            **({"connect_timeout": int(seconds)} if seconds else {}),
        }

    def sqlalchemy(self, driver: str = "postgresql+psycopg") -> sa.URL:
        """The address as SQLAlchemy takes it."""
        socket = {"host": self.host, "port": str(self.port)} if self.is_socket else {}
        return sa.URL.create(
            driver,
            self.user,
            self.password or None,
            None if socket else self.host,
            None if socket else self.port,
            self.database,
            {**socket, **self.options},
        )

    def with_login(self, user: str, password: str) -> "Address":
        """The same database for another login."""
        return Address(self.host, self.port, user, password, self.database, self.options)

    @property
    def is_socket(self) -> bool:
        """Whether the server is reached by a file of this machine, and not by the network."""
        return self.host.startswith("/")

    @property
    def url(self) -> str:
        """The address as a URL that psql and this module read alike, password included."""
        return self._url(":" + quote(self.password, safe="") if self.password else "")

    @property
    def shown(self) -> str:
        """The address as a person may see it, without the password."""
        return self._url(":***" if self.password else "")

    @property
    def place(self) -> str:
        """A short name of this login of this database, for a directory."""
        named = f"{self.user}@{self.host}:{self.port}/{self.database}"
        return hashlib.sha256(named.encode()).hexdigest()[:12]

    def _url(self, password: str) -> str:
        host = f"[{self.host}]" if ":" in self.host else quote(self.host, safe="")
        options = "&".join(
            f"{name}={quote(value, safe='')}" for name, value in self.options.items()
        )
        login, database = quote(self.user, safe=""), quote(self.database, safe="")
        server = f"{login}{password}@{host}:{self.port}"
        return f"postgresql://{server}/{database}" + (f"?{options}" if options else "")


def read_address(url: str, where: str = WAREHOUSE_URL) -> Address:
    """The address that a URL names.

    Parameters
    ----------
    url : str
        ``postgresql://user:password@host:port/database?option=value``; what is no letter or digit
        may be encoded (%40) everywhere. A socket is ``?host=/directory`` or ``@%2Fdirectory:port``.
    where : str
        What the user set, for the message.

    Raises
    ------
    DriftmeterError
        If it cannot be read, leaves the host, the user or the database open, or has an option that
        not every client takes. The message has no password.
    """
    match = PATTERN.fullmatch(url.strip())
    if match is None:
        raise DriftmeterError("cannot be read as a database URL", where=where, fix=SHAPE)
    if (scheme := match["scheme"]) not in SCHEMES:
        raise DriftmeterError(
            f"names a {scheme} database, and the warehouse is a Postgres", where=where, fix=SHAPE
        )
    login, _, server = match["server"].rpartition("@")
    rest = url.strip()[match.end("server") :]
    # A password with a / or a ? ends the server's part too soon; then its @ comes later.
    if "@" in rest:
        raise _unreadable(where)
    user, _, password = login.partition(":")
    host, port = _host_and_port(server, where)
    given = {
        "host": unquote(host),
        "port": port,
        "user": unquote(user),
        "password": unquote(password),
        "database": unquote(match["database"] or ""),
    }
    options = _options_of(match[6] or "", where)
    given.update({FIELDS[name]: options.pop(name) for name in list(options) if name in FIELDS})
    for name in ("user", "host", "database"):
        if not given[name]:
            raise DriftmeterError(f"names no {name}", where=where, fix=SHAPE)
    if not re.fullmatch(r"\d{1,5}", given["port"] or "5432"):
        raise _unreadable(where)
    if "," in given["host"]:
        raise DriftmeterError(
            "names more than one host", where=where, fix="name the one that takes writes"
        )
    return Address(
        given["host"],
        int(given["port"] or "5432"),
        given["user"],
        # dbt hands on an empty one, with which libpq does not look there itself.
        given["password"] or os.environ.get("PGPASSWORD", ""),
        given["database"],
        options,
    )


def address_of(engine: sa.Engine) -> Address:
    """The address that an engine connects to."""
    url = engine.url
    query = {name: str(value) for name, value in url.query.items()}
    return Address(
        query.pop("host", "") or str(url.host),
        int(query.pop("port", "") or url.port or 5432),
        str(url.username),
        str(url.password or ""),
        str(url.database),
        query,
    )


def _host_and_port(server: str, where: str) -> tuple[str, str]:
    # An IPv6 address stands in brackets.
    match = re.fullmatch(r"(?:\[([^\]]*)\]|([^:]*))(?::(.*))?", server)
    if match is None:
        raise _unreadable(where)
    return match[1] or match[2] or "", match[3] or ""


def _options_of(query: str, where: str) -> dict[str, str]:
    options = {}
    for pair in filter(None, query.split("&")):
        name, equals, value = pair.partition("=")
        if not equals:
            raise _unreadable(where)
        if name == "options":
            raise DriftmeterError(
                "has the option options, which dbt does not take",
                where=where,
                fix="set it for the login: alter role NAME set search_path = ..., and leave it out",
            )
        if name not in FIELDS and name not in OPTIONS:
            # A password that is not encoded may stand here: no word of it is repeated.
            shown = f"the option {name}" if re.fullmatch("[a-z_]{1,30}", name) else "an option"
            raise DriftmeterError(
                f"has {shown}, which not every part of Driftmeter takes",
                where=where,
                fix=f"leave it out; {', '.join([*FIELDS, *OPTIONS])} are taken",
            )
        options[name] = unquote(value)
    if not options.get("connect_timeout", "1").isdigit():
        raise _unreadable(where)
    return options


def _unreadable(where: str) -> DriftmeterError:
    return DriftmeterError("cannot be read as a database URL", where=where, fix=ENCODED)
