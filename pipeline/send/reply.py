"""What came back of one request; plain values, so that judging them is pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.model.stops import StopRun


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that came whole. Headers have lower-case names; the token is blotted out."""

    status: int
    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class NoReply:
    """No whole answer. `sent`: the server may have got the request. `stop`: no use to try again.

    `late`: a time limit ended it.
    """

    words: str
    sent: bool
    stop: StopRun | None = None
    late: bool = False
