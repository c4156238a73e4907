"""Files to records whose cells are still text and whose lines are true."""

from pipeline.read.batch import Batch, TrailerRecord
from pipeline.read.delimited import read_batches, read_header
from pipeline.read.edi.batches import (
    Portion,
    Reading,
    is_error,
    messages_read,
    open_edi,
    read_edi_batches,
    rejections,
)
from pipeline.read.encodings import settled
from pipeline.read.forms import corrected_form, form_of, source_of
from pipeline.read.header import SourceEmpty
from pipeline.read.picked import OURS, pick_records, read_ours, read_outer
from pipeline.read.recognition import adapted, recognise
from pipeline.read.rewriting import Rewriter, writable

__all__ = [
    "OURS",
    "Batch",
    "Portion",
    "Reading",
    "Rewriter",
    "SourceEmpty",
    "TrailerRecord",
    "adapted",
    "corrected_form",
    "form_of",
    "is_error",
    "messages_read",
    "open_edi",
    "pick_records",
    "read_batches",
    "read_edi_batches",
    "read_header",
    "read_ours",
    "read_outer",
    "recognise",
    "rejections",
    "settled",
    "source_of",
    "writable",
]
