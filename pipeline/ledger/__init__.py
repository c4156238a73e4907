"""What the product knows about each endpoint, and what became of each run (PRODUCT §2.9)."""

from pipeline.ledger.journal import Journal
from pipeline.ledger.ledger import Ledger
from pipeline.ledger.records import (
    PLANNED_SCHEMA,
    AckedOperation,
    FailedAttempt,
    FindingCount,
    HandedOver,
    InterchangeKey,
    KnownOrder,
    OpenItem,
    PartitionState,
    ReceivedInterchange,
    RunRecord,
    RunStart,
    RunState,
)
from pipeline.ledger.stops import LedgerDamaged, LedgerLocked, LedgerUnusable
from pipeline.ledger.store import set_aside

__all__ = [
    "PLANNED_SCHEMA",
    "AckedOperation",
    "FailedAttempt",
    "FindingCount",
    "HandedOver",
    "InterchangeKey",
    "Journal",
    "KnownOrder",
    "Ledger",
    "LedgerDamaged",
    "LedgerLocked",
    "LedgerUnusable",
    "OpenItem",
    "PartitionState",
    "ReceivedInterchange",
    "RunRecord",
    "RunStart",
    "RunState",
    "set_aside",
]
