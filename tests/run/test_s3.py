"""Objects of a real S3-compatible store, OpenStack Swift, which the tests start on loopback."""

import gzip
import socket
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from botocore.exceptions import ReadTimeoutError
from fsspec.asyn import sync_wrapper
from s3fs import S3FileSystem
from s3fs.core import S3File

from pipeline.model.stops import SourceUnusable, StopRun
from pipeline.run import Options, PlanStale, Result, plan, run
from tests.object_store import OWNER, READER, REGION, Bucket, Store, missing, running_store
from tests.run.conftest import HEADER, Warehouse, order_row
from tests.run.test_intake import arrived, notes, rows_read

on_server = pytest.mark.thorough  # the first of them starts the server
_ELSEWHERE = ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL", "HTTP_PROXY", "http_proxy")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    folder = tmp_path_factory.mktemp("swift")
    why_not = missing(folder)
    if why_not is not None:
        pytest.skip(why_not)
    with running_store(folder) as running:
        yield running


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An environment in which nothing says who asks, or where."""
    for name in _ELSEWHERE:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "aws-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "aws-credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)


@pytest.fixture
def is_owner(monkeypatch: pytest.MonkeyPatch, nobody: None) -> None:  # noqa: ARG001 - what it removes
    _be(monkeypatch, OWNER)


@pytest.fixture
def bucket(store: Store, monkeypatch: pytest.MonkeyPatch, is_owner: None) -> Bucket:  # noqa: ARG001
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", store.endpoint)
    return store.bucket()


def _be(monkeypatch: pytest.MonkeyPatch, user: tuple[str, str]) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", user[0])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", user[1])


def orders(*numbers: str, **cells: object) -> str:
    return HEADER + "".join(order_row(number, **cells) for number in numbers)  # type: ignore[arg-type]


def imported(warehouse: Warehouse, *inputs: str) -> Result:
    return run(warehouse.settings, warehouse.mappings, inputs, Options(), warehouse.told)


def refused(warehouse: Warehouse, url: str) -> tuple[str, str]:
    """What is said of a place that cannot be used at all: nothing of it is sent."""
    with pytest.raises(SourceUnusable) as told:
        imported(warehouse, url)
    assert told.value.exit_code == 4
    assert warehouse.sandbox.requests() == []
    return told.value.message, told.value.help


def while_waiting(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, does: Callable[[], None]
) -> None:
    """Do something between the listing of a folder and the fetching of its files."""
    warehouse.settings = replace(warehouse.settings, stable_s=600.0)
    monkeypatch.setattr("pipeline.run.preparation.time.sleep", lambda _: does())


# -- what is read ----------------------------------------------------------------------------------


@on_server
def test_objects_are_imported_and_archived_in_their_bucket(
    warehouse: Warehouse, bucket: Bucket
) -> None:
    warehouse.settings = replace(warehouse.settings, remote_archive="done", marker=".done")
    bucket.put("out/", b"")  # what consoles make when they "make a folder"
    bucket.put("out/orders 1 für März+100%.csv", orders("A1"))
    bucket.put("out/orders_2.csv.gz", gzip.compress(orders("A2").encode()))
    bucket.put("out/orders_3.csv.part", orders("A3"))
    bucket.put("out/orders_4.csv", orders("A4"))
    bucket.put("out/stock.csv", "nothing;of;ours\n")
    bucket.put("out/deeper/orders_5.csv", orders("A5"))
    for name in ("orders 1 für März+100%.csv", "orders_2.csv.gz"):
        bucket.put(f"out/{name}.done", b"")

    result = imported(warehouse, bucket.url("out/"))

    assert (result.exit_code, arrived(warehouse)) == (0, ["A1", "A2"])
    assert notes(result) == {
        "orders_3.csv.part": ("R121", "it looks unfinished"),
        "orders_4.csv": ("R121", "it has no orders_4.csv.done beside it"),
    }
    day = bucket.names()[2].split("/")[2]
    done = f"out/done/{day}"
    assert bucket.names() == [
        "out/", "out/deeper/orders_5.csv",
        f"{done}/orders 1 für März+100%.csv", f"{done}/orders 1 für März+100%.csv.done",
        f"{done}/orders_2.csv.gz", f"{done}/orders_2.csv.gz.done",
        "out/orders_3.csv.part", "out/orders_4.csv", "out/stock.csv",
    ]  # fmt: skip
    assert bucket.get(f"{done}/orders 1 für März+100%.csv") == orders("A1").encode()

    bucket.put("out/orders_2.csv.gz", gzip.compress(orders("A2", name="New").encode()))
    bucket.put("out/orders_2.csv.done", b"")
    again = imported(warehouse, bucket.url("out/orders_2*"))
    assert (again.exit_code, len(warehouse.sandbox.puts())) == (0, 3)
    assert f"{done}/orders_2.2.csv.gz" in bucket.names()
    assert f"{done}/orders_2.csv.gz.done" in bucket.names()


@on_server
@pytest.mark.parametrize("where", ["", "orders_1.csv", "orders_?.csv", "orders*"])
def test_a_bucket_an_object_and_a_pattern_are_places(
    warehouse: Warehouse, bucket: Bucket, where: str
) -> None:
    bucket.put("orders_1.csv", orders("A1"))
    bucket.put("unlike.csv", "nothing;of;ours\n")
    place = bucket.url(where) if where else bucket.url().rstrip("/")
    result = imported(warehouse, place, bucket.url("orders_1.csv"))
    assert (result.exit_code, arrived(warehouse)) == (0, ["A1"])
    assert rows_read(result) == 1  # once
    assert "orders_1.csv" in bucket.names()


@on_server
def test_the_store_may_be_named_in_the_configuration_and_another_region_is_found(
    warehouse: Warehouse, bucket: Bucket, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-west-2")
    warehouse.settings = replace(warehouse.settings, s3_endpoint=store.endpoint)
    bucket.put("out/orders.csv", orders("A1"))
    assert imported(warehouse, bucket.url("out")).exit_code == 0
    again = imported(warehouse, bucket.url("out"))
    assert again.exit_code == 0
    assert notes(again)["orders.csv"][0] == "R122"  # known by its content
    assert arrived(warehouse) == ["A1"]


@on_server
def test_all_pages_of_a_listing_are_read(warehouse: Warehouse, bucket: Bucket) -> None:
    def put(number: int) -> None:
        bucket.put(f"out/noise_{number:04}.txt", b"x")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(put, range(1001)))  # a page has 1,000
    bucket.put("out/orders.csv", orders("A1"))
    result = imported(warehouse, bucket.url("out/"))
    assert (result.exit_code, arrived(warehouse)) == (0, ["A1"])


# -- what changes meanwhile ------------------------------------------------------------------------


@on_server
def test_an_object_that_is_replaced_or_deleted_after_the_listing(
    warehouse: Warehouse, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in (1, 2, 3):
        bucket.put(f"out/orders_{number}.csv", orders(f"A{number}"))

    def meanwhile() -> None:
        bucket.delete("out/orders_2.csv")
        bucket.put("out/orders_3.csv", orders("A3", "B3"))

    while_waiting(warehouse, monkeypatch, meanwhile)
    result = imported(warehouse, bucket.url("out/"))

    assert (result.exit_code, arrived(warehouse)) == (4, ["A1"])
    assert notes(result) == {
        "orders_2.csv": (
            "R120",
            "is gone: it was deleted after the bucket was listed; run again, or ask its sender",
        ),
        "orders_3.csv": ("R121", "it is still being written"),
    }


@on_server
def test_an_object_that_is_replaced_while_it_is_fetched_is_left_alone(
    warehouse: Warehouse, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 20 MiB in requests of 8 the second finds another version, as large as the first."""
    row = order_row("A1")
    big = HEADER + row * ((20 << 20) // len(row))
    bucket.put("out/orders_1.csv", big)
    bucket.put("out/orders_2.csv", orders("A2"))
    fetch, ranges = S3File._fetch_range, []

    def replaced(self: S3File, start: int, end: int) -> bytes:
        ranges.append((self.key, start))
        if len([key for key, _ in ranges if key.endswith("_1.csv")]) == 2:
            bucket.put("out/orders_1.csv", big.replace("A1", "B1"))
        return bytes(fetch(self, start, end))

    monkeypatch.setattr(S3File, "_fetch_range", replaced)
    result = imported(warehouse, bucket.url("out/"))

    assert (result.exit_code, arrived(warehouse)) == (0, ["A2"])
    assert notes(result) == {"orders_1.csv": ("R121", "it is still being written")}
    assert len(ranges) == 3


@on_server
def test_a_plan_of_an_object_is_stale_when_it_changes(warehouse: Warehouse, bucket: Bucket) -> None:
    def planned() -> Path:
        files = [bucket.url("out/100%.orders.csv")]
        made = plan(warehouse.settings, warehouse.mappings, files, Options(), warehouse.told).plan
        assert made is not None
        return made

    mapping = warehouse.mappings[0]
    mapping.write_text(mapping.read_text().replace('"orders*.csv"', '"*.csv"'))
    bucket.put("out/100%.orders.csv", orders("A1"))
    made = planned()
    bucket.put("out/100%.orders.csv", orders("A2"))
    with pytest.raises(PlanStale, match=r"orders\.csv has changed or is gone"):
        warehouse.run_plan(made)
    fresh = planned()
    bucket.put("out/100%.orders.csv", orders("A2"))  # the same again
    assert (warehouse.run_plan(fresh).exit_code, arrived(warehouse)) == (0, ["A2"])


@on_server
def test_an_object_that_changed_since_is_not_archived(
    warehouse: Warehouse, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One has changed before it is archived, one is gone, one changes between its copy and its deletion."""
    warehouse.settings = replace(warehouse.settings, remote_archive="done")
    for number in (1, 2, 3):
        bucket.put(f"out/orders_{number}.csv", orders(f"A{number}"))
    copy = S3FileSystem._cp_file

    def another(_: int) -> None:
        bucket.put("out/orders_1.csv", orders("B1"))
        bucket.delete("out/orders_2.csv")

    async def copied(files: S3FileSystem, source: str, place: str, **more: str) -> None:
        await copy(files, source, place, **more)
        bucket.put("out/orders_3.csv", orders("B3"))

    warehouse.told.on_send = another
    monkeypatch.setattr(S3FileSystem, "_cp_file", copied)
    assert imported(warehouse, bucket.url("out/")).exit_code == 0

    assert len(bucket.names()) == 3
    copy, *others = bucket.names()
    assert others == ["out/orders_1.csv", "out/orders_3.csv"]
    assert bucket.get("out/orders_3.csv") == orders("B3").encode()
    assert bucket.get(copy) == orders("A3").encode()  # all that is left of what was read
    said = [str(fields["text"]) for level, _, fields in warehouse.told.events if level == "warning"]
    changed = "it is not the file that was read: it has changed since"
    assert said[-3:] == [
        f"orders_1.csv stays where it is: {changed}",
        "orders_2.csv stays where it is: it is gone",
        f"orders_3.csv stays where it is: {changed}; a copy is left in /{copy}",
    ]


@on_server
def test_two_runs_that_archive_an_object_at_once_leave_it_in_the_archive(
    warehouse: Warehouse, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both have found the same free name; the other one deletes the object first."""
    warehouse.settings = replace(warehouse.settings, remote_archive="done")
    bucket.put("out/orders_1.csv", orders("A1"))
    copy = S3FileSystem._cp_file

    async def copied(files: S3FileSystem, source: str, place: str, **more: str) -> None:
        await copy(files, source, place, **more)
        bucket.delete("out/orders_1.csv")

    monkeypatch.setattr(S3FileSystem, "_cp_file", copied)
    assert imported(warehouse, bucket.url("out/")).exit_code == 0
    [name] = bucket.names()
    assert name.startswith("out/done/")
    assert bucket.get(name) == orders("A1").encode()


@on_server
def test_an_object_whose_deletion_is_never_answered_is_left_in_the_archive(
    warehouse: Warehouse, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse.settings = replace(warehouse.settings, remote_archive="done")
    bucket.put("out/orders_1.csv", orders("A1"))
    call = S3FileSystem._call_s3

    async def called(files: S3FileSystem, method: str, *more: object, **asked: object) -> object:
        answer = await call(files, method, *more, **asked)
        if method == "delete_object" and asked["Key"] == "out/orders_1.csv":
            raise ReadTimeoutError(endpoint_url="http://127.0.0.1:9")
        return answer

    monkeypatch.setattr(S3FileSystem, "call_s3", sync_wrapper(called))
    assert imported(warehouse, bucket.url("out/")).exit_code == 0
    [name] = bucket.names()
    assert bucket.get(name) == orders("A1").encode()


@on_server
def test_an_object_that_was_put_in_parts_is_archived(warehouse: Warehouse, bucket: Bucket) -> None:
    """Swift takes no condition for it: it compares the ETag with another one than it tells."""
    warehouse.settings = replace(warehouse.settings, remote_archive="done")
    row = order_row("A1")
    content = (HEADER + row * ((6 << 20) // len(row))).encode()
    bucket.put_in_parts("out/orders_1.csv", content[: 5 << 20], content[5 << 20 :])
    assert imported(warehouse, bucket.url("out/")).exit_code == 0
    [name] = [each for each in bucket.names() if each.endswith(".csv")]
    assert name.startswith("out/done/")
    assert bucket.get(name) == content


# -- names -----------------------------------------------------------------------------------------


@on_server
def test_a_name_that_looks_like_a_pattern_means_the_object_that_has_it(
    warehouse: Warehouse, bucket: Bucket
) -> None:
    bucket.put("out/orders_[1].csv", orders("A1"))
    bucket.put("out/orders_1.csv", orders("B1"))
    assert imported(warehouse, bucket.url("out/orders_[1].csv")).exit_code == 0
    assert arrived(warehouse) == ["A1"]
    bucket.delete("out/orders_[1].csv")
    assert imported(warehouse, bucket.url("out/orders_[1].csv")).exit_code == 0
    assert arrived(warehouse) == ["A1", "B1"]


@on_server
def test_a_name_with_a_line_break_stays_that_name(warehouse: Warehouse, bucket: Bucket) -> None:
    """A URL has no such characters: Python leaves them out of one without a word."""
    warehouse.settings = replace(warehouse.settings, remote_archive="done")
    bucket.put("out/orders\t1\n.csv", orders("A1"))
    bucket.put("out/orders1.csv", orders("A2"))
    assert imported(warehouse, bucket.url("out/orders\t*")).exit_code == 0
    assert arrived(warehouse) == ["A1"]
    done, other = sorted(bucket.names())
    assert done.startswith("out/done/")
    assert (done.endswith("/orders\t1\n.csv"), other) == (True, "out/orders1.csv")


@on_server
def test_a_key_with_an_empty_part_is_not_taken_for_another(
    warehouse: Warehouse, bucket: Bucket
) -> None:
    bucket.put("out/orders_1.csv", orders("A1"))
    bucket.put("out//orders_1.csv", orders("B1"))
    for key in ("out//orders_1.csv", "out//", "/out/orders_1.csv", "out%2F/"):
        message, helps = refused(warehouse, bucket.url(key))
        assert message == "an object whose key has // in it cannot be read"
        assert "write one /" in helps


@on_server
def test_a_listing_that_has_no_end_stops_the_run(
    warehouse: Warehouse, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store that knows only the first version of ListObjects gives no token, or the same again."""
    bucket.put("out/orders_1.csv", orders("A1"))
    call = S3FileSystem._call_s3

    for token in ({}, {"NextContinuationToken": "again"}):

        async def called(
            files: S3FileSystem, method: str, *more: object, token: dict[str, str] = token,
            **asked: object,
        ) -> object:  # fmt: skip
            asked.pop("ContinuationToken", None)
            answer = await call(files, method, *more, **asked)
            if method == "list_objects_v2":
                return answer | {"IsTruncated": True} | token
            return answer

        monkeypatch.setattr(S3FileSystem, "call_s3", sync_wrapper(called))
        message, helps = refused(warehouse, bucket.url("out/"))
        assert message.endswith("its listing has more pages than it gives")
        assert "ListObjectsV2" in helps


# -- who may not, and what is not there ------------------------------------------------------------


@on_server
def test_who_may_only_read_some_reads_these_and_archives_nothing(
    warehouse: Warehouse, bucket: Bucket, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    grant = f'id="{READER[0]}"'
    owner = f'id="{OWNER[0]}"'
    bucket.put("out/orders_1.csv", orders("A1"), GrantRead=grant, GrantFullControl=owner)
    bucket.put("out/orders_2.csv", orders("A2"))
    _be(monkeypatch, READER)
    told = refused(warehouse, bucket.url("out/"))
    assert told[0].endswith(f":{store.port}: access is denied (AccessDenied)")
    assert "s3:ListBucket" in told[1]

    bucket.client.put_bucket_acl(Bucket=bucket.name, GrantRead=grant, GrantFullControl=owner)
    warehouse.settings = replace(warehouse.settings, remote_archive="done")
    result = imported(warehouse, bucket.url("out/"))

    assert (result.exit_code, arrived(warehouse)) == (4, ["A1"])
    [(code, says)] = [notes(result)["orders_2.csv"]]
    assert code == "R120"
    assert says.startswith("cannot be fetched: access is denied (403); the key needs s3:ListBucket")
    said = [str(fields["text"]) for level, _, fields in warehouse.told.events if level == "warning"]
    assert "orders_1.csv stays where it is" in said[-1]
    assert "access is denied" in said[-1]
    assert bucket.names() == ["out/orders_1.csv", "out/orders_2.csv"]


@on_server
def test_what_is_not_there_is_said(
    warehouse: Warehouse, bucket: Bucket, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = f"at 127.0.0.1:{store.port}"
    assert refused(warehouse, "s3://gone-for-good/out/")[0] == (
        f"s3://gone-for-good {at}: there is no such bucket (NoSuchBucket)"
    )
    message, helps = refused(warehouse, bucket.url("out/"))
    assert message == f"{bucket.url('out/')} does not exist"
    assert "a prefix" not in helps
    assert "check the bucket and the prefix" in helps
    bucket.put("out/stock.csv", "x\n")
    assert refused(warehouse, bucket.url("out/orders*.csv"))[0].startswith("no file matches s3://")
    assert refused(warehouse, bucket.url("out/orders.csv"))[0].endswith("orders.csv does not exist")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    message, helps = refused(warehouse, bucket.url("out/"))
    assert message.endswith("the access key and its secret do not fit (SignatureDoesNotMatch)")
    assert "AWS_SECRET_ACCESS_KEY" in helps


@on_server
def test_keys_stand_in_no_report_ledger_or_log(
    warehouse: Warehouse, bucket: Bucket, caplog: pytest.LogCaptureFixture
) -> None:
    warehouse.settings = replace(warehouse.settings, remote_archive="done")
    bucket.put("out/orders.csv", orders("A1"))
    result = imported(warehouse, bucket.url("out/"))
    assert result.report is not None
    written = [
        each for root in (warehouse.settings.home, warehouse.settings.reports)
        for each in root.rglob("*") if each.is_file()
    ]  # fmt: skip
    assert len(written) > 5
    said = [str(warehouse.told.events).encode(), caplog.text.encode(), str(result.summary).encode()]
    for text in [*said, *(each.read_bytes() for each in written)]:
        for secret in OWNER:
            assert secret.encode() not in text


@on_server
def test_an_object_whose_name_no_file_can_have_does_not_stop_the_others(
    warehouse: Warehouse, bucket: Bucket
) -> None:
    bucket.put(f"out/orders{'ü' * 130}.csv", orders("A1"))
    bucket.put("out/orders.csv", orders("A2"))
    result = imported(warehouse, bucket.url("out/"))
    assert (result.exit_code, arrived(warehouse)) == (4, ["A2"])
    [(code, says)] = notes(result).values()
    assert code == "R120"
    assert says.startswith("cannot be fetched: no file here can have its name")


# -- without a store -------------------------------------------------------------------------------


@pytest.mark.usefixtures("is_owner")
@pytest.mark.parametrize(
    "url", ["s3://AKIAGEHEIM:Gehe/im@bucket/out/", "s3://AKIAGEHEIM@bucket/out/*.csv", "s3:///out/"]
)
def test_a_url_with_keys_is_refused_and_not_repeated(warehouse: Warehouse, url: str) -> None:
    message, helps = refused(warehouse, url)
    assert message == "an s3:// URL begins with the name of a bucket, and nothing else"
    assert "eheim" not in (message + helps).lower()
    logs = [each for each in warehouse.settings.home.rglob("*") if each.is_file()]
    assert not any(b"eheim" in each.read_bytes().lower() for each in logs)


@pytest.mark.parametrize(
    "url",
    ["sftp://h:99999/o/", "sftp://[::1/o/", "s3://[shop/o/", "sftp://wms:ge/heim@h/o/",
     "sftp://wms:ge]heim@h/o/", "s3://AKIA:ge]heim@shop/o/"],
)  # fmt: skip
def test_a_url_that_is_none_is_refused_and_not_repeated(warehouse: Warehouse, url: str) -> None:
    message, helps = refused(warehouse, url)
    assert message == (
        f"an {url.partition(':')[0]}:// URL is not one: it has no such host, or no such port"
    )
    assert "ge" not in message
    assert "heim" not in helps


@pytest.mark.parametrize(
    ("url", "says", "helps"),
    [
        ("ftp://wms:geheim@host/out/", "files of ftp:// cannot be fetched: the schemes are sftp and s3", "sftp://host/folder/*.csv"),
        ("https://host/out/*.csv", "files of https:// cannot be fetched", "fetch them by other means"),
        ("S3://shop/out/", "begins with S3:// is none of ours", "did you mean s3://bucket"),
        ("s3:/shop/out/", "begins with s3:/ is none of ours", "did you mean s3://bucket"),
    ],
)  # fmt: skip
def test_a_url_of_another_scheme_says_which_there_are(
    warehouse: Warehouse, url: str, says: str, helps: str
) -> None:
    message, help_ = refused(warehouse, url)
    assert says in message
    assert helps in help_
    assert "geheim" not in message + help_


_PAGE = b"<!DOCTYPE html>\n<html><head><title>Hello</title></head><body>Hello</body></html>\n"


@pytest.mark.thorough
@pytest.mark.usefixtures("nobody")
@pytest.mark.parametrize(
    ("status", "body"), [(200, _PAGE), (404, _PAGE), (404, b"Hello & goodbye <br>")]
)
def test_a_server_that_speaks_no_s3_is_said_to_be_none(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, status: int, body: bytes
) -> None:
    class Web(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        do_HEAD = do_GET  # noqa: N815 - the name that the server calls

        def log_message(self, *_: object) -> None:
            pass

    _be(monkeypatch, OWNER)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with ThreadingHTTPServer(("127.0.0.1", 0), Web) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        at = f"127.0.0.1:{server.server_port}"
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://{at}")
        for path in ("out/", "out/*.csv", "out/orders.csv"):
            message, helps = refused(warehouse, f"s3://shop/{path}")
            assert message == (
                f"s3://shop at {at}: what answers there does not speak S3, as a web server does not"
            )
            assert "AWS_ENDPOINT_URL_S3" in helps
        server.shutdown()


@pytest.mark.parametrize(("url", "module"), [("s3://shop/out/", "s3fs"), ("sftp://h/o/", "sshfs")])
def test_an_extra_that_is_not_installed_is_named(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, url: str, module: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(StopRun) as told:
        imported(warehouse, url)
    assert (told.value.exit_code, f"need {module}" in told.value.message) == (2, True)
    assert told.value.help == f"pip install 'pipeline[{url.partition(':')[0]}]'"


@pytest.mark.thorough
@pytest.mark.usefixtures("nobody")
def test_a_store_that_nobody_may_ask_or_that_does_not_answer(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setattr(S3FileSystem, "read_timeout", 0.1)
    where = "s3://shop at 127.0.0.1:9"
    message, helps = refused(warehouse, "s3://shop/out/")
    assert message == f"{where}: there are no credentials"
    assert "AWS_ACCESS_KEY_ID" in helps
    _be(monkeypatch, OWNER)
    message, helps = refused(warehouse, "s3://shop/out/")
    assert message == f"{where}: no connection (127.0.0.1:9, EndpointConnectionError)"
    assert "AWS_ENDPOINT_URL_S3" in helps
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{port}")
        message, _ = refused(warehouse, "s3://shop/out/")
    assert message.startswith(f"s3://shop at 127.0.0.1:{port}: it takes too long (")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "geheim")
    message, helps = refused(warehouse, "s3://shop/out/")
    assert message == "s3://shop: the endpoint is not a URL"
    assert "geheim" not in helps
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:99999")
    assert refused(warehouse, "s3://shop/out/")[0] == "s3://shop: the endpoint is not a URL"
    monkeypatch.setenv("AWS_PROFILE", "night")
    assert "AWS_PROFILE names a profile" in refused(warehouse, "s3://shop/out/")[0]
