"""Where a ledger of a test lies: in a file, or in a PostgreSQL server that lives as long as the tests.

Tests marked `BOTH` run on each. Without PostgreSQL on the machine, or without psycopg, those of the
server are skipped and say so; in CI a skipped test is a failure.
"""

import itertools
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest

# What needs the server is part of `make thorough` only.
_SERVER = pytest.param("postgresql", marks=pytest.mark.thorough)
BOTH = pytest.mark.parametrize("database", ["sqlite", _SERVER], indirect=True)
POSTGRESQL = pytest.mark.parametrize("database", [_SERVER], indirect=True)

_START_S = 30.0
_SETTINGS = {
    "fsync": "off",  # what survives a power cut is the server's business, not ours
    "full_page_writes": "off",
    "shared_buffers": "16MB",
    "max_connections": "40",
    "unix_socket_directories": "",
    "log_min_messages": "fatal",
}
_CARELESS = ("fsync", "full_page_writes", "shared_buffers")


@dataclass(frozen=True, slots=True)
class Database:
    """A place for one ledger; `kind` is sqlite or postgresql."""

    kind: str
    location: str
    server: "Server | None" = None

    def ask(self, statement: str) -> list[tuple[object, ...]]:
        """Do one statement in a connection of its own to the place on the server."""
        return _ask(self.location, statement)


def missing() -> str | None:
    """Say why there can be no server here; None where there can be one."""
    if find_spec("psycopg") is None:
        return "psycopg is not installed: pip install '.[test]'"
    if _programs() is None:
        return "no PostgreSQL server on this machine: apt-get install postgresql"
    if os.geteuid() == 0 and _account() is None:
        return "PostgreSQL does not run as root, and there is no user postgres or nobody"
    return None


class Server:
    """A throw-away PostgreSQL cluster on a port of loopback."""

    def __init__(self, folder: Path, *, durable: bool = False) -> None:
        self._folder = folder
        self._settings = {
            name: value for name, value in _SETTINGS.items() if name not in _CARELESS or not durable
        }
        self._process: subprocess.Popen[bytes] | None = None
        self._names = itertools.count(1)
        self.port = _free_port()
        programs = _programs()
        assert programs is not None
        self._programs = programs
        if (account := _account()) is not None:
            shutil.chown(folder, account)
        self._call("initdb", "-D", str(self._data), "-A", "trust", "-U", "pipeline", "-E", "UTF8",
                   "--locale=C.UTF-8", "--no-sync", "--no-instructions")  # fmt: skip

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def start(self) -> None:
        """Start the server, again if it was stopped, and wait until it answers."""
        settings = [f"-c{name}={value}" for name, value in self._settings.items()]
        # It must not outlive tests that are killed.
        bound = ["setpriv", "--pdeathsig", "INT"] if shutil.which("setpriv") else []
        self._process = subprocess.Popen(
            [*bound, str(self._programs / "postgres"), "-D", str(self._data), "-h", "127.0.0.1",
             "-p", str(self.port), *settings],
            user=_account(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=self._folder,
        )  # fmt: skip
        deadline = time.monotonic() + _START_S
        while True:
            with suppress(Exception):
                self.ask("SELECT 1")
                return
            assert self._process.poll() is None, "the PostgreSQL server has ended"
            assert time.monotonic() < deadline, "the PostgreSQL server does not answer"
            time.sleep(0.05)

    def stop(self) -> None:
        """Stop the server; open connections are cut."""
        if self._process is not None:
            self._process.send_signal(2)  # SIGINT: fast shutdown
            self._process.wait(_START_S)
            self._process = None

    def url(self, *, schema: str | None = None, port: int | None = None) -> str:
        """Give a URL with a password in it, which this server does not look at."""
        path = "" if schema is None else f"?options=-csearch_path%3D{schema}"
        return f"postgresql://pipeline:gull-and-heron@127.0.0.1:{port or self.port}/postgres{path}"

    def new_schema(self) -> str:
        """Make an empty place for a ledger and give its name."""
        name = f"t{next(self._names)}"
        self.ask(f"CREATE SCHEMA {name}")
        return name

    def ask(self, statement: str) -> list[tuple[object, ...]]:
        """Do one statement in a connection of its own."""
        return _ask(self.url(), statement)

    def cut(self) -> int:
        """End every other connection, as a failover does; gives how many there were."""
        return len(
            self.ask(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
            )
        )

    def _call(self, program: str, *words: str) -> None:
        subprocess.run(
            [str(self._programs / program), *words], user=_account(), check=True,
            capture_output=True, cwd=self._folder,
        )  # fmt: skip


@contextmanager
def running_server(*, durable: bool = False) -> Iterator[Server]:
    """Run a server for the length of a `with` block; `durable`: what it says is stored survives."""
    folder = Path(tempfile.mkdtemp(prefix="pipeline-postgresql-"))
    try:
        server = Server(folder, durable=durable)
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _ask(url: str, statement: str) -> list[tuple[object, ...]]:
    import psycopg

    with psycopg.connect(url, autocommit=True, connect_timeout=5) as connection:
        cursor = connection.execute(statement)  # type: ignore[call-overload,unused-ignore]
        return cursor.fetchall() if cursor.description else []


def _programs() -> Path | None:
    """The folder of the server's programs: on the path, or where Debian keeps them."""
    found = shutil.which("postgres")
    if found is not None:
        return Path(found).resolve().parent
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    return debian[-1].parent if debian else None


def _account() -> str | None:
    """Who runs the server, where we are root and it must not be."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return next((name for name in ("postgres", "nobody") if name in names), None)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
