"""Who sent an interchange, whether that is agreed, and whether it came before.

What does not fit is a finding at the header of the interchange, group or message (E114, E121 to
E124); it rejects the messages below, and the rest of the file goes on.
"""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import polars as pl

from pipeline.ledger import InterchangeKey, ReceivedInterchange
from pipeline.model.edi.definition import Syntax
from pipeline.model.edi.envelope import Envelopes, Group, Interchange, Problem, place_of
from pipeline.model.edi.partner import ACKNOWLEDGEMENTS, Partner
from pipeline.model.likeness import nearest
from pipeline.read import is_error

# Where the parts of a header stand, by the key of a section that says what they must be.
_PARTIES = {
    "id": {
        Syntax.X12: place_of(Syntax.X12, "ISA", 6),
        Syntax.EDIFACT: place_of(Syntax.EDIFACT, "UNB", 2, 1),
    },
    "qualifier": {
        Syntax.X12: place_of(Syntax.X12, "ISA", 5),
        Syntax.EDIFACT: place_of(Syntax.EDIFACT, "UNB", 2, 2),
    },
    "receiver": {
        Syntax.X12: place_of(Syntax.X12, "ISA", 8),
        Syntax.EDIFACT: place_of(Syntax.EDIFACT, "UNB", 3, 1),
    },
    "receiver_qualifier": {
        Syntax.X12: place_of(Syntax.X12, "ISA", 7),
        Syntax.EDIFACT: place_of(Syntax.EDIFACT, "UNB", 3, 2),
    },
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
    fitting = [
        partner for partner in partners
        if partner.syntax is interchange.syntax and not _differences(partner, interchange)
    ]  # fmt: skip
    return max(fitting, key=_said, default=None)


def _said(partner: Partner) -> int:
    given = (partner.qualifier, partner.receiver, partner.receiver_qualifier)
    return sum(each is not None for each in given)


@dataclass(frozen=True, slots=True)
class _Difference:
    """A key of a section that wants another value than the header has at `column`."""

    key: str
    wanted: str
    column: str
    value: str


def _differences(partner: Partner, interchange: Interchange) -> list[_Difference]:
    """How an interchange differs from a section of its syntax; empty where it fits."""
    wanted = {
        "id": (partner.id, interchange.sender),
        "qualifier": (partner.qualifier, interchange.sender_qualifier),
        "receiver": (partner.receiver, interchange.receiver),
        "receiver_qualifier": (partner.receiver_qualifier, interchange.receiver_qualifier),
    }
    return [
        _Difference(key, ours, _PARTIES[key][interchange.syntax], theirs)
        for key, (ours, theirs) in wanted.items()
        if ours is not None and ours != theirs
    ]


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
            yield _unknown(self.partners, interchange)
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


def _unknown(partners: Sequence[Partner], interchange: Interchange) -> Problem:
    """Say what of a header fits no section: the sender, or what its own section wants otherwise."""
    column, sender = _PARTIES["id"], interchange.sender
    same_id = [partner for partner in partners if partner.id == sender]
    found = [
        (partner.name, _differences(partner, interchange))
        for partner in same_id
        if partner.syntax is interchange.syntax
    ]
    if found:
        name, (first, *more) = min(found, key=lambda each: len(each[1]))
        words = f', but [partner.{name}] has {first.key} = "{first.wanted}"'
        for each in more:
            words += f', and {each.key} = "{each.wanted}" where {each.column} is "{each.value}"'
        return Problem(
            "E121", interchange.line, interchange.segment, first.value, words, first.column
        )
    if same_id:
        words = f', but [partner.{same_id[0].name}] has syntax = "{same_id[0].syntax}"'
    else:
        near = nearest(sender, [each.id for each in partners if each.syntax is interchange.syntax])
        words = ", which is the id of no [partner.…] section"
        words += f"; did you mean {near}?" if near else ""
    return _at_header("E121", interchange, sender, words, column)


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
        yield Problem("E124", group.line, group.segment, group.version, _versions(partner),
                      _GROUP_VERSION)  # fmt: skip


def _versions(partner: Partner) -> str:
    listed = ", ".join(f'"{version}"' for version in partner.versions)
    return f"[partner.{partner.name}] has versions = [{listed}]"


def _of_messages(envelopes: Envelopes, partners: Sequence[Partner | None]) -> Iterator[Problem]:
    indices: dict[str, list[int]] = defaultdict(list)
    by_name = {}
    for index, partner in enumerate(partners):
        if partner is not None and (partner.messages or partner.versions):
            by_name[partner.name] = partner
            indices[partner.name].append(index)
    for name, partner in by_name.items():
        mine = envelopes.messages.filter(pl.col("interchange").is_in(indices[name]))
        marks = {at: chr(envelopes.interchanges[at].delimiters.component) for at in indices[name]}
        yield from _of_partner(mine, partner, marks)


def _of_partner(
    messages: pl.DataFrame, partner: Partner, marks: Mapping[int, str]
) -> Iterator[Problem]:
    """What of a partner's messages is not agreed; `marks` are the component separators."""
    # acknowledgements answer what we sent; nobody has to agree to them
    answers = ACKNOWLEDGEMENTS[partner.syntax]
    messages = messages.filter(~pl.col("type").is_in(list(answers)))
    if partner.messages:
        others = messages.filter(~pl.col("type").is_in(list(partner.messages)))
        for number, line, begin, kind in others.select(
            "message", "line", "begin", "type"
        ).iter_rows():
            yield Problem("E123", line, begin, kind, partner.name, _TYPE[partner.syntax], number)
    if partner.versions and partner.syntax is Syntax.EDIFACT:
        agreed = tuple(version.replace(":", "") for version in partner.versions)
        columns = ("message", "line", "begin", "version", "identifier", "interchange")
        for number, line, begin, version, identifier, at in messages.select(columns).iter_rows():
            if not version.startswith(agreed):
                # as the file and the section write it: directory and release apart
                written = ":".join(identifier.split(marks[at])[1:3])
                yield Problem("E124", line, begin, written, _versions(partner), _MESSAGE_VERSION,
                              number)  # fmt: skip
