"""What a run remembers of its EDI files: envelopes and verdicts, for answers and for the report."""

import hashlib
import json
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import polars as pl

from pipeline.ledger import InterchangeKey
from pipeline.model.edi.definition import Syntax
from pipeline.model.edi.envelope import Delimiters, Envelopes, Group, Interchange, Problem
from pipeline.model.edi.messages import MESSAGES
from pipeline.model.edi.partner import ACKNOWLEDGEMENTS, Partner
from pipeline.read import is_error, rejections
from pipeline.run.folder import RunFolder
from pipeline.run.partners import key_of, partner_of
from pipeline.run.source import Job

ENVELOPES = "envelopes"  # the folder of these tables, one per file


@dataclass(frozen=True)
class EdiFile:
    """An EDI file whose messages were read.

    `index` is its first ordinal in the run, `problems` what was found inside of its messages, and
    `reads` the indices of interchanges with the message types that some mapping reads there.
    """

    index: int
    name: str
    sha256: str
    envelopes: Envelopes
    problems: tuple[Problem, ...]
    reads: frozenset[tuple[int, str]]

    @cached_property
    def rejected(self) -> frozenset[int]:
        """The numbers of the messages with an error, of their own or of their envelopes."""
        inside = {each.message for each in self.problems if is_error(each)}
        return frozenset(inside | rejections(self.envelopes).keys())

    @cached_property
    def _told(self) -> list[tuple[int, str, str, int]]:
        """Everything that was found in the file, by segment."""
        return sorted(
            (each.segment, each.code, each.column or "", each.message)
            for each in (*self.envelopes.problems, *self.problems)
        )

    @cached_property
    def _unread(self) -> Mapping[int, Sequence[str]]:
        """By interchange, the types of messages that no mapping of the run reads.

        Without those that are nobody's to read: acknowledgements, messages without a type, and
        what the partner may not send (E123).
        """
        reads = pl.DataFrame(
            sorted(self.reads),
            schema={"interchange": pl.Int32(), "type": pl.String()},
            orient="row",
        )
        answers = [kind for kinds in ACKNOWLEDGEMENTS.values() for kind in kinds]
        refused = [each.message for each in self.envelopes.problems if each.code == "E123"]
        unread = (
            self.envelopes.messages.join(reads, on=["interchange", "type"], how="anti")
            .filter(~pl.col("type").is_in([*answers, ""]) & ~pl.col("message").is_in(refused))
            .select("interchange", "type").unique().sort("interchange", "type")
        )  # fmt: skip
        found: dict[int, list[str]] = {}
        for interchange, kind in unread.iter_rows():
            found.setdefault(interchange, []).append(kind)
        return found

    @cached_property
    def _read_of(self) -> frozenset[int]:
        """The interchanges of which something is read."""
        return frozenset(index for index, _ in self.reads)

    def waits_for(self, number: int) -> tuple[str, ...]:
        """The message types for which the answer to an interchange has to wait; () for none.

        Only a run that reads a message can judge it. A type that no mapping can read keeps nobody
        waiting, unless nothing of the interchange is read: then the run may be the wrong one.
        """
        unread = self._unread.get(number, ())
        syntax = self.envelopes.interchanges[number].syntax
        known = tuple(kind for kind in unread if (syntax, kind) in MESSAGES)
        if known or number in self._read_of:
            return known
        return tuple(unread)

    def verdict(self, number: int) -> str:
        """What the acknowledgement of an interchange depends on: its place, and a hash of what was found."""
        after = self.envelopes.interchanges[number + 1 : number + 2]
        begin = self.envelopes.interchanges[number].segment
        end = after[0].segment if after else self.envelopes.segments + 1
        low = bisect_left(self._told, (begin,))
        high = bisect_left(self._told, (end,))
        told = json.dumps(self._told[low:high])
        return f"{begin}:{hashlib.sha256(told.encode()).hexdigest()}"

    def key(self, number: int) -> InterchangeKey:
        """Name one of its interchanges as the ledger does."""
        return key_of(self.envelopes.interchanges[number], self.sha256)


def edi_files(jobs: Sequence[Job], problems: Mapping[int, Sequence[Problem]]) -> list[EdiFile]:
    """Bring together what the mappings of a run found in each file; `problems` by ordinal."""
    sources: dict[str, list[tuple[Job, int, str, str]]] = {}
    for job in jobs:
        for source, snapshot in job.files:
            if source.index in job.readings:
                listed = sources.setdefault(str(snapshot.path), [])
                listed.append((job, source.index, source.name, source.sha256))
    made = []
    for shared in sources.values():
        job, index, name, sha256 = shared[0]
        envelopes = job.readings[index].envelopes
        reads = {
            pair
            for each, ordinal, _, _ in shared
            for pair in envelopes.messages.filter(each.portions[ordinal].mine)
            .select("interchange", "type").unique().iter_rows()
        }  # fmt: skip
        found = tuple(p for _, ordinal, _, _ in shared for p in problems.get(ordinal, ()))
        made.append(EdiFile(index, name, sha256, envelopes, found, frozenset(reads)))
    return sorted(made, key=lambda file: file.index)


# -- for the report: run.json ----------------------------------------------------------------


def enrich(
    facts: Iterable[dict[str, Any]], files: Sequence[EdiFile], partners: Sequence[Partner]
) -> None:
    """Add to the interchanges of run.json who sent them and what became of their messages.

    `taken` tells whether the run takes the interchange over, so that its reference counts as used.
    """
    by_index = {file.index: file for file in files}
    counts = {file.index: _counts(file) for file in files}
    for fact in facts:
        interchange = by_index[fact["file"]].envelopes.interchanges[fact["number"]]
        partner = partner_of(partners, interchange)
        types = counts[fact["file"]].get(fact["number"], {})
        total = sum(types.values(), Counter())
        fact |= {
            "sender_qualifier": interchange.sender_qualifier,
            "receiver_qualifier": interchange.receiver_qualifier,
            "test": interchange.test,
            "partner": None if partner is None else partner.name,
            "taken": fact["code"] is None and total["counted"] > total["rejected"],
            "types": {
                kind: {fate: counter[fate] for fate in _FATES}
                for kind, counter in sorted(types.items())
            },
            "acks": [],
        }


def _counts(file: EdiFile) -> dict[int, dict[str, Counter[str]]]:
    """Per interchange and message type: how many were counted, accepted, rejected, not read."""
    reads = pl.DataFrame(
        sorted(file.reads), schema={"interchange": pl.Int32(), "type": pl.String()}, orient="row"
    ).with_columns(pl.lit("accepted").alias("fate"))
    rejected = pl.col("message").is_in(sorted(file.rejected))
    fates = (
        file.envelopes.messages.join(reads, on=["interchange", "type"], how="left")
        .with_columns(
            pl.when(rejected).then(pl.lit("rejected")).otherwise(pl.col("fate").fill_null("not_read"))
            .alias("fate")
        )
        .group_by("interchange", "type", "fate").len()
    )  # fmt: skip
    found: dict[int, dict[str, Counter[str]]] = {}
    for interchange, kind, fate, number in fates.iter_rows():
        counter = found.setdefault(interchange, {}).setdefault(kind, Counter())
        counter[fate] += number
        counter["counted"] += number
    return found


_FATES = ("counted", "accepted", "rejected", "not_read")


def taken_over(facts: Mapping[str, Any]) -> list[tuple[InterchangeKey, str]]:
    """Give the interchanges of run.json that the run takes over, with the names of their files."""
    files = {each["index"]: each for each in facts["files"]}
    return [
        (
            InterchangeKey(
                each["syntax"], each["sender"], each["receiver"], each["reference"],
                files[each["file"]]["sha256"],
            ),
            files[each["file"]]["name"],
        )
        for each in facts.get("interchanges", [])
        if each["taken"] and each["reference"]
    ]  # fmt: skip


# -- for the answers: a table per file --------------------------------------------------------


def keep(folder: RunFolder, files: Sequence[EdiFile]) -> None:
    """Write down all that acknowledgements need: `run PLAN` and `resume` have no files to read."""
    for file in files:
        told = {
            "index": file.index, "name": file.name, "sha256": file.sha256,
            "segments": file.envelopes.segments,
            "interchanges": [asdict(each) for each in file.envelopes.interchanges],
            "groups": [asdict(each) for each in file.envelopes.groups],
            "of_envelopes": [asdict(each) for each in file.envelopes.problems],
            "problems": [asdict(each) for each in file.problems],
            "reads": sorted(file.reads),
        }  # fmt: skip
        messages = file.envelopes.messages.to_struct("messages").implode()
        frame = pl.DataFrame({"told": [json.dumps(told, default=_text)]}).with_columns(messages)
        folder.write(ENVELOPES, file.index, frame)


def kept(folder: RunFolder) -> list[EdiFile]:
    """Read what `keep` has written."""
    files = []
    for path in sorted((folder.path / ENVELOPES).glob("part-*.parquet")):
        frame = pl.read_parquet(path)
        told = json.loads(frame.item(0, "told"))
        messages = frame.get_column("messages").explode().struct.unnest()
        envelopes = Envelopes(
            tuple(_interchange(each) for each in told["interchanges"]),
            tuple(Group(**{**each, **_lists(each)}) for each in told["groups"]),
            messages.filter(pl.col("message").is_not_null()),
            _problems(told["of_envelopes"]), told["segments"],
        )  # fmt: skip
        reads = frozenset((index, kind) for index, kind in told["reads"])
        files.append(EdiFile(told["index"], told["name"], told["sha256"], envelopes,
                             _problems(told["problems"]), reads))  # fmt: skip
    return files


def _text(advice: bytes) -> str:
    return advice.decode("latin-1")


def _problems(told: Sequence[Mapping[str, Any]]) -> tuple[Problem, ...]:
    return tuple(Problem(**each) for each in told)


def _lists(told: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "values": tuple(told["values"]),
        "parts": tuple(map(tuple, told["parts"])),
        "problems": list(_problems(told["problems"])),
    }


def _interchange(told: Mapping[str, Any]) -> Interchange:
    marks = told["delimiters"]
    syntax, advice = Syntax(told["syntax"]), marks["advice"].encode("latin-1")
    delimiters = Delimiters(**{**marks, "syntax": syntax, "advice": advice})
    return Interchange(**{**told, **_lists(told), "syntax": syntax, "delimiters": delimiters})
