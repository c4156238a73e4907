"""Files to records whose cells are still text and whose lines are true."""

from pipeline.read.batch import Batch
from pipeline.read.delimited import read_batches, read_header
from pipeline.read.edi.batches import Reading, open_edi, read_edi_batches
from pipeline.read.header import SourceEmpty

__all__ = [
    "Batch",
    "Reading",
    "SourceEmpty",
    "open_edi",
    "read_batches",
    "read_edi_batches",
    "read_header",
]
