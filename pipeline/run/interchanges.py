"""What a run keeps of its EDI files for the report and for who answers them.

`run.json` gets the interchanges with their groups, `messages/` a table with a row per message: a
file may have a million of them.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import polars as pl

from pipeline.model.edi.definition import Syntax
from pipeline.model.edi.envelope import Group, Interchange, Problem
from pipeline.model.findings import ERROR_CODES
from pipeline.model.origin import FILE
from pipeline.report.interchanges import KEPT_MESSAGE_SCHEMA
from pipeline.run.folder import RunFolder
from pipeline.run.source import Job

MESSAGES = "messages"


def keep_messages(jobs: Sequence[Job], folder: RunFolder) -> None:
    """Write the messages of every EDI file, a part for each mapping that reads of it.

    What no mapping reads is in the part of the first.
    """
    for job in jobs:
        for index in job.readings:
            folder.write(MESSAGES, index, _messages(job, index))


def kept_messages(folder: RunFolder) -> pl.DataFrame:
    """The messages of a run, in the order of files and segments."""
    return folder.scan(MESSAGES, KEPT_MESSAGE_SCHEMA).collect().sort(FILE, "begin")


def interchanges_of(jobs: Sequence[Job]) -> list[dict[str, Any]]:
    """The interchanges of all files as plain JSON, in the order of files and segments.

    A file that several mappings read has an ordinal for each of them; its interchanges stand under
    the first, `number` counts them from 0.

    `declared` is what the trailer says, null where it says no number or is missing; `counts` is
    what it counts, "groups" or "messages".
    """
    made = []
    for job in jobs:
        for index, reading in job.readings.items():
            if job.portions[index].unread is None:
                continue
            groups = defaultdict(list)
            for group in reading.envelopes.groups:
                groups[group.interchange].append(group)
            for at, each in enumerate(reading.envelopes.interchanges):
                made.append(_interchange(index, at, each, groups[at]))
    return made


def _interchange(
    file: int, number: int, each: Interchange, groups: Sequence[Group]
) -> dict[str, Any]:
    of_groups = each.syntax is Syntax.X12 or bool(groups)
    return {
        "file": file,
        "number": number,
        "syntax": each.syntax.value,
        "sender": each.sender,
        "receiver": each.receiver,
        "reference": each.reference,
        "line": each.line,
        "segment": each.segment,
        "end_segment": each.end_segment,
        "counts": "groups" if of_groups else "messages",
        "declared": _said(each.declared),
        "counted": each.groups if of_groups else each.messages,
        "messages": each.messages,
        "code": _first_error(each.problems),
        "groups": [
            {
                "reference": group.reference, "line": group.line, "segment": group.segment,
                "declared": _said(group.declared), "counted": group.counted,
                "code": _first_error(group.problems),
            }
            for group in groups
        ],
    }  # fmt: skip


def _messages(job: Job, index: int) -> pl.DataFrame:
    """The messages of a file: which the mapping reads, and the error of what is around each."""
    envelopes = job.readings[index].envelopes
    portion = job.portions[index]
    here = portion.mine if portion.unread is None else portion.mine | portion.unread
    by_interchange = [_first_error(each.problems) for each in envelopes.interchanges]
    by_group = [_first_error(each.problems) for each in envelopes.groups]
    return envelopes.messages.filter(here).select(
        pl.lit(index).alias(FILE),
        *(name for name in KEPT_MESSAGE_SCHEMA if name in envelopes.messages.columns),
        portion.mine.filter(here).alias("read"),
        pl.coalesce(_code_at("interchange", by_interchange), _code_at("group", by_group),
                    pl.when(pl.col("interchange") < 0).then(pl.lit("E115"))).alias("code"),
    ).select(pl.col(name).cast(dtype) for name, dtype in KEPT_MESSAGE_SCHEMA.items())  # fmt: skip


def _code_at(column: str, codes: Sequence[str | None]) -> pl.Expr:
    found = {at: code for at, code in enumerate(codes) if code is not None}
    return pl.col(column).replace_strict(found, default=None, return_dtype=pl.String)


def _first_error(problems: Sequence[Problem]) -> str | None:
    return next((each.code for each in problems if each.code in ERROR_CODES), None)


def _said(number: int) -> int | None:
    return None if number < 0 else number
