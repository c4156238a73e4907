"""Input files found, told apart by mapping, and copied before anybody reads them."""

from pipeline.intake.assignment import assign, display_names, meant
from pipeline.intake.finding import EMPTY, Found, find_files
from pipeline.intake.snapshots import Snapshot, SnapshotFailed, take_snapshot

__all__ = [
    "EMPTY",
    "Found",
    "Snapshot",
    "SnapshotFailed",
    "assign",
    "display_names",
    "find_files",
    "meant",
    "take_snapshot",
]
