"""Several files that make orders together: every row of every file has one outcome, at its own address."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.golden.product import Product, Ran, product

pytestmark = pytest.mark.thorough

MAPPING = """\
version: 1
name: files
sources:
  orders: {files: orders.csv, key: id, rows: {skip: "kind = 'TEST'"}}
  lines: {files: lines.csv, key: {from: order, do: [upper, {regex: "^#?0*(.+)$"}]}, belongs_to: orders}
  parcels: {files: parcels.csv, key: order, belongs_to: orders, orphans: %s, required: false}
  customers: {files: customers.csv, key: no, joins: orders, on: customer}
order:
  order_number: id
  destination_country_iso3: customers.country
  recipient_email: customers.mail
lines:
  source: lines
  fields: {line_item_id: line, quantity: qty}
trackings:
  source: parcels
  key: parcel
  fields: {tracking_number: parcel, courier: {value: gls}}
"""
HEADERS = {
    "orders": "id,kind,customer", "lines": "order,line,qty", "parcels": "order,parcel",
    "customers": "no,mail,country",
}  # fmt: skip
keys = st.sampled_from(["A1", "A2", "A3", "A4", ""])
customers = st.sampled_from(["K1", "K2", "K3", ""])
Files = dict[str, list[tuple[str, ...]]]


@st.composite
def nights(draw: st.DrawFn) -> Files:
    """Rows that may or may not find each other, spelt in several ways."""
    spelt = keys.flatmap(lambda key: st.sampled_from([key, f"#00{key}", key.lower()]))
    rows = {
        "orders": st.tuples(keys, st.sampled_from(["NEW", "TEST"]), customers),
        "lines": st.tuples(spelt, st.sampled_from(["1", "2"]), st.sampled_from(["1", "two"])),
        "parcels": st.tuples(keys, st.sampled_from(["P1", "P2"])),
        "customers": st.tuples(
            customers, st.just("jo@example.com"), st.sampled_from(["DE", "Narnia"])
        ),
    }
    return {name: draw(st.lists(row, min_size=1, max_size=5)) for name, row in rows.items()}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    with product(tmp_path_factory.mktemp("sources")) as fresh:
        yield fresh


def _planned(made: Product, files: Files, orphans: str) -> Ran:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "mapping.yaml").write_text(MAPPING % orphans, encoding="utf-8")
        for source, rows in files.items():
            text = "".join(",".join(row) + "\n" for row in rows)
            (folder / f"{source}.csv").write_text(f"{HEADERS[source]}\n{text}", encoding="utf-8")
        return made.plan([folder / "mapping.yaml"], [folder])


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(files=nights(), orphans=st.sampled_from(["reject", "keep", "skip"]))
def test_every_row_of_every_file_has_one_outcome(made: Product, files: Files, orphans: str) -> None:
    ran = _planned(made, files, orphans)

    addresses = {
        (i, line) for i, name in enumerate(HEADERS) for line in range(2, 2 + len(files[name]))
    }
    told = ran.rows.select("_file", "_line").rows()
    assert len(told) == len(set(told))
    assert set(told) == addresses
    assert all(outcome is not None for outcome in ran.rows["outcome"])
    keyed = ran.rows.filter(ran.rows["key"].is_not_null() & (ran.rows["outcome"] != "filtered"))
    assert set(keyed["key"]) == set(ran.orders["key"])
    # what was joined is what a row names, and each order that goes out has its lines
    named = {row[2] for row in files["orders"]} - {""}
    joined = ran.rows.filter(ran.rows["outcome"] == "joined")
    for _, line in joined.select("_file", "_line").rows():
        assert files["customers"][line - 2][0] in named
    accepted = ran.rows.filter(ran.rows["outcome"] == "accepted")
    of_lines = set(accepted.filter(accepted["_file"] == 1)["key"])
    assert set(accepted.filter(accepted["_file"] == 0)["key"]) <= of_lines
