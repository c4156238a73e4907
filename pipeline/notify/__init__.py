"""How a run ended, told by mail and webhook. What cannot be told is a warning, never a failure."""

from pipeline.notify.routes import Told, tell

__all__ = ["Told", "tell"]
