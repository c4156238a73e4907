"""One cause, one finding: what follows from an envelope that is cut off is not said besides.

Where a file ends too early, the trailers of interchange, group and message are all missing, and the
last segment may be a fragment. Only the outermost open envelope is told: E104, else E107.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace

import polars as pl

from pipeline.model.edi.envelope import Envelopes, Group, Interchange, Problem

_EARLY_ENDS = frozenset({"E104", "E107", "E117"})
_OF_TRAILERS = frozenset({"E105", "E106"})


def one_per_cause(envelopes: Envelopes) -> Envelopes:
    """Leave out what follows from other problems of a file; give the rest in the same order.

    What is open still says so itself: `closed` of interchanges and groups, `end` of messages.
    """
    if not any(problem.code in _EARLY_ENDS for problem in envelopes.problems):
        return envelopes
    fragments = {each.segment for each in envelopes.problems if each.code == "E117"}
    interchanges = [_open_where_cut(each, fragments) for each in envelopes.interchanges]
    cut = _cut(interchanges, fragments)
    groups = _without_followers(envelopes.groups, interchanges, cut)
    messages = envelopes.messages.with_columns(
        end=pl.when(pl.col("end").is_in(sorted(cut))).then(0).otherwise("end").cast(pl.UInt32)
    )
    followers = _last_open_messages(messages, interchanges, groups)
    owned = {problem for each in envelopes.interchanges for problem in each.problems}
    owned |= {problem for each in envelopes.groups for problem in each.problems}
    others = [
        problem
        for problem in envelopes.problems
        if problem not in owned
        and problem.segment not in cut
        and not (problem.code == "E109" and problem.message in followers)
    ]
    own = [problem for each in interchanges for problem in each.problems]
    own += [problem for each in groups for problem in each.problems]
    return replace(
        envelopes, interchanges=tuple(interchanges), groups=tuple(groups), messages=messages,
        problems=tuple(sorted([*others, *own], key=place)), cut=cut,
    )  # fmt: skip


def place(problem: Problem) -> tuple[int, int, str, str]:
    """Where a problem stands among those of its file."""
    return problem.segment, problem.line, problem.code, problem.column or ""


def _open_where_cut(each: Interchange, fragments: Collection[int]) -> Interchange:
    """An interchange whose trailer is a fragment that says too little has none."""
    wrong = any(
        problem.segment == each.end_segment and problem.code in _OF_TRAILERS
        for problem in each.problems
    )
    if not (each.closed and wrong and each.end_segment in fragments):
        return each
    kept = [problem for problem in each.problems if problem.segment != each.end_segment]
    missing = Problem("E104", each.line, each.segment, each.reference)
    return replace(each, closed=False, declared=-1, problems=[*kept, missing])


def _cut(interchanges: list[Interchange], fragments: Collection[int]) -> frozenset[int]:
    """The fragments with which open interchanges end; E104 says where that is."""
    cut = set()
    begins = [each.segment for each in interchanges[1:]]
    for number, (each, behind) in enumerate(zip(interchanges, [*begins, None], strict=True)):
        if each.closed:
            continue
        inside = [at for at in fragments if each.segment <= at and (behind is None or at < behind)]
        cut.update(inside)
        said = [
            replace(problem, detail=f"; it ends within segment {max(inside)}")
            if problem.code == "E104" and inside
            else problem
            for problem in each.problems
        ]
        interchanges[number] = replace(each, problems=said)
    return frozenset(cut)


def _without_followers(
    groups: Sequence[Group], interchanges: Sequence[Interchange], cut: Collection[int]
) -> list[Group]:
    """Groups without the problems that their open interchange tells already."""
    last = {group.interchange: number for number, group in enumerate(groups)}
    made = []
    for number, each in enumerate(groups):
        around = interchanges[each.interchange] if each.interchange >= 0 else None
        group = each
        if around is not None and not around.closed and last[each.interchange] == number:
            kept = [p for p in each.problems if p.segment not in cut and p.code != "E107"]
            trailer = any(problem.segment in cut for problem in each.problems)
            group = replace(each, closed=each.closed and not trailer, problems=kept)
        made.append(group)
    return made


def _last_open_messages(
    messages: pl.DataFrame, interchanges: Sequence[Interchange], groups: Sequence[Group]
) -> frozenset[int]:
    """The messages without a trailer that are the last of an envelope without one."""
    open_groups = [number for number, each in enumerate(groups) if not each.closed]
    open_interchanges = [number for number, each in enumerate(interchanges) if not each.closed]
    last = messages.group_by("interchange", "group").agg(
        pl.col("message").last(), pl.col("end").last()
    )
    grouped = pl.col("group") >= 0
    follows = (grouped & pl.col("group").is_in(open_groups)) | (
        ~grouped & pl.col("interchange").is_in(open_interchanges)
    )
    return frozenset(last.filter((pl.col("end") == 0) & follows).get_column("message"))
