"""Orders to parcelLab and back: the only package that speaks HTTP."""

from pipeline.send.client import OrderClient
from pipeline.send.deliver import Delivered, Progress, deliver
from pipeline.send.gate import Gate
from pipeline.send.hosts import is_parcellab, listening
from pipeline.send.readback import Stored, Unreadable
from pipeline.send.reading import Reading, read_orders
from pipeline.send.stops import ApiAway, AuthRefused, EveryOrderRefused, NotTheApi, WrongEndpoint
from pipeline.send.transport import Kind

__all__ = [
    "ApiAway",
    "AuthRefused",
    "Delivered",
    "EveryOrderRefused",
    "Gate",
    "Kind",
    "NotTheApi",
    "OrderClient",
    "Progress",
    "Reading",
    "Stored",
    "Unreadable",
    "WrongEndpoint",
    "deliver",
    "is_parcellab",
    "listening",
    "read_orders",
]
