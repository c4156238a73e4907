"""A second EDI reader, slow and plain: one segment after the other, no arrays, no windows.

It shares nothing with `pipeline.read.edi`, so that the two agree only where both are right. It
stops at envelopes: what messages mean is not its matter.
"""

import re
from collections import Counter
from dataclasses import dataclass, field
from functools import cache

BLANK = {*range(0x1C), 0x20}
MAY_BEGIN = re.compile(rb"ISA[^0-9A-Za-z\x00\r\n ]|UNA[^0-9A-Za-z]{4}|UNB[+\x1d]", re.DOTALL)
SETS = {
    "UNOA": "ascii", "UNOB": "ascii", "UNOC": "iso-8859-1", "UNOD": "iso-8859-2",
    "UNOE": "iso-8859-5", "UNOF": "iso-8859-7", "UNOG": "iso-8859-3", "UNOH": "iso-8859-4",
    "UNOI": "iso-8859-6", "UNOJ": "iso-8859-8", "UNOK": "iso-8859-9", "UNOL": "iso-8859-15",
    "UNOW": "utf-8", "UNOY": "utf-8",
}  # fmt: skip
SAME_MAX = 20
# Said about the file as a whole, so only so many times.
CAPPED = {"E102", "E103", "E111", "E112", "E115", "E117", "E120"}

Fault = tuple[str, int, int, int]  # code, line, segment, message (-1: none)


@dataclass(frozen=True)
class Marks:
    """Separators, as bytes of length one; b"" where there is none."""

    x12: bool
    element: bytes
    component: bytes
    segment: bytes
    release: bytes
    charset: str
    decimal: str
    repetition: bytes

    @property
    def interesting(self) -> re.Pattern[bytes]:
        return _interesting(self.segment + self.release)


@cache
def _interesting(marks: bytes) -> re.Pattern[bytes]:
    return re.compile(b"[IU" + re.escape(marks) + b"]", re.DOTALL)


@dataclass
class Seg:
    """One segment; `elements[0]` is the tag, each a list of components, release characters gone."""

    number: int
    line: int
    start: int
    marks: Marks
    elements: list[list[bytes]]
    tag: str  # as it is written: a release character makes it another one

    def whole(self, element: int) -> bytes:
        if element >= len(self.elements):
            return b""
        return self.marks.component.join(self.elements[element])

    def part(self, element: int, component: int) -> bytes:
        if element >= len(self.elements) or component > len(self.elements[element]):
            return b""
        return self.elements[element][component - 1]


@dataclass
class Msg:
    """One message: first and last segment (`end` 0: no trailer), and what its trailer declares."""

    number: int
    kind: bytes
    reference: bytes
    begin: int
    end: int
    declared: int
    counted: int
    interchange: int
    group: int


@dataclass
class Result:
    """All that is in a file."""

    segments: list[Seg] = field(default_factory=list)
    messages: list[Msg] = field(default_factory=list)
    interchanges: int = 0
    groups: int = 0
    faults: list[Fault] = field(default_factory=list)

    def capped(self) -> list[Fault]:
        """The faults as they are said: what is not of one message, at most some times a code."""
        said: Counter[str] = Counter()
        out: list[Fault] = []
        for fault in sorted(self.faults, key=lambda each: (each[2], each[1], each[0])):
            said[fault[0]] += 1
            if fault[0] not in CAPPED or fault[3] >= 0 or said[fault[0]] <= SAME_MAX:
                out.append(fault)
        return sorted(out)


class Oracle:
    """Reads one file."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.out = Result()
        self.blanks: list[tuple[int, int]] = []
        self.silent = False

    def fault(self, code: str, at: int, segment: int, message: int = -1) -> None:
        self.out.faults.append((code, self.line(at), segment, message))

    def line(self, at: int) -> int:
        return 1 + self.data.count(b"\n", 0, at)

    @property
    def following(self) -> int:
        return len(self.out.segments) + 1

    def read(self) -> Result:
        at = 0
        if self.data.startswith(b"\xef\xbb\xbf"):
            self.fault("E116", 0, 0)
            at = 3
        runs: list[list[Seg]] = []
        while True:
            found = MAY_BEGIN.search(self.data, at)
            self.junk(at, found.start() if found else len(self.data))
            if not found:
                break
            at = found.start()
            header = self.header(at)
            if header is None:
                self.fault("E102", at, self.following - 1)
                self.silent = True
                at += 3
                continue
            self.silent = False
            marks, body = header
            first = len(self.out.segments)
            at = self.run(marks, body)
            runs.append(self.out.segments[first:])
        if self.blanks:
            self.out.faults.append(("E113", self.blanks[0][0], self.blanks[0][1], -1))
        Envelopes(self.out, runs, self).read()
        return self.out

    def junk(self, begin: int, end: int) -> None:
        size = next((i for i in range(begin, end) if self.data[i] not in BLANK), -1)
        if size >= 0 and not self.silent:
            self.fault("E111", size, self.following - 1)

    # -- headers

    def header(self, at: int) -> tuple[Marks, int] | None:
        return self.isa(at) if self.data[at : at + 3] == b"ISA" else self.una(at)

    def isa(self, at: int) -> tuple[Marks, int] | None:
        element = self.data[at + 3 : at + 4]
        parts = self.data[at : at + 400].split(element, 16)
        if len(parts) < 17 or len(parts[16]) < 2:
            return None
        component, segment = parts[16][:1], parts[16][1:2]
        wrong = any(b"\n" in each or b"\r" in each for each in parts[1:16])
        if wrong or len({element, component, segment}) < 3 or segment == b" ":
            return None
        if element > b"\x7f" or not self.usable(component, segment):
            return None
        repetition = self.repetition(parts)
        return Marks(x12=True, element=element, component=component, segment=segment, release=b"",
                     charset="", decimal=".", repetition=repetition), at  # fmt: skip

    def una(self, at: int) -> tuple[Marks, int] | None:
        data = self.data
        marks, body = b":+.? '", at
        if data[at : at + 4] == b"UNB\x1d":
            marks = b"\x1f\x1d.? \x1c"
        elif data[at : at + 3] == b"UNA":
            marks, body = data[at + 3 : at + 9], at + 9
            while body < min(len(data), at + 9 + 64) and data[body] in BLANK:
                body += 1
        if len(marks) < 6 or not marks.isascii():
            return None
        component, element, decimal, release, repetition, segment = (bytes([m]) for m in marks)
        if release in (b" ", element, component, segment):
            release = b""
        distinct = len({element, component, segment}) == 3
        if not distinct or not self.usable(element, component, segment):
            return None
        if data[body : body + 4] != b"UNB" + element:
            return None
        head = data[body + 4 : body + 28].split(segment)[0].split(element)[0].split(component)
        charset = data[body + 4 : body + 8].decode("latin-1")
        version = head[1] if len(head) > 1 else b""
        if version != b"4" or repetition in (b" ", element, component, segment, marks[3:4]):
            repetition = b""
        return Marks(x12=False, element=element, component=component, segment=segment,
                     release=release, charset=SETS.get(charset, ""), repetition=repetition,
                     decimal="," if decimal == b"," else "."), body  # fmt: skip

    @staticmethod
    def usable(*marks: bytes) -> bool:
        return not any(m > b"\x7f" or m.decode("latin-1").isalnum() for m in marks)

    @staticmethod
    def repetition(parts: list[bytes]) -> bytes:
        mark = parts[11][:1]
        good = parts[12].strip() >= b"00402" and mark and not mark.isalnum() and mark != b" "
        return mark if good and mark not in (parts[16][:1], parts[16][1:2], parts[0]) else b""

    # -- segments

    def run(self, marks: Marks, at: int) -> int:
        """Read segments from `at`; gives where their separators end."""
        own = at  # the header of the run itself
        began, well = at, False
        while True:
            start = self.skip(at, marks)
            stop, end = self.end_of(start, marks, own, began)
            if stop < 0:  # no terminator before `end`
                self.open_end(at, end, marks, well=well)
                return end
            if self.service_string(start, stop, marks, own):
                own = at = stop + 1
                own = self.skip(own, marks)
                continue
            content = self.data[start:stop]
            if marks.segment == b"\n" and content.endswith(b"\r"):
                content = content[:-1]
            if not content:
                self.fault("E112", start, self.following)
            else:
                gap = self.data[at:start]
                if gap not in (b"", b"\n", b"\r", b"\r\n"):
                    self.blanks.append((self.line(start), self.following))
                self.add(content, start, marks)
                well = self.out.segments[-1].tag == ("IEA" if marks.x12 else "UNZ")
            at = stop + 1

    def skip(self, at: int, marks: Marks) -> int:
        stops = marks.element + marks.component + marks.segment + marks.release
        while at < len(self.data) and self.data[at] in BLANK and self.data[at] not in stops:
            at += 1
        return at

    def end_of(self, start: int, marks: Marks, own: int, began: int) -> tuple[int, int]:
        """Where the segment from `start` is terminated, or (-1, where something else begins)."""
        released = -1
        for found in marks.interesting.finditer(self.data, start):
            at = found.start()
            if at != own and self.data[at] in b"IU" and self.other_begins(at, marks, began):
                return -1, at
            byte = self.data[at : at + 1]
            if at == released:
                continue
            if byte == marks.release and byte:
                released = at + 1
            elif byte == marks.segment:
                return at, at
        return -1, len(self.data)

    def other_begins(self, at: int, marks: Marks, began: int) -> bool:
        if not MAY_BEGIN.match(self.data, at) or at < began:
            return False
        header = self.header(at)
        before = self.data[max(began, at - 256) : at]
        if marks.segment[0] in BLANK:
            terminated = not before or before[-1:] in (marks.segment, b"\n")
        else:
            before = before.rstrip(bytes(sorted(BLANK)))
            terminated = not before or before[-1:] == marks.segment
        if not terminated:
            return header is not None
        if header is None:
            return True
        if header[0] != marks:
            return not (self.data[at : at + 3] == b"UNB" and self.after_una(at, began))
        return False

    def after_una(self, at: int, began: int) -> bool:
        """Tell whether the UNB here is the one of a UNA of this run."""
        before = self.data[began:at].rstrip(bytes(sorted(BLANK)))
        una = len(before) - 9
        if una < 0 or not MAY_BEGIN.match(before, una) or not before[una:].startswith(b"UNA"):
            return False
        header = self.header(began + una)
        return header is not None and header[1] == at

    def service_string(self, start: int, stop: int, marks: Marks, own: int) -> bool:
        if start == own or marks.x12 or self.data[start : start + 3] != b"UNA":
            return False
        header = self.header(start) if MAY_BEGIN.match(self.data, start) else None
        return header is not None and header[0] == marks and stop == start + 8

    def open_end(self, at: int, end: int, marks: Marks, *, well: bool) -> None:
        rest = self.data[at:end].strip(bytes(sorted(BLANK)))
        if not rest:
            return
        start = at + self.data[at:end].index(rest)
        if well and not MAY_BEGIN.match(rest):
            self.fault("E111", start, self.following - 1)
            return
        self.fault("E117", start, self.following)
        gap = self.data[at : self.skip(at, marks)]
        start = self.skip(at, marks)
        content = self.data[start:end].rstrip(bytes(sorted(BLANK)))
        if marks.segment == b"\n":
            content = content.removesuffix(b"\r")
        if gap not in (b"", b"\n", b"\r", b"\r\n"):
            self.blanks.append((self.line(start), self.following))
        self.add(content, start, marks)

    def add(self, content: bytes, start: int, marks: Marks) -> None:
        if not marks.release or marks.release not in content:
            elements = [each.split(marks.component) for each in content.split(marks.element)]
        else:
            elements = self.released(content, marks)
        tag = content.split(marks.element)[0].decode("latin-1")
        seg = Seg(self.following, self.line(start), start, marks, elements, tag)
        self.oddities(seg, content, start)
        self.out.segments.append(seg)

    @staticmethod
    def released(content: bytes, marks: Marks) -> list[list[bytes]]:
        elements: list[list[bytes]] = [[b""]]
        at = 0
        while at < len(content):
            byte = content[at : at + 1]
            if byte == marks.release and byte:
                at += 1
                # a release character at the very end stands for itself
                elements[-1][-1] += content[at : at + 1] or byte
            elif byte == marks.element:
                elements.append([b""])
            elif byte == marks.component:
                elements[-1].append(b"")
            else:
                elements[-1][-1] += byte
            at += 1
        return elements

    def oddities(self, seg: Seg, content: bytes, start: int) -> None:
        if seg.marks.x12 and seg.tag == "ISA":
            if len(content.decode("utf-8", "surrogateescape")) != 105:
                self.fault("E103", start, seg.number)
            version = seg.whole(12).strip()
            if not (version.isdigit() and b"00200" <= version <= b"00899"):
                self.fault("E120", start, seg.number)
        elif not seg.marks.x12 and seg.tag == "UNB":
            charset = content[4:8].decode("latin-1")
            raw = content[4:24].split(seg.marks.element)[0].split(seg.marks.component)
            version = raw[1] if len(raw) > 1 else b""
            known = charset in SETS or charset == "UNOX"
            if not known or version not in (b"1", b"2", b"3", b"4"):
                self.fault("E120", start, seg.number)


class Envelopes:
    """Counts what the headers and trailers of segments say."""

    def __init__(self, out: Result, runs: list[list[Seg]], oracle: Oracle) -> None:
        self.out, self.runs, self.oracle = out, runs, oracle
        self.interchange: Seg | None = None
        self.group: Seg | None = None
        self.groups = self.messages = self.in_group = 0
        self.message: tuple[Seg, int] | None = None

    def say(self, code: str, seg: Seg, message: int = -1) -> None:
        self.out.faults.append((code, seg.line, seg.number, message))

    def read(self) -> None:
        for run in self.runs:
            self.stray = False
            for place, seg in enumerate(run):
                self.take(seg, run, place)
            self.open_message(run, len(run))
        self.close_group()
        self.close_interchange()

    def take(self, seg: Seg, run: list[Seg], place: int) -> None:
        x12 = seg.marks.x12
        names = ("ISA", "GS", "ST", "SE", "GE", "IEA") if x12 else ("UNB", "UNG", "UNH", "UNT", "UNE", "UNZ")  # fmt: skip
        tag = seg.tag
        if tag not in names and not (x12 and tag == "TA1"):
            if self.message is None and not self.stray:
                self.say("E115", seg)
                self.stray = True
            return
        self.stray = False
        kind = names.index(tag) if tag in names else -1
        if kind == 3 and self.message is not None:
            self.close_message(seg)
            return
        self.open_message(run, place)
        if kind == 2:
            self.begin_message(seg)
        elif kind >= 0:
            self.outer(seg, kind)

    def outer(self, seg: Seg, kind: int) -> None:
        opened = {1: self.interchange, 3: None, 4: self.group, 5: self.interchange}
        if kind in opened and opened[kind] is None:
            self.say("E115", seg)
        if kind in (0, 1, 5):
            self.close_group()
        if kind == 0:
            self.close_interchange()
            self.interchange, self.groups, self.messages = seg, 0, 0
            self.out.interchanges += 1
        elif kind == 1:
            self.group, self.in_group = seg, 0
            self.out.groups += 1
            self.groups += 1
        elif kind == 4:
            self.close_group(seg)
        elif kind == 5:
            self.close_interchange(seg)

    # -- messages

    def begin_message(self, seg: Seg) -> None:
        number = len(self.out.messages)
        x12 = seg.marks.x12
        kind = seg.whole(1) if x12 else seg.part(2, 1)
        reference = seg.whole(2) if x12 else seg.whole(1)
        inside = self.out.interchanges - 1 if self.interchange else -1
        group = self.out.groups - 1 if self.group else -1
        self.out.messages.append(Msg(number, kind, reference, seg.number, 0, -1, 0, inside, group))
        self.messages += 1
        self.in_group += 1
        if inside < 0 or (x12 and group < 0):
            self.say("E115", seg, number)
        self.message = (seg, number)

    def open_message(self, run: list[Seg], place: int) -> None:
        """The message that is open ends before `place` without a trailer."""
        if self.message is not None:
            seg, number = self.message
            self.say("E109", seg, number)
            self.out.messages[number].counted = run[place - 1].number - seg.number + 1
        self.message = None

    def close_message(self, seg: Seg) -> None:
        assert self.message is not None
        header, number = self.message
        message = self.out.messages[number]
        message.end, message.counted = seg.number, seg.number - header.number + 1
        message.declared = number_of(seg.whole(1))
        if message.declared != message.counted:
            self.say("E110", seg, number)
        if not same(message.reference, seg.whole(2)):
            self.say("E106", seg, number)
        self.message = None

    # -- groups and interchanges

    def close_group(self, trailer: Seg | None = None) -> None:
        header, self.group = self.group, None
        if header is None:
            return
        if trailer is None:
            self.say("E107", header)
            return
        reference = header.whole(6 if header.marks.x12 else 5)
        self.trailer(trailer, self.in_group, reference, "E108")

    def close_interchange(self, trailer: Seg | None = None) -> None:
        header, self.interchange = self.interchange, None
        if header is None:
            return
        if trailer is None:
            self.say("E104", header)
            return
        x12 = header.marks.x12
        counted = self.groups if x12 or self.groups else self.messages
        self.trailer(trailer, counted, header.whole(13 if x12 else 5), "E105")

    def trailer(self, seg: Seg, counted: int, reference: bytes, code: str) -> None:
        if number_of(seg.whole(1)) != counted:
            self.say(code, seg)
        if not same(reference, seg.whole(2)):
            self.say("E106", seg)


def number_of(text: bytes) -> int:
    text = text.strip()
    return int(text) if text.isdigit() and len(text) < 18 else -1


def same(one: bytes, other: bytes) -> bool:
    one, other = one.strip(), other.strip()
    if one.isdigit() and other.isdigit():
        return one.lstrip(b"0") == other.lstrip(b"0")
    return one == other


def read(data: bytes) -> Result:
    """Read a file."""
    return Oracle(data).read()
