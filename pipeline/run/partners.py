"""Who sent an interchange, whether that is agreed, and whether it came before.

What does not fit is a finding at the header of the interchange, group or message (E114, E121 to
E124); it rejects the messages below, and the rest of the file goes on.
"""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import polars as pl

from pipeline.ledger import InterchangeKey, ReceivedInterchange
from pipeline.model.edi.definition import Syntax
from pipeline.model.edi.envelope import Envelopes, Group, Interchange, Problem, place_of
from pipeline.model.edi.partner import ACKNOWLEDGEMENTS, Partner
from pipeline.model.likeness import nearest
from pipeline.read import is_error

# Where the parts of a header stand.
_SENDER = {
    Syntax.X12: place_of(Syntax.X12, "ISA", 6),
    Syntax.EDIFACT: place_of(Syntax.EDIFACT, "UNB", 2, 1),
}
_TEST = {
    Syntax.X12: place_of(Syntax.X12, "ISA", 15),
    Syntax.EDIFACT: place_of(Syntax.EDIFACT, "UNB", 11),
}
_REFERENCE = {
    Syntax.X12: place_of(Syntax.X12, "ISA", 13),
    Syntax.EDIFACT: place_of(Syntax.EDIFACT, "UNB", 5),
}
_GROUP_VERSION = place_of(Syntax.X12, "GS", 8)
_MESSAGE_VERSION = place_of(Syntax.EDIFACT, "UNH", 2, 2)
_TYPE = {
    Syntax.X12: place_of(Syntax.X12, "ST", 1),
    Syntax.EDIFACT: place_of(Syntax.EDIFACT, "UNH", 2, 1),
}

Received = Callable[[Sequence[str]], Iterable[ReceivedInterchange]]


def partner_of(partners: Iterable[Partner], interchange: Interchange) -> Partner | None:
    """Give the partner whose section fits an interchange best: the one that says most of it."""
    fitting = [partner for partner in partners if not _differences(partner, interchange)]
    return max(fitting, key=_said, default=None)


def _said(partner: Partner) -> int:
    given = (partner.qualifier, partner.receiver, partner.receiver_qualifier)
    return sum(each is not None for each in given)


def _differences(partner: Partner, interchange: Interchange) -> list[str]:
    """How an interchange differs from a section, in words; empty where it fits."""
    if partner.syntax is not interchange.syntax:
        return [f"writes {partner.syntax}"]
    wanted = (
        ("has id", partner.id, interchange.sender),
        ("has qualifier", partner.qualifier, interchange.sender_qualifier),
        ("sends to", partner.receiver, interchange.receiver),
        ("sends to qualifier", partner.receiver_qualifier, interchange.receiver_qualifier),
    )
    return [f"{words} {ours}, not {theirs}" for words, ours, theirs in wanted
            if ours is not None and ours != theirs]  # fmt: skip


def key_of(interchange: Interchange, sha256: str) -> InterchangeKey:
    """Name an interchange as the ledger does."""
    return InterchangeKey(
        interchange.syntax.value, interchange.sender, interchange.receiver,
        interchange.reference, sha256,
    )  # fmt: skip


def agreed(partners: Sequence[Partner]) -> str:
    """Give a hash of all that is agreed with partners: other words, other verdicts."""
    return hashlib.sha256(repr(partners).encode()).hexdigest()


class Reception:
    """Looks at the envelopes of each file of a run, in order, and adds what is not agreed.

    Without partners every sender is taken. `received` gives the interchanges with some references
    that earlier runs took over.
    """

    def __init__(
        self, partners: Sequence[Partner] = (), received: Received = lambda _: (), *,
        production: bool = False, accept_duplicates: bool = False,
        warn: Callable[[str], None] = lambda _: None,
    ) -> None:  # fmt: skip
        self.partners = partners
        self._received = received
        self._production = production
        self._accept_duplicates = accept_duplicates
        self._warn = warn
        self._seen: dict[tuple[str, ...], list[tuple[str, int, str]]] = defaultdict(list)

    def take(self, envelopes: Envelopes, name: str, sha256: str) -> Envelopes:
        """Give the envelopes of a file with all problems; `name` is how messages call it."""
        partners = [partner_of(self.partners, each) for each in envelopes.interchanges]
        problems = [list(self._of_header(*each)) for each in zip(
            envelopes.interchanges, partners, strict=True)]  # fmt: skip
        groups = [
            list(_of_group(group, _at(partners, group.interchange))) for group in envelopes.groups
        ]
        messages = list(_of_messages(envelopes, partners))
        for index, duplicate in self._duplicates(envelopes, partners, problems, name, sha256):
            problems[index].append(duplicate)
        self._say_tests(envelopes.interchanges, name)
        more = [*(p for some in (*problems, *groups) for p in some), *messages]
        if not more:
            return envelopes
        return replace(
            envelopes,
            interchanges=tuple(
                replace(each, problems=[*each.problems, *found])
                for each, found in zip(envelopes.interchanges, problems, strict=True)
            ),
            groups=tuple(
                replace(each, problems=[*each.problems, *found])
                for each, found in zip(envelopes.groups, groups, strict=True)
            ),
            problems=(*envelopes.problems, *more),
        )

    def _of_header(self, interchange: Interchange, partner: Partner | None) -> Iterator[Problem]:
        if self.partners and partner is None:
            yield _at_header(
                "E121", interchange, interchange.sender,
                _why_unknown(self.partners, interchange), _SENDER,
            )  # fmt: skip
        if interchange.test and self._production and not (partner is not None and partner.test):
            sent_by = "" if partner is None else f", sent by partner {partner.name}"
            value = "T" if interchange.syntax is Syntax.X12 else "1"
            yield _at_header("E122", interchange, value, sent_by, _TEST)

    def _say_tests(self, interchanges: Sequence[Interchange], name: str) -> None:
        tests = sum(each.test for each in interchanges)
        if tests and not self._production:
            counted = "a test interchange" if tests == 1 else f"{tests} test interchanges"
            self._warn(f"{name} has {counted}; in production that would be a finding (E122)")

    def _duplicates(
        self, envelopes: Envelopes, partners: Sequence[Partner | None],
        problems: Sequence[Sequence[Problem]], name: str, sha256: str,
    ) -> Iterator[tuple[int, Problem]]:  # fmt: skip
        # what is rejected anyway is not imported, so a corrected one may come under its number
        judged = [
            (index, each)
            for index, each in enumerate(envelopes.interchanges)
            if each.messages and each.reference
            and not any(map(is_error, (*each.problems, *problems[index])))
        ]  # fmt: skip
        before: dict[tuple[str, ...], list[ReceivedInterchange]] = defaultdict(list)
        for found in self._received([each.reference for _, each in judged]):
            before[_party(found.key)].append(found)
        for index, each in judged:
            partner = partners[index]
            key = key_of(each, sha256)
            earlier = _earlier(before[_party(key)], sha256)
            earlier = earlier or self._earlier_here(key, each, name)
            accepted = self._accept_duplicates or (
                partner is not None and partner.accept_duplicates
            )
            if earlier and not accepted:
                yield index, _at_header("E114", each, each.reference, earlier, _REFERENCE)
            else:
                self._seen[_party(key)].append((sha256, each.segment, name))

    def _earlier_here(self, key: InterchangeKey, interchange: Interchange, name: str) -> str:
        """Where the same reference stands in the files of this run; a copy of the file is none."""
        for sha256, segment, file in self._seen[_party(key)]:
            if sha256 != key.sha256:
                return f"in {file} of this run"
            if segment != interchange.segment:
                return f"at segment {segment} of {'this file' if file == name else file}"
        return ""


def _party(key: InterchangeKey) -> tuple[str, ...]:
    return (key.syntax, key.sender, key.receiver, key.reference)


def _earlier(found: Sequence[ReceivedInterchange], sha256: str) -> str:
    """When and in which file an interchange came before, or "" where this is that file again."""
    if not found or any(each.key.sha256 == sha256 for each in found):
        return ""
    first = found[0]
    return f"in {first.file}, run {first.run} of {first.at:%Y-%m-%d}"


def _why_unknown(partners: Sequence[Partner], interchange: Interchange) -> str:
    for partner in partners:
        if partner.syntax is interchange.syntax and partner.id == interchange.sender:
            return f"; partner {partner.name} {', '.join(_differences(partner, interchange))}"
    near = nearest(interchange.sender, [partner.id for partner in partners])
    return f"; did you mean {near}?" if near else ""


def _at_header(
    code: str, interchange: Interchange, value: str, detail: str, column: Mapping[Syntax, str]
) -> Problem:
    return Problem(code, interchange.line, interchange.segment, value, detail,
                   column[interchange.syntax])  # fmt: skip


def _at(partners: Sequence[Partner | None], interchange: int) -> Partner | None:
    return partners[interchange] if 0 <= interchange < len(partners) else None


def _of_group(group: Group, partner: Partner | None) -> Iterator[Problem]:
    """The version of a group of X12; EDIFACT says it in each message."""
    if partner is None or not partner.versions or partner.syntax is not Syntax.X12:
        return
    if not group.version.startswith(partner.versions):
        yield Problem("E124", group.line, group.segment, group.version,
                      ", ".join(partner.versions), _GROUP_VERSION)  # fmt: skip


def _of_messages(envelopes: Envelopes, partners: Sequence[Partner | None]) -> Iterator[Problem]:
    indices: dict[str, list[int]] = defaultdict(list)
    by_name = {}
    for index, partner in enumerate(partners):
        if partner is not None and (partner.messages or partner.versions):
            by_name[partner.name] = partner
            indices[partner.name].append(index)
    for name, partner in by_name.items():
        mine = envelopes.messages.filter(pl.col("interchange").is_in(indices[name]))
        yield from _of_partner(mine, partner)


def _of_partner(messages: pl.DataFrame, partner: Partner) -> Iterator[Problem]:
    # acknowledgements answer what we sent; nobody has to agree to them
    answers = ACKNOWLEDGEMENTS[partner.syntax]
    messages = messages.filter(~pl.col("type").is_in(list(answers)))
    columns = ("message", "line", "begin", "type", "version")
    if partner.messages:
        others = messages.filter(~pl.col("type").is_in(list(partner.messages)))
        for number, line, begin, kind, _ in others.select(columns).iter_rows():
            yield Problem("E123", line, begin, kind, partner.name, _TYPE[partner.syntax], number)
    if partner.versions and partner.syntax is Syntax.EDIFACT:
        agreed = tuple(version.replace(":", "") for version in partner.versions)
        for number, line, begin, _, version in messages.select(columns).iter_rows():
            if not version.startswith(agreed):
                yield Problem("E124", line, begin, version, ", ".join(partner.versions),
                              _MESSAGE_VERSION, number)  # fmt: skip
