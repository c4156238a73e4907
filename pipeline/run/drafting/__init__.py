"""mapping init for delimited text: a commented mapping of an export, from what its rows show."""

from pipeline.run.drafting.draft import Drafted, NoOrderNumber, draft

__all__ = ["Drafted", "NoOrderNumber", "draft"]
