"""Paths of `extract:`: text to ExtractPath and back. What they mean in a message is `extract`'s work.

The grammar, `n` a number from 1:

    path = [level "/"] [pick ">"] pick "." elements ["." components]
    level = NAME conditions -- the nearest node of that name, from the row outwards
    pick = TAG conditions -- before ">": the segment that begins the loop
    condition = "[" (n | "*") ["." n] ("=" | "!=") value {"|" value} "]"
    elements = n | n "-" n | n ".." n | "*" | "+" n | "+" n "..+" n
    components = n | n ".." n
"""

import re
from dataclasses import dataclass

from pipeline.mapping.plan import Condition, ExtractPath, SegmentPick

LENGTH_MAX = 400
NUMBER_MAX = 999  # elements and components; tables of segments end far below

_WORD = re.compile(r"[A-Za-z0-9]+")
_DIGITS = re.compile(r"[0-9]+")
_VALUE = re.compile(r"[^\[\]|]+")
_USUAL = re.compile(r"([A-Za-z][A-Za-z0-9]{1,2})[-*+ ]?0*([0-9]{1,2})")  # REF-02, REF*02, REF02
_FORM = "a path is SEGMENT.element, such as BSN.2"


class PathMistake(Exception):  # noqa: N818 - the compiler turns it into a Mistake with a place
    """A path that cannot be read (M401), or that leads nowhere (M403 to M406).

    `start` counts from 0 in the path's text.
    """

    def __init__(
        self, message: str, start: int, length: int, hint: str, *, code: str = "M401"
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.start = start
        self.length = length
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Stretch:
    """Where a part of a path stands in its text, from 0."""

    start: int
    length: int


@dataclass(frozen=True, slots=True)
class PathPlaces:
    """Where the parts of a path stand: `conditions` in the order level, within, segment."""

    level: Stretch | None
    within: Stretch | None
    tag: Stretch
    conditions: tuple[Stretch, ...]
    element: Stretch
    component: Stretch | None


def read_path(text: str) -> tuple[ExtractPath, PathPlaces]:
    """Read one path; nothing is known of messages here.

    Raises:
        PathMistake: M401, with the stretch that cannot be read.
    """
    return _Reader(text).path()


def written(path: ExtractPath) -> str:
    """A path as text; reading it again gives the same path.

    >>> written(read_path("S/N1[1=ST]>N4.03")[0])
    'S/N1[1=ST]>N4.3'
    """
    level = f"{path.level}{_conditions(path.level_conditions)}/" if path.level else ""
    within = f"{_pick(path.within)}>" if path.within is not None else ""
    element = f"+{path.after}" if path.after else str(path.element or "*")
    if path.to_element:
        element += f"..{'+' if path.after else ''}{path.to_element}"
    elif path.last_element != path.element:
        element += f"-{path.last_element}"
    component = f".{path.component}" if path.component else ""
    component += f"..{path.to_component}" if path.to_component else ""
    return f"{level}{within}{_pick(path.segment)}.{element}{component}"


def _pick(pick: SegmentPick) -> str:
    return pick.tag + _conditions(pick.conditions)


def _conditions(conditions: tuple[Condition, ...]) -> str:
    return "".join(_condition(condition) for condition in conditions)


def _condition(condition: Condition) -> str:
    component = f".{condition.component}" if condition.component else ""
    sign = "!=" if condition.negated else "="
    return f"[{condition.element or '*'}{component}{sign}{'|'.join(condition.values)}]"


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def path(self) -> tuple[ExtractPath, PathPlaces]:
        if not self.text:
            raise self._mistake("the path is empty", _FORM)
        if len(self.text) > LENGTH_MAX:
            text = f"a path has at most {LENGTH_MAX} characters"
            raise PathMistake(text, 0, LENGTH_MAX, "a list of paths takes the first with a value")
        level = within = None
        head, tag, places = self._head()
        if self._skip("/"):
            level, level_place = (head, tag)
            head, tag, more = self._head()
            places += more
        else:
            level_place = None
        within_place = None
        if self._skip(">"):
            within, within_place = (head, tag)
            head, tag, more = self._head()
            places += more
        self._dot(tag)
        start = self.at
        element, after, last, to_element = self._elements(head)
        element_place = Stretch(start, self.at - start)
        component = to_component = 0
        component_place = None
        if self._skip("."):
            start = self.at
            component, to_component = self._components(to_element)
            component_place = Stretch(start, self.at - start)
        if self.at < len(self.text):
            raise self._beyond()
        path = ExtractPath(
            level=level.tag if level is not None else "",
            level_conditions=level.conditions if level is not None else (),
            within=within, segment=head, element=element, after=after, last_element=last,
            component=component, to_element=to_element, to_component=to_component, text=self.text,
        )  # fmt: skip
        found = PathPlaces(
            level_place, within_place, tag, tuple(places), element_place, component_place
        )
        return path, found

    # -- segments ---------------------------------------------------------------------------

    def _head(self) -> tuple[SegmentPick, Stretch, list[Stretch]]:
        word = _WORD.match(self.text, self.at)
        if word is None:
            if self.text[self.at : self.at + 1].isspace():
                raise self._beyond()
            what = "a level or segment" if self.at == 0 else "a segment"
            raise self._mistake(f"{what} is missing here", _FORM)
        self.at = word.end()
        conditions: list[Condition] = []
        places: list[Stretch] = []
        while self._skip("["):
            start = self.at - 1
            condition = self._condition(start)
            place = Stretch(start, self.at - start)
            if condition.element == 0 and any(c.element == 0 for c in conditions):
                text = "one `*` is enough for a segment"
                raise PathMistake(text, start, place.length, "give the values together: [*=SK|VN]")
            conditions.append(condition)
            places.append(place)
        pick = SegmentPick(tag=word.group(), conditions=tuple(conditions))
        return pick, Stretch(word.start(), len(word.group())), places

    def _condition(self, start: int) -> Condition:
        hint = "a condition is [element=value], such as [1=ST] or [1.1=ON]"
        element = 0 if self._skip("*") else self._number("the element of the condition", hint)
        component = self._number("the component", hint) if self._skip(".") else 0
        negated = self._skip("!")
        if not self._skip("="):
            raise self._mistake("`=` is missing in the condition", hint)
        if negated and element == 0:
            text = "`*` finds an element by what it is, not by what it is not"
            raise PathMistake(text, start, self.at - start, "name the element: [2!=GM]")
        values = [self._value(hint)]
        while self._skip("|"):
            values.append(self._value(hint))
        if not self._skip("]"):
            raise PathMistake("the condition is not closed", start, self.at - start, "add `]`")
        return Condition(
            element=element, component=component, values=tuple(values), negated=negated
        )

    def _value(self, hint: str) -> str:
        value = _VALUE.match(self.text, self.at)
        if value is None or not value.group().strip():
            raise self._mistake("the condition has no value", hint)
        self.at = value.end()
        return value.group().strip()

    # -- elements ---------------------------------------------------------------------------

    def _dot(self, tag: Stretch) -> None:
        if self._skip("."):
            return
        if self._peek(">"):
            text, hint = "one `>` is enough for a path", "TRIGGER>SEGMENT.element: N1[1=ST]>N4.3"
        elif self._peek("/"):
            text, hint = "the level stands first in a path", "LEVEL/TRIGGER>SEGMENT.element"
        else:
            usual = _USUAL.fullmatch(self.text, tag.start)
            text = "the element is missing"
            hint = f"write {usual[1].upper()}.{usual[2]}" if usual else _FORM
            if not usual and self.at < len(self.text):
                raise self._beyond()
        raise self._mistake(text, hint)

    def _elements(self, pick: SegmentPick) -> tuple[int, int, int, int]:
        """The element, how far it moves on, the last one, and the one where a range ends."""
        start = self.at
        sought = any(condition.element == 0 for condition in pick.conditions)
        if self._peek("*") or self._peek("+"):
            after = 0 if self._skip("*") else self._after()
            to_element = 0
            if after and self._skip(".."):
                hint = "such as MAN[*=CP].+1..+2"
                if not self._peek("+"):
                    raise self._mistake("the end must be written as the beginning, with `+`", hint)
                self._skip("+")
                to_element = self._end(after, start, "..", hint)
            if not sought:
                text = "no condition says which element `*` is"
                hint = f"such as {pick.tag}[*=SK].+1"
                raise PathMistake(text, start, self.at - start, hint)
            return 0, after, 0, to_element
        hint = "elements count from 1: BSN.2, GIN.2-6, MAN.2..3, LIN[*=SK].+1"
        first = self._number("the element", hint)
        if self._skip(".."):
            return first, 0, first, self._end(first, start, "..", hint)
        if self._skip("-"):
            return first, 0, self._end(first, start, "-", hint), 0
        return first, 0, first, 0

    def _after(self) -> int:
        self._skip("+")
        return self._number("how many elements further", "the element after the one found: .+1")

    def _components(self, to_element: int) -> tuple[int, int]:
        start = self.at
        hint = "components count from 1: LIN.3.1, GIN.2.1..2"
        first = self._number("the component", hint)
        if not self._skip(".."):
            return first, 0
        last = self._end(first, start, "..", hint)
        if to_element:
            text = "a range goes over elements or over components, not both"
            raise PathMistake(text, start, self.at - start, "such as MAN.2..3 or GIN.2-6.1..2")
        return first, last

    def _end(self, first: int, start: int, sign: str, hint: str) -> int:
        last = self._number("the end", hint)
        if last <= first:
            text = f"{first}{sign}{last} has no end after its beginning"
            raise PathMistake(
                text, start, self.at - start, f"the smaller number stands first: 2{sign}6"
            )
        return last

    def _number(self, what: str, hint: str) -> int:
        digits = _DIGITS.match(self.text, self.at)
        if digits is None:
            raise self._mistake(f"{what} must be a number", hint)
        self.at = digits.end()
        number = int(digits.group()[:9])
        if not 0 < number <= NUMBER_MAX or len(digits.group()) > len(str(NUMBER_MAX)):
            text = f"{what} cannot be {digits.group()[:9]}"
            raise PathMistake(text, digits.start(), len(digits.group()), hint)
        return number

    # -- characters -------------------------------------------------------------------------

    def _peek(self, sign: str) -> bool:
        return self.text.startswith(sign, self.at)

    def _skip(self, sign: str) -> bool:
        """Step over a sign; a single dot is not the first of two."""
        if not self._peek(sign) or (sign == "." and self._peek("..")):
            return False
        self.at += len(sign)
        return True

    def _mistake(self, message: str, hint: str) -> PathMistake:
        """A mistake at the next character, or behind the end."""
        return PathMistake(message, self.at, 1, hint)

    def _beyond(self) -> PathMistake:
        sign = self.text[self.at]
        if sign.isspace():
            return self._mistake("a blank does not belong into a path", "remove it")
        rest = len(self.text) - self.at
        if sign == "[":
            text, hint = "conditions stand behind the segment", "such as DTM[1=011].2"
        else:
            text, hint = f'"{sign}" cannot stand here', _FORM
        return PathMistake(text, self.at, rest, hint)
