"""The one clock of the product; everything else is handed it."""

from datetime import UTC, datetime


def clock() -> datetime:
    """The present moment, aware, UTC."""
    return datetime.now(UTC)
