"""Acknowledgements of a run: written once, numbered once, handed over once.

They say what we took over, so they are written when the ledger knows of the run and before the
first order is sent: a plan writes none, nor does a run that a safety stop ends. `resume` goes on
where a killed run stopped:

1. the texts are made with new control numbers and written to `acks/` of the run's folder;
2. run.json lists them. Without that list the numbers of 1 are lost, and nobody has seen them;
3. each is written beside its place in the partner's outbox, as NAME.part;
4. the ledger notes that it is handed over;
5. it gets its name. A `.part` of a noted one was left by a crash between 4 and 5.
"""

import hashlib
import os
import shlex
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from pipeline.acknowledge import Acknowledgement, Kind, acknowledge
from pipeline.ledger import HandedOver, InterchangeKey, Ledger
from pipeline.model.edi.definition import Syntax
from pipeline.model.edi.envelope import Interchange
from pipeline.model.edi.partner import Partner
from pipeline.model.stops import StopRun
from pipeline.report.summary import counted
from pipeline.run.folder import DiskUnusable, RunFolder, written
from pipeline.run.partners import partner_of
from pipeline.run.verdicts import EdiFile, kept

FOLDER = "acks"


class OutboxMissing(StopRun):
    """The configuration names a folder for acknowledgements that is none (exit 2)."""

    exit_code = 2


def check_outboxes(outboxes: Path | None, partners: Sequence[Partner], profile: str) -> None:
    """Make sure that acknowledgements can be handed over, before anything is sent.

    Raises:
        OutboxMissing: there is no such folder.
        DiskUnusable: it cannot be written.
    """
    if outboxes is None or not any(partner.acks for partner in partners):
        return
    if not outboxes.is_dir():
        is_what = "is not a folder" if outboxes.exists() else "does not exist"
        make = "" if outboxes.exists() else f"make it (mkdir -p {shlex.quote(str(outboxes))}), or "
        raise OutboxMissing(f"acks_dir {outboxes} {is_what}",
                            help=f"{make}correct acks_dir of [profile.{profile}]")  # fmt: skip
    if not os.access(outboxes, os.W_OK | os.X_OK):
        raise DiskUnusable(f"acks_dir {outboxes} cannot be written",
                           help="give this user the right to write there")  # fmt: skip


class Answers:
    """Writes the acknowledgements of one run, or what is missing of them."""

    def __init__(
        self, ledger: Ledger, endpoint: int, run_id: str, folder: RunFolder,
        partners: Sequence[Partner], outboxes: Path | None, warn: Callable[[str], None],
    ) -> None:  # fmt: skip
        self._ledger = ledger
        self._endpoint = endpoint
        self._run_id = run_id
        self._folder = folder
        self._partners = partners
        self._outboxes = outboxes
        self._warn = warn
        self._last: dict[tuple[InterchangeKey, str], str] = {}

    def give(self, now: datetime) -> list[dict[str, Any]]:
        """Write and hand over what is missing; gives all acknowledgements of the run.

        Raises:
            DiskUnusable: a folder cannot be written; `resume` writes what is missing.
        """
        facts = self._folder.facts()
        if "acks" not in facts:
            facts = self._write(facts, now)
        acks: list[dict[str, Any]] = facts["acks"]
        handed = self._ledger.handed_over(self._endpoint, [ack["key"]["sha256"] for ack in acks])
        for ack in acks:
            self._hand_over(ack, handed)
        return acks

    # -- 1 and 2 ------------------------------------------------------------------------------

    def _write(self, facts: dict[str, Any], now: datetime) -> dict[str, Any]:
        into = self._folder.path / FOLDER
        # what a killed run had written under numbers that nobody has seen
        shutil.rmtree(into, ignore_errors=True)
        acks = []
        places = {(each["file"], each["number"]): each for each in facts.get("interchanges", [])}
        for file, partner, made in self._made(now):
            with written(into):
                into.mkdir(mode=0o700, exist_ok=True)
                _write_whole(into / made.name, made.text)
            ack = self._described(file, partner, made)
            places[file.index, made.interchange]["acks"].append(made.name)
            acks.append(ack)
        facts = facts | {"acks": acks}
        self._folder.write_facts(facts)
        return facts

    def _made(self, now: datetime) -> Iterator[tuple[EdiFile, Partner, Acknowledgement]]:
        files = {file.sha256: file for file in reversed(kept(self._folder))}  # a copy is one file
        self._last = _last_verdicts(self._ledger.handed_over(self._endpoint, list(files)))
        for file in reversed(files.values()):
            for partner in self._partners:
                theirs = [
                    number
                    for number, each in enumerate(file.envelopes.interchanges)
                    if partner.acks and partner_of(self._partners, each) is partner
                ]
                waiting = {number: kinds for number in theirs if (kinds := file.waits_for(number))}
                self._say_waiting(file, partner, waiting)
                numbers = [
                    number for number in theirs
                    if number not in waiting and _told(file.verdict(number)) != _told(self._before(file, number))
                ]  # fmt: skip
                if numbers:
                    for made in self._of_partner(file, partner, numbers, now):
                        yield file, partner, made

    def _before(self, file: EdiFile, number: int) -> str:
        """What the last answer to an interchange depended on; "" without one."""
        place = _place(file.verdict(number))
        return self._last.get((file.key(number), place), "")

    def _say_waiting(
        self, file: EdiFile, partner: Partner, waiting: Mapping[int, Sequence[str]]
    ) -> None:
        """Say which interchanges get no answer, and how they would; not of those that have one."""
        numbers = [number for number in waiting if not self._before(file, number)]
        if not numbers:
            return
        first = file.envelopes.interchanges[numbers[0]].reference
        which = f"interchange {first} of partner {partner.name} is"
        if len(numbers) > 1:
            which = f"{len(numbers)} interchanges of partner {partner.name} are"
        kinds = sorted({kind for number in numbers for kind in waiting[number]})
        self._warn(f"{file.name}: {which} not acknowledged: no mapping of this run reads messages "
                   f"{', '.join(kinds)} {_who_reads(partner, kinds)}")  # fmt: skip

    def _of_partner(
        self, file: EdiFile, partner: Partner, numbers: Sequence[int], now: datetime
    ) -> list[Acknowledgement]:
        def control(theirs: Interchange) -> int:
            return self._ledger.next_control_number(
                theirs.syntax.value, theirs.receiver, theirs.sender, first=partner.control_number
            )

        return acknowledge(
            file.envelopes, file.problems, kinds=[Kind(each) for each in partner.acks], now=now,
            control=control, interchanges=numbers, delimiters=partner.separators,
        )  # fmt: skip

    def _described(self, file: EdiFile, partner: Partner, made: Acknowledgement) -> dict[str, Any]:
        key = file.key(made.interchange)
        outbox = None if self._outboxes is None else str(self._outboxes / partner.outbox)
        return {
            "name": made.name, "kind": made.kind.value, "control": made.control,
            "accepted": made.accepted, "rejected": made.rejected, "partner": partner.name,
            "outbox": outbox, "sha256": hashlib.sha256(made.text).hexdigest(),
            "verdict": _another(file.verdict(made.interchange), self._before(file, made.interchange)),
            "key": {"syntax": key.syntax, "sender": key.sender, "receiver": key.receiver,
                    "reference": key.reference, "sha256": key.sha256},
        }  # fmt: skip

    # -- 3, 4 and 5 ---------------------------------------------------------------------------

    def _hand_over(self, ack: Mapping[str, Any], handed: set[HandedOver]) -> None:
        given = HandedOver(InterchangeKey(**ack["key"]), ack["kind"], ack["verdict"], ack["name"])
        outbox = None if ack["outbox"] is None else Path(ack["outbox"])
        draft = None if outbox is None else outbox / f"{ack['name']}.part"
        if given not in handed:
            if draft is not None:
                text = self._text(ack)
                with written(draft.parent):
                    draft.parent.mkdir(parents=True, exist_ok=True)
                    _fill(draft, text, 0o666)  # its reader is another program: the umask decides
            self._ledger.put_acknowledgement(self._run_id, given)
        if draft is not None and draft.exists():
            with written(draft.parent):
                draft.rename(_free(draft.with_suffix("")))
                _sync(draft.parent)

    def _text(self, ack: Mapping[str, Any]) -> bytes:
        path = self._folder.path / FOLDER / ack["name"]
        with written(path.parent):
            text: bytes = path.read_bytes()
        if hashlib.sha256(text).hexdigest() != ack["sha256"]:
            raise DiskUnusable(f"{path} is not what it was",
                               help="restore it, or remove the run's folder to give up the run")  # fmt: skip
        return text


# The verdict of an answer is PLACE:HASH:COUNT: what was found at an interchange that begins at
# segment PLACE, told for the COUNT-th time that the answer changed. So each is there once, also
# when findings become again what they were before.


def _place(verdict: str) -> str:
    return verdict.split(":")[0]


def _told(verdict: str) -> str:
    return ":".join(verdict.split(":")[:2])


def _count(verdict: str) -> int:
    count = verdict.split(":")[2:]
    return int(count[0]) if count else 0


def _another(verdict: str, before: str) -> str:
    return f"{verdict}:{_count(before) + 1}"


def _last_verdicts(handed: Iterable[HandedOver]) -> dict[tuple[InterchangeKey, str], str]:
    """The last verdict that was told of each interchange, by key and place in the file."""
    last: dict[tuple[InterchangeKey, str], str] = {}
    for each in handed:
        at = (each.key, _place(each.verdict))
        last[at] = max(last.get(at, ""), each.verdict, key=_count)
    return last


def _who_reads(partner: Partner, kinds: Sequence[str]) -> str:
    """Which mapping would read some messages, and what to do where there is none."""
    named = list(
        dict.fromkeys(partner.mappings[kind] for kind in kinds if kind in partner.mappings)
    )
    if named:
        does = "does" if len(named) == 1 else "do"
        return f"({' and '.join(named)} {does}); give all mappings in one run"
    key = "transaction" if partner.syntax is Syntax.X12 else "message"
    return (
        f'(a mapping with `{key}: "{kinds[0]}"` would); give all mappings in one run, or list in '
        f"`messages` of [partner.{partner.name}] what may be sent"
    )


def in_words(acks: Sequence[Mapping[str, Any]], folder: RunFolder) -> str:
    """Say in one line what was acknowledged and where that lies; "" for nothing."""
    if not acks:
        return ""
    kinds = {ack["kind"]: sum(each["kind"] == ack["kind"] for each in acks) for ack in acks}
    listed = ", ".join(f"{n} × {kind}" for kind, n in kinds.items())
    outboxes = dict.fromkeys(ack["outbox"] for ack in acks if ack["outbox"])
    where = f"; for the partners in {', '.join(outboxes)}" if outboxes else ""
    return f"{counted(len(acks), 'acknowledgement')} ({listed}) in {folder.path / FOLDER}{where}\n"


def _write_whole(path: Path, text: bytes) -> None:
    draft = path.with_name(f"{path.name}.part")
    _fill(draft, text, 0o600)
    draft.replace(path)
    _sync(path.parent)


def _fill(path: Path, text: bytes, mode: int) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())


def _free(path: Path) -> Path:
    """A name that nobody has: what lies in an outbox is never written over."""
    number, free = 1, path
    while free.exists():
        number += 1
        free = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return free


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
