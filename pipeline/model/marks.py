"""Short keyed hashes of what an order said: enough to see that a field differs, too short to read it.

An order has one text of them, which the ledger keeps beside it: 7 characters per field, 3 for the
path and 4 (24 bits) for the value, so a difference is missed once in 16 million. Fields that were
told earlier, and that the last request did not repeat, follow behind a "~": parcelLab keeps a field
that is not sent (CONTRACT §4), so they are compared too when an order is read back.

The key belongs to the ledger, and the number of the order is part of what is hashed: equal values
of two orders have different marks. Who has the ledger can test a guess ("is it jo@example.com?").
"""

from base64 import urlsafe_b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b

from pipeline.model.saying import Said, paths

_CODE, _MARK = 3, 4  # characters
_EARLIER = "~"  # no character of base64


@dataclass(frozen=True, slots=True)
class Marks:
    """Mark by path: of the last request, and of what was told before and not repeated."""

    now: Mapping[str, str]
    earlier: Mapping[str, str]

    @property
    def all(self) -> dict[str, str]:
        """Everything that parcelLab should have."""
        return {**self.earlier, **self.now}


class Marker:
    """Makes the marks of one ledger, whose key it has."""

    def __init__(self, key: bytes) -> None:
        self._keyed = blake2b(key=key[:64], digest_size=3, person=b"order marks")

    def marks(self, owner: str, said: Said) -> dict[str, str]:
        """The mark of each field; `owner` names whose fields they are.

        >>> Marker(b"k").marks("A1", {"tags": "a"}) == Marker(b"k").marks("A2", {"tags": "a"})
        False
        """
        begun = self._keyed.copy()
        begun.update(f"{owner}\x1f".encode())
        digests = bytearray()
        for path, text in said.items():
            made = begun.copy()
            made.update(f"{path}\x1f{text}".encode())
            digests += made.digest()
        # 3 bytes are 4 characters, so the marks of all lie one behind the other
        marks = urlsafe_b64encode(digests).decode("ascii")
        return {
            path: marks[at : at + _MARK]
            for path, at in zip(said, range(0, len(marks), _MARK), strict=True)
        }


def written(now: Mapping[str, str], before: Marks | None = None) -> str:
    """The text of marks; what was told `before` and is not told now goes behind it."""
    text = _joined(now)
    kept = {p: m for p, m in before.all.items() if p not in now} if before else {}
    return f"{text}{_EARLIER}{_joined(kept)}" if kept else text


def read(text: str) -> Marks:
    """The marks of a text; fields that the catalogue has no more are left out.

    >>> read(written({"tags": "AbC1", "channel": "-_09"})).now
    {'channel': '-_09', 'tags': 'AbC1'}
    """
    now, _, earlier = text.partition(_EARLIER)
    return Marks(_parted(now), _parted(earlier))


def changed(now: Mapping[str, str], before: Marks) -> list[str]:
    """The paths that are not told as they were told last, those included that are told no more."""
    there = {path for path, mark in now.items() if before.all.get(path) != mark}
    return sorted(there | (before.now.keys() - now.keys()))


def _joined(marks: Mapping[str, str]) -> str:
    return "".join([code(path) + marks[path] for path in sorted(marks)])


def _parted(text: str) -> dict[str, str]:
    step = _CODE + _MARK
    names = _names()
    pieces = (text[at : at + step] for at in range(0, len(text) - step + 1, step))
    return {names[piece[:_CODE]]: piece[_CODE:] for piece in pieces if piece[:_CODE] in names}


@cache
def code(path: str) -> str:
    """Three characters for a path, the same for ever.

    >>> code("recipient_email")
    'WEx'
    """
    return urlsafe_b64encode(blake2b(path.encode(), digest_size=3).digest()).decode("ascii")[:_CODE]


@cache
def _names() -> Mapping[str, str]:
    return {code(path): path for path in every_path()}


def every_path() -> Iterable[str]:
    """All paths that have a code; no two of them have the same (a test says so)."""
    return dict.fromkeys((*paths("order"), *paths("tracking")))
