"""What the product knows about each endpoint, and what became of each run (PRODUCT §2.9)."""

from pipeline.ledger.claims import Lease
from pipeline.ledger.extract import COLUMNS as EXPORT_COLUMNS
from pipeline.ledger.inspection import Complaint, Inspection
from pipeline.ledger.journal import Begun, Journal
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
    OrderAnswer,
    OrderInRun,
    OrderItem,
    PartitionState,
    PastRun,
    ReadBack,
    ReceivedInterchange,
    RunRecord,
    RunStart,
    RunState,
    SourceNight,
    ToldOrder,
    TriedOnce,
    cause_hash,
)
from pipeline.ledger.sizes import EndpointSize, Growth, LedgerSize, TableSize
from pipeline.ledger.stops import LedgerAbsent, LedgerDamaged, LedgerLocked, LedgerUnusable
from pipeline.ledger.store import set_aside
from pipeline.ledger.thinning import OldRun
from pipeline.ledger.told import owner_of

__all__ = [
    "EXPORT_COLUMNS",
    "PLANNED_SCHEMA",
    "AckedOperation",
    "Begun",
    "CauseCount",
    "Complaint",
    "Difference",
    "EndpointSize",
    "FailedAttempt",
    "Figures",
    "FindingCount",
    "Found",
    "Growth",
    "HandedOver",
    "Inspection",
    "InterchangeKey",
    "Journal",
    "KnownOrder",
    "Lease",
    "Ledger",
    "LedgerAbsent",
    "LedgerDamaged",
    "LedgerLocked",
    "LedgerSize",
    "LedgerUnusable",
    "OldRun",
    "OpenCount",
    "OpenItem",
    "OrderAnswer",
    "OrderInRun",
    "OrderItem",
    "PartitionState",
    "PastRun",
    "ReadBack",
    "ReceivedInterchange",
    "RunRecord",
    "RunStart",
    "RunState",
    "SourceNight",
    "TableSize",
    "ToldOrder",
    "TriedOnce",
    "cause_hash",
    "owner_of",
    "set_aside",
]
