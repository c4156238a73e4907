"""The sections [partner.NAME]: with whom we exchange EDI, and what is agreed with each.

A section has many keys that depend on each other, so all mistakes of all sections are told at once.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from pipeline.config.document import Document
from pipeline.config.nouns import BadConfig, Unfit, did_you_mean, where_it_belongs
from pipeline.config.readers import as_choice, as_text, as_whole, as_yes_no
from pipeline.model.edi.definition import Syntax
from pipeline.model.edi.delimiters import NONE, Delimiters
from pipeline.model.edi.partner import ACKNOWLEDGEMENTS, DEFAULT_SEPARATORS, Partner

SECTION = "partner"

_CONTROL_MAX = 999_999_999  # ISA13 has nine digits
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_MARKS = {
    Syntax.X12: ("element", "component", "segment", "repetition"),
    Syntax.EDIFACT: ("element", "component", "segment", "repetition", "release"),
}

V = TypeVar("V")
Mistake = tuple[str, str, str]  # place, what is wrong, what to do


def read_partners(document: Document) -> tuple[Partner, ...]:
    """Read all sections of partners, in the order of the file.

    Raises:
        BadConfig: with every mistake of every section, each with its line.
    """
    sections = document.data.get(SECTION, {})
    if not isinstance(sections, dict):
        raise BadConfig(
            f"{SECTION} is not a section", help=f"write [{SECTION}.NAME]", code="C101",
            place=document.place(SECTION),
        )  # fmt: skip
    mistakes: list[Mistake] = []
    partners = []
    for name, table in sections.items():
        section = _Section(document, name, mistakes)
        partner = section.partner(table)
        if partner is not None:
            partners.append(partner)
    mistakes += _same(partners, document)
    if mistakes:
        raise _refused(sorted(mistakes, key=_line))
    return tuple(partners)


def _line(mistake: Mistake) -> int:
    number = mistake[0].rpartition(":")[2]
    return int(number) if number.isdigit() else 0


def _refused(mistakes: list[Mistake]) -> BadConfig:
    place, what, help_text = mistakes[0]
    unknown = all(each[1].startswith("unknown key") for each in mistakes)
    code = "C102" if unknown else "C101"
    if len(mistakes) == 1:
        return BadConfig(what, help=help_text, code=code, place=place)
    listed = "".join(f"\n  {at}: {said}; {advice}" for at, said, advice in mistakes)
    return BadConfig(f"{len(mistakes)} mistakes in the sections of partners:{listed}",
                     help="correct all of them", code=code, place=place)  # fmt: skip


def _same(partners: list[Partner], document: Document) -> list[Mistake]:
    """Two sections that mean the same interchanges: nobody could tell which one counts."""
    found: dict[tuple[object, ...], str] = {}
    mistakes = []
    for partner in partners:
        first = found.setdefault(partner.identity, partner.name)
        if first != partner.name:
            mistakes.append((
                document.place(SECTION, partner.name),
                f"partner {partner.name} has the same identifiers as partner {first}",
                "tell them apart by qualifier or receiver, or join the two sections",
            ))  # fmt: skip
    return mistakes


class _Section:
    """One section: reads key by key and notes every mistake with its line."""

    def __init__(self, document: Document, name: str, mistakes: list[Mistake]) -> None:
        self.document = document
        self.name = name
        self.mistakes = mistakes
        self.table: Mapping[str, object] = {}

    def partner(self, table: object) -> Partner | None:
        """Give the partner, or None where a mistake leaves nothing to go on with."""
        if not isinstance(table, dict):
            self._say("is not a section", f"write [{SECTION}.{self.name}]")
            return None
        self.table = table
        before = len(self.mistakes)
        if not _NAME.fullmatch(self.name):
            self._say("has a name that cannot name a folder", "use letters, digits, - and _")
        self._unknown()
        syntax = self._syntax()
        made = Partner(
            name=self.name,
            syntax=syntax or Syntax.X12,
            id=self._required("id"),
            qualifier=self._get("qualifier", as_text, None),
            receiver=self._get("receiver", as_text, None),
            receiver_qualifier=self._get("receiver_qualifier", as_text, None),
            messages=self._get("messages", _as_list, ()),
            versions=self._get("versions", _as_list, ()),
            test=self._get("test", as_yes_no, default=False),
            accept_duplicates=self._get("accept_duplicates", as_yes_no, default=False),
            outbox=self._get("outbox", _as_folder, self.name),
            control_number=self._get("control_number", as_whole(1, _CONTROL_MAX), 1),
        )
        if syntax is not None:
            made = replace(
                made,
                acks=self._get("acks", lambda given: _as_acks(given, syntax), ()),
                separators=self._get("separators", lambda given: _as_separators(given, syntax), None),
            )  # fmt: skip
        made = replace(made, mappings=self._mappings(made.messages))
        return made if len(self.mistakes) == before else None

    def _unknown(self) -> None:
        for key in self.table:
            if key not in KEYS_OF_PARTNERS:
                help_text = where_it_belongs(key, self.table[key])
                help_text = help_text or did_you_mean(key, KEYS_OF_PARTNERS)
                help_text = help_text or f"known are: {', '.join(sorted(KEYS_OF_PARTNERS))}"
                self.mistakes.append((
                    self._place(key), f"unknown key {key} in [{SECTION}.{self.name}]", help_text,
                ))  # fmt: skip

    def _syntax(self) -> Syntax | None:
        if "syntax" not in self.table:
            self._say("has no syntax", 'add syntax = "x12" or syntax = "edifact"')
            return None
        word = self._get("syntax", as_choice(*Syntax), "")
        return Syntax(word) if word else None

    def _required(self, key: str) -> str:
        if key not in self.table:
            self._say(f"has no {key}", f"add {key} = …: {KEYS_OF_PARTNERS[key]}")
            return ""
        text: str = self._get(key, as_text, "")
        return text

    def _get(self, key: str, read: Callable[[object], object], default: V) -> V:
        if key not in self.table:
            return default
        try:
            value: V = read(self.table[key])  # type: ignore[assignment]
        except ValueError as error:
            given = self.table[key]
            self.mistakes.append((
                self._place(key), f"{_shown(given)} {Unfit.words(error, f'{key} of partner {self.name}')}",
                f"{key}: {KEYS_OF_PARTNERS[key]}",
            ))  # fmt: skip
            return default
        return value

    def _mappings(self, messages: tuple[str, ...]) -> Mapping[str, str]:
        given = self.table.get("mappings", {})
        if not isinstance(given, dict):
            self.mistakes.append((
                self._place("mappings"), f"mappings of partner {self.name} is not a table",
                'write {945 = "mappings/edi/945.yaml"}',
            ))  # fmt: skip
            return {}
        found = {}
        for message, path in given.items():
            if messages and message not in messages:
                near = did_you_mean(message, messages) or f"agreed are: {', '.join(messages)}"
                self.mistakes.append((
                    self._place("mappings", message),
                    f"message {message} has a mapping and is not among messages of partner {self.name}",
                    near,
                ))  # fmt: skip
            elif not isinstance(path, str) or not path.strip():
                self.mistakes.append((
                    self._place("mappings", message),
                    f"the mapping of message {message} of partner {self.name} is not a path",
                    'write 945 = "mappings/edi/945.yaml"',
                ))  # fmt: skip
            else:
                found[message] = str(self.document.folder / Path(path.strip()).expanduser())
        return found

    def _say(self, what: str, help_text: str) -> None:
        place = self.document.place(SECTION, self.name)
        self.mistakes.append((place, f"partner {self.name} {what}", help_text))

    def _place(self, *keys: str) -> str:
        place = self.document.place(SECTION, self.name, *keys)
        # the keys of a table within one line have no line of their own
        return place if place != self.document.name else self.document.place(SECTION, self.name, keys[0])  # fmt: skip


# What each key says, for help texts and the page of the documentation.
KEYS_OF_PARTNERS: Mapping[str, str] = {
    "syntax": "x12 or edifact",
    "id": "identifier of the partner as sender: ISA06, or UNB 2",
    "qualifier": "qualifier of the identifier: ISA05, or UNB 2.2; any without it",
    "receiver": "our own identifier: ISA08, or UNB 3; any without it",
    "receiver_qualifier": "qualifier of our own identifier: ISA07, or UNB 3.2; any without it",
    "messages": 'types that the partner may send, such as ["945", "856"]; any without it',
    "versions": 'versions that the partner may send, such as ["004010"] or ["D:96A"]; any without it',
    "test": "true imports test interchanges of the partner in production too",
    "accept_duplicates": "true imports interchanges whose control reference was used before",
    "acks": 'acknowledgements to write: "997", "999", "TA1", or "CONTRL"; none without it',
    "separators": 'characters for acknowledgements, such as {element = "*", segment = "~"}',
    "mappings": 'mapping by message, such as {945 = "mappings/edi/945.yaml"}',
    "outbox": "folder for the acknowledgements, below acks_dir of the profile; the name without it",
    "control_number": "the first control number of our acknowledgements",
}


def _as_list(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(v, str) and v.strip() for v in value):
        raise Unfit("is not a list of texts")
    return tuple(each.strip() for each in value)


def _as_folder(value: object) -> str:
    text = as_text(value)
    if ".." in Path(text).parts:
        raise Unfit("is not a folder below acks_dir")
    return str(Path(text).expanduser())


def _as_acks(value: object, syntax: Syntax) -> tuple[str, ...]:
    known = {word.lower(): word for word in ACKNOWLEDGEMENTS[syntax]}
    read = as_choice(*known)
    return tuple(dict.fromkeys(known[str(read(word))] for word in _as_list(value)))


def _as_separators(value: object, syntax: Syntax) -> Delimiters:
    if not isinstance(value, dict):
        raise Unfit("is not a table of characters")
    names = _MARKS[syntax]
    for name, mark in value.items():
        if name not in names:
            near = did_you_mean(name, names) or f"there are {', '.join(names)}"
            raise Unfit(f"has an unknown separator {name}; {near}")
        if not (isinstance(mark, str) and len(mark) == 1 and mark.isascii()) or mark.isalnum() or mark == " ":  # fmt: skip
            raise Unfit(f"needs for {name} one character that is no letter, digit or blank")
    usual = DEFAULT_SEPARATORS[syntax]
    marks = {name: ord(value[name]) if name in value else getattr(usual, name) for name in names}
    made = Delimiters(
        syntax, marks["element"], marks["component"], marks["segment"], marks["repetition"],
        marks.get("release", NONE),
    )  # fmt: skip
    used = [mark for mark in marks.values() if mark != NONE]
    if len(set(used)) < len(used):
        raise Unfit("has one character twice, counting the usual ones of what is not named")
    return made


def _shown(value: object) -> str:
    text = value if isinstance(value, str) else str(value)
    return f"'{text if len(text) <= 80 else text[:80] + '…'}'"
