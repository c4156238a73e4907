"""What can be set about a sandbox."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from pipeline.sandbox.faults import FaultSchedule

DEFAULT_ACCOUNT = 1618
DEFAULT_TOKEN = "sandbox-token"  # noqa: S105 - opens nothing but a sandbox


class TrackingConflict(Enum):
    """What happens when another order of the account already has the tracking (K46)."""

    IGNORED = "ignored"
    FAILS = "fails"


def _default_tokens() -> dict[str, frozenset[int]]:
    return {DEFAULT_TOKEN: frozenset({DEFAULT_ACCOUNT})}


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxSettings:
    """The settings of one sandbox.

    Attributes:
        tokens: each token with the accounts it opens.
        delivery_methods: names configured for the account, compared without regard to case.
        tracking_conflict: whether a tracking of another order makes add_tracking fail.
        page_size: orders on a page of the list.
        latency_s: how long each write waits before it is looked at.
        data: where the database lies; None keeps it in memory.
        faults: the fault schedule.
    """

    tokens: Mapping[str, frozenset[int]] = field(default_factory=_default_tokens)
    delivery_methods: tuple[str, ...] = ("Standard", "Express", "Same Day", "Pickup")
    tracking_conflict: TrackingConflict = TrackingConflict.IGNORED
    page_size: int = 100
    latency_s: float = 0.0
    data: Path | None = None
    faults: FaultSchedule = field(default_factory=FaultSchedule)
