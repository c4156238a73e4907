"""The reconciliation report: what became of every row and order, and who must fix what."""
