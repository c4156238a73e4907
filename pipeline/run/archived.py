"""Input files on their way out: recognised where they were imported before, archived in the end."""

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from pipeline.config import Settings
from pipeline.intake import NotArchived, Readiness, archive_file, facts_of_file
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
    if settings.archive is None or not facts.get("whole") or facts.get("retry"):
        return
    at = datetime.fromisoformat(facts["started_at"]).astimezone(ZoneInfo(settings.timezone))
    into = settings.archive / f"{at:%Y-%m-%d}"
    stay = {each["path"] for each in facts["files"] if each.get("aside") not in (None, IMPORTED)}
    moved: dict[str, str] = {}
    for file in facts["files"]:
        path = file["path"]
        if path in stay or path in moved or not file.get("stat"):
            continue
        try:
            moved[path] = str(archive_file(Path(path), into, file["stat"]))
        except NotArchived as why:
            moved[path] = path
            if Path(path).exists():
                events.say("warning", "warning", text=f"{file['name']} stays where it is: {why}")
            continue
        for marker in Readiness(marker=settings.marker).markers_of(Path(path)):
            _with_marker(marker, into)
    told = [each | {"path": moved.get(each["path"], each["path"])} for each in facts["files"]]
    folder.write_facts(facts | {"files": told})
    count = sum(place != path for path, place in moved.items())
    if count:
        events.say("info", "archived", files=count, folder=str(into))


def _with_marker(marker: Path, into: Path) -> None:
    try:
        status = marker.lstat()
        archive_file(marker, into, facts_of_file(status))
    except (OSError, NotArchived):  # most files have none, or one of its two names
        return
