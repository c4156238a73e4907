"""The mappings of `mappings/` import together: a night with one file for each of them."""

import shutil
from pathlib import Path

from pipeline.mapping.plan import Mode
from pipeline.run.source import read_mapping
from pipeline.sandbox import RunningSandbox
from tests import library
from tests.cli.conftest import Call

# The files of one may be called as Shopify's are; the first test of the other has a carrier that nobody knows.
APART = frozenset({"wms-orders", "shipments"})


def test_all_mappings_import_one_night_together(
    call: Call, folder: Path, api: RunningSandbox
) -> None:
    shutil.copytree(library.FOLDER, folder / "mappings")
    (folder / "inbox").mkdir()
    mappings: list[str] = []
    numbers: set[str] = set()
    for path in library.library():
        if path.stem in APART:
            continue
        compiled, _ = read_mapping(path)
        plan, trial = compiled.plan, compiled.trials[0]
        for each in compiled.plans or (plan,):
            file = folder / "inbox" / str(each.source.files).replace("*", "_night")
            text = trial.texts[each.part] if each.part else trial.rows or ""
            file.write_bytes(text.encode(each.source.encoding))
        mappings += ["-m", f"mappings/{path.name}"]
        if plan.mode is Mode.CREATE_OR_UPDATE:
            orders = trial.orders or []
            numbers |= {str(order["order_number"]) for order in orders if isinstance(order, dict)}

    said = call("run", "--yes", *mappings, "inbox")

    assert said.code == 0, said.err
    sent = {order["order_number"]: order for order in api.orders()}
    assert set(sent) == numbers
    # parcels of other files than their order's
    couriers = {
        nr: [each["courier"] for each in sent[nr]["trackings"]] for nr in ("300065", "6001")
    }
    assert couriers["300065"] == ["dhl-germany"] * 2
    assert sorted(couriers["6001"]) == ["dhl-germany", "dpd-de", "dpd-de", "ups", "ups"]
