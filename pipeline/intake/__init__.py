"""Input files found, told apart by mapping, and copied before anybody reads them."""

from pipeline.intake.archives import is_zip, members_meant
from pipeline.intake.archiving import NotArchived, archive_file, facts_of_file
from pipeline.intake.assignment import almost_claims, assign, claims, display_names, meant
from pipeline.intake.finding import (
    EMPTY,
    LOOKS_UNFINISHED,
    NOT_MEANT,
    Found,
    find_files,
    finished_name,
)
from pipeline.intake.packing import is_packed, unpacked_name
from pipeline.intake.remote import Fetched, Remote, Servers, is_remote, refuse_unknown_scheme
from pipeline.intake.snapshots import (
    ArchiveCopy,
    Snapshot,
    SnapshotFailed,
    copy_archive,
    take_member,
    take_snapshot,
)
from pipeline.intake.stillness import AT_ONCE, STILL_WRITTEN, Readiness
from pipeline.intake.workbooks import (
    BREAK,
    Dialect,
    holds_a_sheet,
    is_workbook,
    sheet_to_text,
    with_breaks,
)

__all__ = [
    "AT_ONCE",
    "BREAK",
    "EMPTY",
    "LOOKS_UNFINISHED",
    "NOT_MEANT",
    "STILL_WRITTEN",
    "ArchiveCopy",
    "Dialect",
    "Fetched",
    "Found",
    "NotArchived",
    "Readiness",
    "Remote",
    "Servers",
    "Snapshot",
    "SnapshotFailed",
    "almost_claims",
    "archive_file",
    "assign",
    "claims",
    "copy_archive",
    "display_names",
    "facts_of_file",
    "find_files",
    "finished_name",
    "holds_a_sheet",
    "is_packed",
    "is_remote",
    "is_workbook",
    "is_zip",
    "meant",
    "members_meant",
    "refuse_unknown_scheme",
    "sheet_to_text",
    "take_member",
    "take_snapshot",
    "unpacked_name",
    "with_breaks",
]
