"""Files on their way into a run: packed, half-written, imported before, bad beside good ones."""

import gzip
import os
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.intake import archive_file
from pipeline.model.stops import SourceUnusable, StopRun
from pipeline.run import Options, PlanStale, Result
from pipeline.run.aside import words_of
from tests.run.conftest import HEADER, ORDERS_YAML, PARCELS_YAML, Warehouse, order_row
from tests.run.inbox import ORDERS_850, interchange, order
from tests.run.test_answers import play
from tests.unit.intake.test_workbooks import workbook


def document(result: Result) -> dict[str, Any]:
    return dict(result.summary)


def rows_read(result: Result) -> int:
    return sum(each["rows"]["read"] for each in document(result)["files"])


def notes(result: Result) -> dict[str, tuple[str, str]]:
    """What the report says of files as a whole: code and words, by the file's name."""
    return {each["file"]: (each["code"], each["says"]) for each in document(result)["notes"]}


def arrived(warehouse: Warehouse) -> list[str]:
    return sorted(str(each["order_number"]) for each in warehouse.sandbox.orders())


def zipped(warehouse: Warehouse, **members: str) -> None:
    with zipfile.ZipFile(warehouse.folder / "night.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(f"{name}.csv", text)


# -- packed -------------------------------------------------------------------------------------


def test_members_of_an_archive_are_files_of_the_run(warehouse: Warehouse) -> None:
    zipped(
        warehouse, orders_1=HEADER + order_row("A1"), orders_2=HEADER + order_row("A2", qty="x"),
        parcels="no;parcel;carrier\nA1;P1;dhl\n", stock="sku\nS\n",
    )  # fmt: skip

    result = warehouse.run(max_reject_rate=None)

    assert result.exit_code == 3
    assert [each["order_number"] for each in warehouse.sandbox.orders()] == ["A1"]
    [rejected] = warehouse.rejections(result)
    assert (rejected["file"], rejected["line"]) == ("night.zip/orders_2.csv", 2)
    assert list(warehouse.corrected(result)) == ["night.zip-orders_2.rejected.csv"]


def test_a_plan_of_an_archive_is_stale_when_the_archive_changes(warehouse: Warehouse) -> None:
    zipped(warehouse, orders=HEADER + order_row("A1"))
    plan = warehouse.plan().plan
    assert plan is not None
    assert [path.suffix for path in (plan / "snapshots").iterdir()] == [".input"]
    zipped(warehouse, orders=HEADER + order_row("A1", name="New"))
    with pytest.raises(PlanStale, match=r"night\.zip/orders\.csv has changed or is gone"):
        warehouse.run_plan(plan)


# -- lines left out -----------------------------------------------------------------------------


def test_the_lines_that_are_left_out_are_counted_where_people_look(warehouse: Warehouse) -> None:
    text = ORDERS_YAML.replace("source:\n", 'source:\n  comment: "#"\n  footer: "Total"\n', 1)
    (warehouse.folder / "orders.yaml").write_text(text, encoding="utf-8")
    warehouse.orders("# a\n", order_row("A1"), "# b\n# c\n", "Total 1\n")
    warehouse.orders(order_row("A2"), order_row("Totalverlust"), name="orders_2.csv")

    result = warehouse.run()

    assert result.exit_code == 0
    assert "  orders.csv: 3 comment lines, 1 footer line left out\n" in result.text
    assert "  orders_2.csv: 1 footer line left out\n" in result.text
    assert "R113 Line left out that may be a row (1)" in result.text
    assert result.text.startswith("IMPORTED WITH WARNINGS")
    assert result.report is not None
    page = result.report.read_text("utf-8")
    assert "3 comment lines left out" in page
    assert "1 footer line has as many cells as a row" in page


# -- bad beside good ----------------------------------------------------------------------------


def _page(path: Path) -> None:
    path.write_text("<!DOCTYPE html>\n<html><body>Please log in</body></html>\n")


def _cut(path: Path) -> None:
    path.write_bytes(gzip.compress((HEADER + order_row("B1")).encode())[:-5])


def _bomb(path: Path) -> None:
    path.write_bytes(gzip.compress(HEADER.encode() + b"\n" * (12 << 20)))


def _linked(path: Path) -> None:
    secret = path.parent.parent / "secret.csv"
    secret.write_text(HEADER + order_row("SECRET"))
    path.symlink_to(secret)


def _other(path: Path) -> None:
    path.write_text("to;do\n1;2\n")


def _unfit(path: Path) -> None:
    path.write_text((HEADER + order_row("B1")).replace("mail;name", "email;name"))


def _no_text(path: Path) -> None:
    path.write_bytes((HEADER + order_row("B1")).replace("name", "größe", 1).encode("cp1252"))


BAD: list[tuple[str, Callable[[Path], None], str]] = [
    ("orders_page.csv", _page, "is a web page, not an export; a server has sent a page"),
    ("orders_cut.csv.gz", _cut, "is cut off: its gzip data has no end; ask for the file again"),
    ("orders_bomb.csv.gz", _bomb, "unpacks to more than 200 times its size"),
    ("orders_link.csv", _linked, "is a symbolic link that leaves its folder; name a regular file"),
    ("orders_fifo.csv", os.mkfifo, "is a FIFO; name a regular file"),
    ("orders_other.csv", _other, "has none of the columns that"),
    ("orders_unfit.csv", _unfit, 'unknown column "mail" (did you mean "email"?)'),
    ("orders_latin.csv", _no_text, "line 1: the header cannot be read: byte 0xF6"),
]


def test_bad_files_are_findings_and_the_others_go_on(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("A1"))
    for name, make, _ in BAD:
        make(warehouse.folder / name)
    (warehouse.folder / "orders_dir.csv").mkdir()

    result = warehouse.run()

    assert (result.exit_code, document(result)["exit"]["name"]) == (4, "input")
    assert arrived(warehouse) == ["A1"]
    told = notes(result)
    assert set(told) == {name for name, _, _ in BAD}
    for name, _, words in BAD:
        code, says = told[name]
        assert (code, words in says) == ("R120", True), says
    assert result.text.startswith("PARTLY IMPORTED: 1 of 1 order arrived.")
    said = [fields["text"] for level, _, fields in warehouse.told.events if level == "warning"]
    assert "left alone: orders_dir.csv is a folder" in said


@pytest.mark.parametrize("name", ["lines_1.csv", "lines_1.csv.part"])
def test_an_order_is_not_made_without_lines_that_are_in_a_file_set_aside(
    warehouse: Warehouse, name: str
) -> None:
    """They would never be sent: lines go out when an order is made."""
    heads, _, _ = ORDERS_YAML.partition("lines:")
    lines, _, _ = ORDERS_YAML.replace("orders", "lines").partition("mutations:")
    (warehouse.folder / "orders.yaml").write_text(heads.replace("  columns: {qty: integer}\n", ""))
    (warehouse.folder / "lines.yaml").write_text(lines)
    warehouse.orders(order_row("A1"))
    _page(warehouse.folder / name)

    with pytest.raises(SourceUnusable, match=f"{name} .*would make, and lines are not sent after"):
        warehouse.run()

    assert warehouse.sandbox.requests() == []
    (warehouse.folder / name).unlink()
    (warehouse.folder / "lines_1.csv").write_text(HEADER + order_row("A1"))
    assert warehouse.run().exit_code == 0
    [made] = warehouse.sandbox.orders()
    assert len(made["articles_order"]) == 1


@pytest.mark.parametrize(("name", "make", "words"), BAD, ids=[name for name, _, _ in BAD])
def test_a_bad_file_alone_stops_the_run(
    warehouse: Warehouse, name: str, make: Callable[[Path], None], words: str
) -> None:
    make(warehouse.folder / name)
    with pytest.raises(StopRun) as told:
        warehouse.run()
    assert told.value.exit_code == 4
    assert words in f"line 1: {words_of(told.value, name, str(warehouse.folder / name))}"
    assert warehouse.sandbox.requests() == []


@pytest.mark.thorough
def test_the_corrected_file_is_imported_by_the_next_run(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("A1"))
    _cut(warehouse.folder / "orders_cut.csv.gz")
    assert warehouse.run().exit_code == 4
    whole = gzip.compress((HEADER + order_row("B1")).encode())
    (warehouse.folder / "orders_cut.csv.gz").write_bytes(whole)

    again = warehouse.run()

    assert (again.exit_code, arrived(warehouse)) == (0, ["A1", "B1"])
    assert len(warehouse.sandbox.puts()) == 2


@pytest.mark.parametrize("partitions", [1, 3])
def test_a_file_that_cannot_be_read_to_its_end_is_left_out_as_a_whole(
    warehouse: Warehouse, partitions: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse.orders(*(order_row(f"A{n}") for n in range(3)))
    bad = "".join(order_row(f"B{n}") for n in range(3)) + 'B4;"never closed;' + "x" * 2000
    warehouse.orders(bad, name="orders_bad.csv")
    size = sum(path.stat().st_size for path in warehouse.folder.glob("*.csv"))
    monkeypatch.setattr("pipeline.run.spool.PARTITION_BYTES", -(-size // partitions))
    # a reader that gives what it has before it finds the end missing
    monkeypatch.setattr("pipeline.run.spool.read_batches", _reads_then_fails)

    result = warehouse.run()

    assert (result.exit_code, arrived(warehouse)) == (4, ["A0", "A1", "A2"])
    assert notes(result) == {"orders_bad.csv": ("R120", "line 5: it ends here; ask again")}
    assert [each["rows"]["read"] for each in document(result)["files"]] == [3, 0]


def _reads_then_fails(path: Path, source: object, *, name: str, **given: object) -> object:
    from pipeline.read import read_batches

    whole = name != "orders_bad.csv"
    if not whole:
        text = path.read_text().splitlines(keepends=True)
        path.write_text("".join(text[:4]))
    yield from read_batches(path, source, name=name, **given)  # type: ignore[arg-type]
    if not whole:
        raise SourceUnusable("it ends here", help="ask again", place=f"{name}:5")


def test_a_file_that_is_no_edi_does_not_stop_the_others(warehouse: Warehouse) -> None:
    for mapping in warehouse.mappings:
        mapping.unlink()
    (warehouse.folder / "edi.yaml").write_text(ORDERS_850)
    (warehouse.folder / "a.edi").write_text(interchange(("850", order("A1"))))
    (warehouse.folder / "b.edi").write_text("call the warehouse")

    result = warehouse.run()

    assert (result.exit_code, arrived(warehouse)) == (4, ["A1"])
    [(code, says)] = notes(result).values()
    assert code == "R120"
    assert says.startswith(
        'line 1: no ISA, UNA or UNB is found; it begins with "call the warehouse" [E101]; look at'
    )
    assert says.endswith('; if b.edi is not meant, narrow `source.files` ("*.edi") in '
                         f"{warehouse.folder / 'edi.yaml'}")  # fmt: skip


def test_a_plan_with_a_bad_file_is_sent_as_it_was_shown(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("A1"))
    _page(warehouse.folder / "orders_page.csv")
    made = warehouse.plan()
    assert made.exit_code == 4
    assert made.plan is not None
    sent = warehouse.run_plan(made.plan)
    assert (sent.exit_code, arrived(warehouse)) == (4, ["A1"])


def test_partly_is_ok_does_not_mean_that_a_file_may_be_unusable(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("A1"))
    _page(warehouse.folder / "orders_page.csv")
    assert warehouse.run(partial_ok=True).exit_code == 4


def test_a_bad_file_and_a_missing_one_are_told_apart(warehouse: Warehouse) -> None:
    expects = 'expect: {name: "parcels_{date:%Y%m%d}.csv", on_missing: warn}'
    mapping = PARCELS_YAML.replace('files: "parcels*.csv"', expects)
    (warehouse.folder / "parcels.yaml").write_text(mapping)
    warehouse.orders(order_row("A1"))
    _page(warehouse.folder / "orders_page.csv")

    result = warehouse.run()

    codes = {name: code for name, (code, _) in notes(result).items()}
    assert codes.pop("orders_page.csv") == "R120"
    assert list(codes.values()) == ["F105"]
    assert (result.exit_code, arrived(warehouse)) == (4, ["A1"])


# -- half-written -------------------------------------------------------------------------------


@pytest.mark.thorough
def test_half_written_files_are_named_and_taken_by_the_next_run(warehouse: Warehouse) -> None:
    warehouse.settings = replace(warehouse.settings, marker=".done")
    warehouse.orders(order_row("A1"))
    warehouse.orders(order_row("A2"), name="orders_2.csv")
    warehouse.orders(order_row("A3"), name="orders_3.csv.part")
    (warehouse.folder / "orders_4.csv").touch()
    for name in ("orders.csv.done", "orders_4.done"):
        (warehouse.folder / name).touch()

    first = warehouse.run()

    assert (first.exit_code, arrived(warehouse)) == (0, ["A1"])
    assert notes(first) == {
        "orders_2.csv": ("R121", "it has no orders_2.csv.done beside it"),
        "orders_3.csv.part": ("R121", "it looks unfinished"),
        "orders_4.csv": ("R121", "it is empty (0 bytes)"),
    }
    assert first.text.startswith("IMPORTED WITH WARNINGS")

    (warehouse.folder / "orders_2.csv.done").touch()
    (warehouse.folder / "orders_3.csv.part").rename(warehouse.folder / "orders_3.csv")
    (warehouse.folder / "orders_3.done").touch()
    second = warehouse.run()

    assert (second.exit_code, arrived(warehouse)) == (0, ["A1", "A2", "A3"])


@pytest.mark.parametrize(
    ("name", "marker", "says"),
    [
        ("orders_1.csv.part", None, "orders_1.csv.part looks unfinished"),
        ("orders_1.csv", ".done", "orders_1.csv has no orders_1.csv.done beside it"),
    ],
)
@pytest.mark.parametrize("named", [False, True])
def test_a_night_with_nothing_finished_is_no_quiet_one(
    warehouse: Warehouse, name: str, marker: str | None, says: str, *, named: bool
) -> None:
    warehouse.settings = replace(warehouse.settings, marker=marker)
    warehouse.orders(order_row("A1"), name=name)

    with pytest.raises(SourceUnusable, match=rf"^no file is finished: {says}$") as told:
        warehouse.run_files(str(warehouse.folder / name)) if named else warehouse.run()

    assert told.value.exit_code == 4
    assert told.value.help is not None
    assert "ask its sender" in told.value.help
    words = [
        str(fields["text"]) for _, event, fields in warehouse.told.events if event == "warning"
    ]
    assert f"left alone: {says}" in words
    assert not [text for text in words if text.startswith("no file for") and "orders" in text]


def test_unfinished_files_that_no_mapping_means_are_nobodys_concern(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("A1"))
    for name in ("notes.txt~", "stock.csv.part"):
        (warehouse.folder / name).write_text("x")

    assert notes(warehouse.run()) == {}
    (warehouse.folder / "orders.csv").unlink()
    assert warehouse.run().exit_code == 0


def test_the_log_names_each_file_that_cannot_be_used(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("A1"))
    _page(warehouse.folder / "orders_page.csv")
    _other(warehouse.folder / "orders_other.csv")

    warehouse.run()

    said = [str(fields.get("text")) for _, _, fields in warehouse.told.events]
    assert "cannot be used: orders_page.csv is a web page, not an export" in "\n".join(said)
    [other] = [text for text in said if text.startswith("cannot be used: orders_other.csv")]
    assert "to, do" not in other


def test_a_mapping_that_names_its_files_by_expectation_is_told_so(warehouse: Warehouse) -> None:
    for path in warehouse.mappings:
        path.unlink()
    named = ORDERS_YAML.replace('files: "orders*.csv"', 'expect: {name: "orders_{date}.csv"}')
    (warehouse.folder / "orders.yaml").write_text(named, encoding="utf-8")
    warehouse.orders(order_row("A1"), name="other.csv")

    with pytest.raises(SourceUnusable) as told:
        warehouse.run_files(str(warehouse.folder / "other.csv"))

    assert told.value.help is not None
    assert "correct `source.expect.name` there" in told.value.help
    assert told.value.message == "other.csv is meant by no mapping's `source.expect.name`"


def test_a_name_in_other_letters_is_said_to_be_left_alone(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("A1"), name="ORDERS_UP.CSV")

    assert warehouse.run().exit_code == 0
    assert (
        'left alone: ORDERS_UP.CSV is "orders*.csv" but for upper and lower case, which are different'
        in [fields.get("text") for _, _, fields in warehouse.told.events]
    )


@pytest.mark.thorough
def test_a_file_that_is_being_written_is_left_alone_beside_others(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse.orders(order_row("A1"))
    warehouse.orders(order_row("A2"), name="orders_2.csv")
    fresh = warehouse.folder / "orders_2.csv"
    os.utime(warehouse.folder / "orders.csv", (1, 1))

    def grow(_: float) -> None:
        with fresh.open("a", encoding="utf-8") as file:
            file.write(order_row("A3"))

    with monkeypatch.context() as patched:
        patched.setattr("pipeline.run.preparation.time.sleep", grow)
        warehouse.settings = replace(warehouse.settings, stable_s=600.0)
        first = warehouse.run()
    assert (first.exit_code, arrived(warehouse)) == (0, ["A1"])
    assert notes(first) == {"orders_2.csv": ("R121", "it is still being written")}

    os.utime(fresh, (1, 1))
    assert warehouse.run().exit_code == 0
    assert arrived(warehouse) == ["A1", "A2", "A3"]


def test_files_are_read_mapping_by_mapping_in_the_order_of_their_paths_and_the_plan_says_so(
    warehouse: Warehouse,
) -> None:
    warehouse.orders(order_row("A1", name="Last"), name="orders_2.csv")
    warehouse.orders(order_row("A1", name="Middle"), name="orders_1.csv")
    warehouse.orders(order_row("A1", name="First"), name="orders_02.csv")
    (warehouse.folder / "parcels.yaml").write_text(PARCELS_YAML)
    warehouse.parcels(("A1", "P1", "dhl"))

    planned = warehouse.plan()

    names = ["orders_02.csv", "orders_1.csv", "orders_2.csv", "parcels.csv"]
    assert [each["name"] for each in document(planned)["files"]] == names
    assert f"  files, in this order: {', '.join(names)}\n" in planned.text


# -- imported before ----------------------------------------------------------------------------


def test_a_file_that_was_imported_before_is_said_to_be_so_whatever_it_is_called(
    warehouse: Warehouse,
) -> None:
    warehouse.orders(order_row("A1"))
    warehouse.orders(order_row("A2"), name="orders_2.csv")
    first = warehouse.run()
    assert notes(first) == {}
    (warehouse.folder / "orders_2.csv").rename(warehouse.folder / "orders_new.csv")
    warehouse.orders(order_row("A3"), name="orders_3.csv")
    (warehouse.folder / "orders.csv").unlink()

    second = warehouse.run()

    says = f"run {first.run_id} has imported the same content"
    assert notes(second) == {"orders_new.csv": ("R122", says)}
    assert second.text.startswith("ALL IMPORTED")
    assert (second.exit_code, len(warehouse.sandbox.puts())) == (0, 3)


@pytest.mark.thorough
def test_a_file_that_was_imported_before_is_skipped_where_that_is_wanted(
    warehouse: Warehouse,
) -> None:
    warehouse.settings = replace(warehouse.settings, imported="skip")
    warehouse.orders(order_row("A1"))
    first = warehouse.run()
    warehouse.orders(order_row("A2"), name="orders_2.csv")

    second = warehouse.run()

    skipped = f"skipped: run {first.run_id} has imported the same content"
    assert notes(second) == {"orders.csv": ("R122", skipped)}
    assert (second.exit_code, rows_read(second)) == (0, 1)
    assert "  1 file was imported before, and not read again [R122]\n" in second.text
    third = warehouse.run()
    assert (third.exit_code, rows_read(third)) == (0, 0)
    assert "  2 files were imported before, and not read again [R122]\n" in third.text


@pytest.mark.thorough
def test_what_was_not_imported_as_a_whole_or_by_another_mapping_is_read_again(
    warehouse: Warehouse,
) -> None:
    warehouse.settings = replace(warehouse.settings, imported="skip")
    warehouse.orders(order_row("A1"), order_row("A2"))
    warehouse.run(limit=1)
    rest = warehouse.run()
    assert (notes(rest), arrived(warehouse)) == ({}, ["A1", "A2"])

    mapping = warehouse.folder / "orders.yaml"
    mapping.write_text(mapping.read_text().replace("sku: sku", "sku: {from: sku, do: [lower]}"))
    again = warehouse.run()
    says = f"run {rest.run_id} has imported the same content"
    assert notes(again) == {"orders.csv": ("R122", says)}
    assert rows_read(again) == 2


# -- the archive --------------------------------------------------------------------------------


def archived(warehouse: Warehouse) -> list[str]:
    archive = warehouse.folder.parent / "archive"
    return sorted(path.name for path in archive.glob("????-??-??/*"))


@pytest.fixture
def archive(warehouse: Warehouse) -> Path:
    path = warehouse.folder.parent / "archive"
    warehouse.settings = replace(warehouse.settings, archive=path)
    return path


@pytest.mark.usefixtures("archive")
def test_a_name_in_bytes_of_another_system_is_one_like_others(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("A1"))
    theirs = warehouse.folder / os.fsdecode(b"orders_gr\xf6\xdfe.csv")
    theirs.write_text(HEADER + order_row("B1") + order_row("B2"), encoding="utf-8")
    (warehouse.folder / os.fsdecode(b"orders_\xff.csv")).write_text("<html>", encoding="utf-8")

    result = warehouse.run()

    assert arrived(warehouse) == ["A1", "B1", "B2"]
    assert set(notes(result)) == {r"orders_\xff.csv"}
    assert r"orders_gr\xf6\xdfe.csv" in {each["name"] for each in document(result)["files"]}
    assert archived(warehouse) == ["orders.csv", theirs.name]


@pytest.mark.usefixtures("archive")
def test_imported_files_go_to_the_archive_and_the_others_stay(warehouse: Warehouse) -> None:
    warehouse.settings = replace(warehouse.settings, marker=".done")
    warehouse.orders(order_row("A1"))
    zipped(warehouse, orders_2=HEADER + order_row("A2"))
    _page(warehouse.folder / "orders_page.csv")
    warehouse.orders(order_row("A3"), name="orders_3.csv")
    for name in ("orders.csv.done", "night.done", "orders_page.csv.done"):
        (warehouse.folder / name).touch()

    assert warehouse.run().exit_code == 4

    assert archived(warehouse) == ["night.done", "night.zip", "orders.csv", "orders.csv.done"]
    assert sorted(path.name for path in warehouse.folder.glob("*rders*.csv*")) == [
        "orders_3.csv", "orders_page.csv", "orders_page.csv.done",
    ]  # fmt: skip


def test_nothing_in_the_archive_is_overwritten(warehouse: Warehouse, archive: Path) -> None:
    for name in ("Old", "New"):
        warehouse.orders(order_row("A1", name=name))
        assert warehouse.run().exit_code == 0
    assert archived(warehouse) == ["orders.2.csv", "orders.csv"]
    texts = [path.read_text() for path in sorted(archive.glob("*/*"))]
    assert ["New" in text for text in texts] == [True, False]


@pytest.mark.usefixtures("archive")
def test_a_file_that_came_meanwhile_under_the_same_name_stays(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("A1"))

    def another(_: int) -> None:
        warehouse.orders(order_row("A2"))

    warehouse.told.on_send = another
    assert warehouse.run().exit_code == 0
    warehouse.told.on_send = None

    assert archived(warehouse) == []
    said = [str(fields["text"]) for level, _, fields in warehouse.told.events if level == "warning"]
    assert said[-1] == (
        "orders.csv stays where it is: it is not the file that was read: it has changed since"
    )
    assert warehouse.run().exit_code == 0
    assert (archived(warehouse), arrived(warehouse)) == (["orders.csv"], ["A1", "A2"])


@pytest.mark.usefixtures("archive")
@pytest.mark.thorough
def test_what_is_not_over_is_not_moved_and_resume_moves_it(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("A1"), order_row("A3"))
    warehouse.run(limit=1)
    assert warehouse.run(max_orders=1).exit_code == 0
    assert archived(warehouse) == ["orders.csv"]
    play(warehouse, {"fault": "http_401"})
    warehouse.orders(order_row("A2"), name="orders_2.csv")
    assert warehouse.run().exit_code == 6
    play(warehouse)
    assert archived(warehouse) == ["orders.csv"]

    assert warehouse.resume().exit_code == 0

    assert archived(warehouse) == ["orders.csv", "orders_2.csv"]


@pytest.mark.thorough
@pytest.mark.usefixtures("archive")
def test_a_run_that_is_killed_between_two_moves_moves_the_rest_when_it_goes_on(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse.orders(order_row("A1"))
    warehouse.orders(order_row("A2"), name="orders_2.csv")
    moved: list[Path] = []

    def killed(file: Path, into: Path, was: Sequence[int]) -> Path:
        if moved:
            raise KeyboardInterrupt
        moved.append(archive_file(file, into, was))
        return moved[0]

    with monkeypatch.context() as patched:
        patched.setattr("pipeline.run.archived.archive_file", killed)
        with pytest.raises(KeyboardInterrupt):
            warehouse.run()
    assert archived(warehouse) == ["orders.csv"]

    assert warehouse.resume().exit_code == 0

    assert archived(warehouse) == ["orders.csv", "orders_2.csv"]
    assert len(warehouse.sandbox.puts()) == 2


@pytest.mark.usefixtures("archive")
@pytest.mark.thorough
def test_a_plan_moves_nothing_and_its_run_does(warehouse: Warehouse) -> None:
    warehouse.orders(order_row("A1"))
    plan = warehouse.plan().plan
    assert plan is not None
    assert archived(warehouse) == []
    assert warehouse.run_plan(plan).exit_code == 0
    assert archived(warehouse) == ["orders.csv"]


# -- workbooks ----------------------------------------------------------------------------------


def test_a_workbook_is_read_as_its_rows_would_be_and_faulty_ones_are_corrected_as_csv(
    warehouse: Warehouse,
) -> None:
    mapping = ORDERS_YAML.replace('"orders*.csv"', '"orders*.xlsx"').replace(
        'delimiter: ";"', 'delimiter: ";"\n  sheet: Orders'
    )
    (warehouse.folder / "orders.yaml").write_text(mapping)
    rows = [
        HEADER,
        order_row("A1", name="Jo\nDoe"),
        order_row("A2"),
        order_row("A3", qty="x", name="Al\nBo"),
    ]
    cells = [row.removesuffix("\n").split(";") for row in rows]
    workbook(
        warehouse.folder / "orders.xlsx",
        {"Cover": {"A1": "x"},
         "Orders": {f"{chr(65 + n)}{r}": c for r, row in enumerate(cells, 1) for n, c in enumerate(row)}},
    )  # fmt: skip

    result = warehouse.run(max_reject_rate=None)

    assert (result.exit_code, arrived(warehouse)) == (3, ["A1", "A2"])
    [rejected] = warehouse.rejections(result)
    assert (rejected["file"], rejected["line"], rejected["column"]) == ("orders.xlsx", 4, "qty")
    stored = warehouse.sandbox.order("A1")
    assert stored is not None
    assert stored["recipient_name"] == "Jo\nDoe"
    [path] = warehouse.corrected(result).values()
    assert path.suffix == ".csv"
    assert '"Al\nBo"' in path.read_text(encoding="utf-8")
    path.write_text(path.read_text(encoding="utf-8").replace(";x;", ";2;"), encoding="utf-8")
    again = warehouse.retry(path)
    assert (again.exit_code, arrived(warehouse)) == (0, ["A1", "A2", "A3"])


@pytest.mark.thorough
def test_refused_orders_of_a_workbook_are_sent_again_from_its_copy(warehouse: Warehouse) -> None:
    from pipeline.run import again

    mapping = ORDERS_YAML.replace('"orders*.csv"', '"orders*.xlsx"')
    (warehouse.folder / "orders.yaml").write_text(mapping)
    cells = [row.removesuffix("\n").split(";") for row in (HEADER, order_row("A1"))]
    workbook(
        warehouse.folder / "orders.xlsx",
        {
            "S": {
                f"{chr(65 + n)}{r}": c for r, row in enumerate(cells, 1) for n, c in enumerate(row)
            }
        },
    )
    play(warehouse, {"fault": "http_400_a"})
    refused = warehouse.run()
    play(warehouse)
    assert arrived(warehouse) == []

    resent = again(warehouse.settings, refused.run_id, [], [], Options(), warehouse.told)

    assert (resent.exit_code, arrived(warehouse)) == (0, ["A1"])


def test_marks_of_text_mean_nothing_in_a_workbook(warehouse: Warehouse) -> None:
    mapping = ORDERS_YAML.replace('"orders*.csv"', '"orders*.xlsx"').replace(
        'delimiter: ";"', "delimiter: \";\"\n  escape: '\\'"
    )
    (warehouse.folder / "orders.yaml").write_text(mapping)
    workbook(warehouse.folder / "orders.xlsx", {"S": {"A1": "no"}})
    with pytest.raises(SourceUnusable, match="is a workbook, and its mapping says `escape`"):
        warehouse.run()
