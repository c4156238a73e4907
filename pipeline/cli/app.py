"""The whole command: importing this module registers every verb."""

from pipeline.cli import (
    checking,
    doctor,
    edi,
    fields,
    importing,
    ledger,
    looking,
    open_items,
    proposing,
    purging,
    reports,
    schema,
    setup,
    showing,
    topics,
    tracing,
    verifying,
)
from pipeline.cli.root import cli

__all__ = [
    "checking",
    "cli",
    "doctor",
    "edi",
    "fields",
    "importing",
    "ledger",
    "looking",
    "open_items",
    "proposing",
    "purging",
    "reports",
    "schema",
    "setup",
    "showing",
    "topics",
    "tracing",
    "verifying",
]
