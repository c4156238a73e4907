"""Warehouse files in, parcelLab orders out, and a report in which every row is accounted for."""

__all__ = ["__version__"]

__version__ = "0.1.0"
