"""What the product knows about each endpoint, and what became of each run (PRODUCT §2.9)."""

from pipeline.ledger.journal import Journal
from pipeline.ledger.ledger import Ledger
from pipeline.ledger.records import (
    PLANNED_SCHEMA,
    AckedOperation,
    CauseCount,
    Difference,
    FailedAttempt,
    Figures,
    FindingCount,
    Found,
    HandedOver,
    InterchangeKey,
    KnownOrder,
    OpenCount,
    OpenItem,
    PartitionState,
    PastRun,
    ReadBack,
    ReceivedInterchange,
    RunRecord,
    RunStart,
    RunState,
    ToldOrder,
    cause_hash,
)
from pipeline.ledger.stops import LedgerDamaged, LedgerLocked, LedgerUnusable
from pipeline.ledger.store import set_aside
from pipeline.ledger.told import owner_of

__all__ = [
    "PLANNED_SCHEMA",
    "AckedOperation",
    "CauseCount",
    "Difference",
    "FailedAttempt",
    "Figures",
    "FindingCount",
    "Found",
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
    "ReadBack",
    "ReceivedInterchange",
    "RunRecord",
    "RunStart",
    "RunState",
    "ToldOrder",
    "cause_hash",
    "owner_of",
    "set_aside",
]
