"""Files to records whose cells are still text and whose lines are true."""

from pipeline.read.batch import Batch
from pipeline.read.delimited import read_batches, read_header
from pipeline.read.header import SourceEmpty

__all__ = ["Batch", "SourceEmpty", "read_batches", "read_header"]
