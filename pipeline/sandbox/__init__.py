"""A strict local stand-in for the Order API, apart from the rest of the package on purpose.

It judges requests by the published OpenAPI document and the prose rules of the contract, not by the
client's catalogue, so that one mistake cannot hide in both. It imports nothing else of `pipeline`.
"""

from pipeline.sandbox.faults import BadFaultError, FaultRule, FaultSchedule
from pipeline.sandbox.server import ExposedHostError, RunningSandbox, running_sandbox, serve
from pipeline.sandbox.settings import SandboxSettings, TrackingConflict
from pipeline.sandbox.storage import PutRecord, read_orders, read_puts
from pipeline.sandbox.traffic import RequestRecord, Violation

__all__ = [
    "BadFaultError",
    "ExposedHostError",
    "FaultRule",
    "FaultSchedule",
    "PutRecord",
    "RequestRecord",
    "RunningSandbox",
    "SandboxSettings",
    "TrackingConflict",
    "Violation",
    "read_orders",
    "read_puts",
    "running_sandbox",
    "serve",
]
