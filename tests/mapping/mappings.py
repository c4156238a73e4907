"""Every mapping of the repository."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
MAPPINGS = sorted(
    [
        *ROOT.glob("mappings/**/*.yaml"),
        *ROOT.glob("samples/*/*.yaml"),
        *ROOT.glob("tests/mapping/examples/*.yaml"),
    ]
)
