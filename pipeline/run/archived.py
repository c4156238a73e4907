"""Input files on their way out: recognised where they were imported before, archived in the end."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from pipeline.config import Settings
from pipeline.intake import (
    NotArchived,
    Readiness,
    Servers,
    archive_file,
    facts_of_file,
    is_remote,
)
from pipeline.ledger import Ledger, RunRecord, RunState
from pipeline.run.aside import IMPORTED, Imported
from pipeline.run.byproduct import Byproduct
from pipeline.run.folder import RunFolder
from pipeline.run.request import Events, Options

_LOOK_BACK = 10_000  # runs


def imported_before(ledger: Ledger, endpoint: int, options: Options, *, skip: bool) -> Imported:
    """Look up what finished runs of an endpoint have read; those of a choice of orders do not count."""
    runs: dict[str, str] = {}
    mappings: dict[str, frozenset[str]] = {}
    for run in ledger.runs(_LOOK_BACK):
        if run.endpoint != endpoint or run.state is not RunState.FINISHED:
            continue
        if not _whole(run) or bool(run.options.get("backfill")) is not options.backfill:
            continue
        read_by = frozenset(run.mappings.values())
        for file in run.files:
            sha256 = str(file["sha256"])
            runs.setdefault(sha256, run.id)
            mappings[sha256] = mappings.get(sha256, frozenset()) | read_by
    return Imported(runs, mappings, skip)


def _whole(run: RunRecord) -> bool:
    """Whether all orders of the files were meant; runs of before this was noted do not count."""
    return run.options.get("whole") is True


def put_away(folder: RunFolder, settings: Settings, events: Events) -> None:
    """Move the files of a run that has ended to the archive, with their markers.

    Files that were set aside stay, but for those that had been imported before; so do files of a choice of
    orders and corrected ones. What is moved already, by a process that was killed, is left.
    """
    with Byproduct("the move of the files to the archive", events, again="move them by hand"):
        _put_away(folder, settings, events)


def _put_away(folder: RunFolder, settings: Settings, events: Events) -> None:
    facts = folder.facts()
    if (
        (settings.archive is None and settings.remote_archive is None)
        or not facts.get("whole")
        or facts.get("retry")
    ):
        return
    at = datetime.fromisoformat(facts["started_at"]).astimezone(ZoneInfo(settings.timezone))
    day = f"{at:%Y-%m-%d}"
    stay = {each["path"] for each in facts["files"] if each.get("aside") not in (None, IMPORTED)}
    moved: dict[str, str] = {}
    servers = Servers(settings.s3_endpoint)
    for file in facts["files"]:
        path = file["path"]
        if path in stay or path in moved or not file.get("stat"):
            continue
        try:
            place = _moved(path, file["stat"], settings, day, servers)
        except NotArchived as why:
            moved[path] = path
            if is_remote(path) or Path(path).exists():
                events.say("warning", "warning", text=f"{file['name']} stays where it is: {why}")
            continue
        if place is None:
            continue
        moved[path] = place
        if is_remote(path) or settings.archive is None:
            continue
        into = settings.archive / day
        for marker in Readiness(marker=settings.marker).markers_of(Path(path)):
            _with_marker(marker, into)
    told = [each | {"path": moved.get(each["path"], each["path"])} for each in facts["files"]]
    folder.write_facts(facts | {"files": told})
    count = sum(place != path for path, place in moved.items())
    if count:
        events.say("info", "archived", files=count)


def _moved(
    path: str, was: Sequence[int], settings: Settings, day: str, servers: Servers
) -> str | None:
    """Move a file; gives its new place, or None where it is to stay."""
    if is_remote(path):
        if settings.remote_archive is None:
            return None
        return servers.archive(
            path, f"{settings.remote_archive}/{day}", was, Readiness(marker=settings.marker)
        )
    return (
        None
        if settings.archive is None
        else str(archive_file(Path(path), settings.archive / day, was))
    )


def _with_marker(marker: Path, into: Path) -> None:
    try:
        status = marker.lstat()
        archive_file(marker, into, facts_of_file(status))
    except (OSError, NotArchived):  # most files have none, or one of its two names
        return
