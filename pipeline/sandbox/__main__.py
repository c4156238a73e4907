"""`python -m pipeline.sandbox`: the sandbox as a process of its own."""

import argparse
import sqlite3
import sys
from collections.abc import Sequence
from pathlib import Path

from pipeline.sandbox.faults import BadFaultError, FaultSchedule
from pipeline.sandbox.server import ExposedHostError, serve
from pipeline.sandbox.settings import DEFAULT_ACCOUNT, DEFAULT_TOKEN, SandboxSettings

_CANNOT_START = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until a signal; say in one line of stderr why if that cannot be."""
    told = _parser().parse_args(arguments)
    try:
        serve(_settings(told), host=told.host, port=told.port, expose=told.expose)
    except (BadFaultError, ExposedHostError, OSError) as error:
        sys.stderr.write(f"sandbox: {error}\n")
        return _CANNOT_START
    except sqlite3.Error as error:
        sys.stderr.write(f"sandbox: {told.data}: {error}; choose another --data directory\n")
        return _CANNOT_START
    return 0


def _settings(told: argparse.Namespace) -> SandboxSettings:
    defaults = SandboxSettings()
    return SandboxSettings(
        tokens={token: frozenset(told.account) for token in told.token},
        delivery_methods=(*defaults.delivery_methods, *told.delivery_method),
        latency_s=told.latency,
        data=told.data,
        faults=_faults(told),
    )


def _faults(told: argparse.Namespace) -> FaultSchedule:
    if told.faults is not None:
        return FaultSchedule.from_text(told.faults.read_text(encoding="utf-8"))
    if told.profile is not None:
        return FaultSchedule.profile(told.profile, seed=told.seed)
    return FaultSchedule()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m pipeline.sandbox", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--expose", action="store_true", help="allow a host that is not loopback")
    parser.add_argument(
        "--data", type=Path, help="folder that keeps the orders; without it they are in memory only"
    )
    parser.add_argument("--account", type=int, nargs="+", default=[DEFAULT_ACCOUNT])
    parser.add_argument("--token", nargs="+", default=[DEFAULT_TOKEN])
    parser.add_argument("--delivery-method", nargs="+", default=[], metavar="NAME")
    parser.add_argument("--latency", type=float, default=0.0, metavar="SECONDS")
    faults = parser.add_mutually_exclusive_group()
    faults.add_argument("--faults", type=Path, help="JSON file with a list of fault rules")
    faults.add_argument("--profile", help="flaky or storm")
    parser.add_argument("--seed", type=int, default=0, help="of the profile")
    return parser


if __name__ == "__main__":
    sys.exit(main())
