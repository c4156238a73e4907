"""What `tests.fuzz.delimited` has found."""

from pathlib import Path

from pipeline.mapping.plan import Source
from pipeline.model.origin import LINE
from pipeline.read import read_batches


def codes(folder: Path, content: bytes, source: Source) -> list[tuple[int, str, str | None]]:
    """Lines, codes and values of the findings."""
    path = folder / "mutant.csv"
    path.write_bytes(content)
    batches = list(read_batches(path, source, file=0, columns=["a"]))
    return [
        row for each in batches for row in each.findings.rows.select(LINE, "code", "value").rows()
    ]


def test_a_byte_that_cannot_be_read_does_not_disturb_the_search_for_footers(tmp_path: Path) -> None:
    source = Source(footer="Total")

    found = codes(tmp_path, b"a,b\n1,M\x81ller\nTotal\x81,1\n", source)

    assert [(line, code) for line, code, _ in found] == [(2, "R102"), (3, "R110")]


def test_what_stands_around_a_stray_quote_may_begin_and_end_within_a_character(
    tmp_path: Path,
) -> None:
    source = Source(delimiter="+|")
    for blanks in range(4):  # so that the cut falls on each byte of a character
        row = f'1+|{" " * blanks}{"€" * 12}"{"€" * 12}'

        found = codes(tmp_path, f"a+|b\n{row}\n".encode(), source)

        assert [(line, code) for line, code, _ in found] == [(2, "R103")]
        assert '€"€' in str(found[0][2])
