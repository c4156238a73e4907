"""What the product knows about each endpoint, and what became of each run (PRODUCT §2.9)."""

from pipeline.ledger.journal import Journal
from pipeline.ledger.ledger import Ledger
from pipeline.ledger.records import (
    PLANNED_SCHEMA,
    AckedOperation,
    CauseCount,
    FailedAttempt,
    Figures,
    FindingCount,
    HandedOver,
    InterchangeKey,
    KnownOrder,
    OpenCount,
    OpenItem,
    PartitionState,
    PastRun,
    ReceivedInterchange,
    RunRecord,
    RunStart,
    RunState,
    cause_hash,
)
from pipeline.ledger.stops import LedgerDamaged, LedgerLocked, LedgerUnusable
from pipeline.ledger.store import set_aside

__all__ = [
    "PLANNED_SCHEMA",
    "AckedOperation",
    "CauseCount",
    "FailedAttempt",
    "Figures",
    "FindingCount",
    "HandedOver",
    "InterchangeKey",
    "Journal",
    "KnownOrder",
    "Ledger",
    "LedgerDamaged",
    "LedgerLocked",
    "LedgerUnusable",
    "OpenCount",
    "OpenItem",
    "PartitionState",
    "PastRun",
    "ReceivedInterchange",
    "RunRecord",
    "RunStart",
    "RunState",
    "cause_hash",
    "set_aside",
]
