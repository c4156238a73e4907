"""An S3-compatible store that lives as long as the tests of a module: OpenStack Swift (`swift_server`).

Without it on the machine these tests are skipped and say so; in CI a skipped test is a failure.
"""

import itertools
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.swift_server import OWNER, READER, REGION

__all__ = ["OWNER", "READER", "REGION", "Bucket", "Store", "missing", "running_store"]

PYTHON = Path("/usr/bin/python3")  # Debian's, for which python3-swift is
_NUMBERS = itertools.count(1)


def missing(folder: Path) -> str | None:
    """Say why there can be no store here; None where there can be one."""
    asked = [str(PYTHON), "-I", "-c", "import swift, eventlet, paste.deploy"]
    if not PYTHON.exists() or subprocess.run(asked, capture_output=True, check=False).returncode:
        return "no OpenStack Swift on this machine: apt-get install python3-swift"
    try:
        os.setxattr(folder, "user.swift", b"x")
    except OSError as error:
        return f"{folder} has no extended attributes, which Swift needs: {error.strerror}"
    return None


@dataclass
class Bucket:
    """A bucket and a client of its owner."""

    name: str
    client: Any

    def url(self, key: str = "") -> str:
        return f"s3://{self.name}/{key}"

    def put(self, key: str, content: str | bytes, **more: str) -> None:
        body = content.encode() if isinstance(content, str) else content
        self.client.put_object(Bucket=self.name, Key=key, Body=body, **more)

    def put_in_parts(self, key: str, *parts: bytes) -> None:
        """Put an object as large files are sent; all parts but the last have at least 5 MiB."""
        named = {"Bucket": self.name, "Key": key}
        named["UploadId"] = self.client.create_multipart_upload(**named)["UploadId"]
        tags = [
            self.client.upload_part(**named, PartNumber=number, Body=part)["ETag"]
            for number, part in enumerate(parts, 1)
        ]
        there = [{"PartNumber": number, "ETag": tag} for number, tag in enumerate(tags, 1)]
        self.client.complete_multipart_upload(**named, MultipartUpload={"Parts": there})

    def get(self, key: str) -> bytes:
        return bytes(self.client.get_object(Bucket=self.name, Key=key)["Body"].read())

    def delete(self, key: str) -> None:
        self.client.delete_object(Bucket=self.name, Key=key)

    def names(self) -> list[str]:
        return [
            each["Key"]
            for page in self.client.get_paginator("list_objects_v2").paginate(Bucket=self.name)
            for each in page.get("Contents", ())
        ]


@dataclass
class Store:
    """A running store."""

    port: int
    client: Any = field(init=False)

    def __post_init__(self) -> None:
        from botocore.session import Session

        self.client = Session().create_client(
            "s3", endpoint_url=self.endpoint, region_name=REGION,
            aws_access_key_id=OWNER[0], aws_secret_access_key=OWNER[1],
        )  # fmt: skip

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def bucket(self) -> Bucket:
        """Make an empty bucket."""
        name = f"shop-{next(_NUMBERS)}"
        self.client.create_bucket(Bucket=name)
        return Bucket(name, self.client)


@contextmanager
def running_store(folder: Path) -> Iterator[Store]:
    """Run a store that keeps its objects in a folder."""
    script = Path(__file__).with_name("swift_server.py")
    with (folder / "swift.log").open("wb") as log:
        process = subprocess.Popen(
            [PYTHON, "-I", script, folder],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
        )  # fmt: skip
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            port = process.stdout.readline().strip()
            assert port, (folder / "swift.log").read_text()
            yield Store(int(port))
        finally:
            process.stdin.close()
