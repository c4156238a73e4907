"""Servers whose certificate must not be trusted get nothing, not even a request (FAULTS N14)."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from pipeline.model.endpoint import Endpoint, Pace, Secret
from pipeline.send import Gate, Kind, NotTheApi, OrderClient, deliver
from tests.faults.test_stops_and_streams import Memory

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.conftest import Wire


def _certificate(folder: Path, *, host: str = "IP:127.0.0.1", days: int = 2) -> tuple[Path, Path]:
    """Make a certificate that signs itself, and its key."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed, so no certificate can be made")
    key, asked, made = (folder / name for name in ("key.pem", "asked.pem", "made.pem"))
    extension = folder / "extension"
    extension.write_text(f"subjectAltName={host}\n")

    def call(*arguments: str) -> None:
        subprocess.run([str(openssl), *arguments], check=True, capture_output=True)

    call("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-keyout", str(key), "-out", str(asked), "-subj", "/CN=127.0.0.1")  # fmt: skip
    call("x509", "-req", "-in", str(asked), "-signkey", str(key), "-days", str(days),
         "-extfile", str(extension), "-out", str(made))  # fmt: skip
    return made, key


CASES = {
    "trusted": ({}, True, None),
    "unknown authority": ({}, False, "self-signed certificate"),
    "other host": ({"host": "DNS:elsewhere.example"}, True, "mismatch"),
    "expired": ({"days": -1}, True, "certificate has expired"),
}


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("case", CASES)
def test_n14_a_certificate_that_cannot_be_trusted_stops_the_run(
    tmp_path: Path, wire: Wire, case: str, kind: Kind
) -> None:
    details, known, words = CASES[case]
    made, key = _certificate(tmp_path, **details)  # type: ignore[arg-type]
    server_side = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server_side.load_cert_chain(made, key)
    trusting = ssl.create_default_context(cafile=str(made) if known else None)
    pace, journal = Pace(concurrency=1), Memory()
    received: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received.append(await reader.readuntil(b"}"))
        body = b'{"order_number": "A1", "external_id": "x", "mutations": []}'
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
        await writer.drain()
        writer.close()

    async def send() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=server_side)
        async with server:
            port = server.sockets[0].getsockname()[1]
            where = Endpoint(
                base_url=f"https://127.0.0.1:{port}", account=1, token=Secret(wire.token)
            )
            gate = Gate(pace, clock=time.monotonic, sleep=asyncio.sleep, random=lambda: 0.1)
            async with OrderClient(where, pace, kind=kind, tls=trusting) as client:
                ended = await deliver(
                    [[wire.order("A1")]], client=client, journal=journal, gate=gate,
                    stop=asyncio.Event(),
                )  # fmt: skip
        if words is None:
            assert ended.stopped is None
            return
        assert isinstance(ended.stopped, NotTheApi)
        assert ended.stopped.exit_code == 6
        assert words in str(ended.stopped)
        assert "verify" not in ended.stopped.help

    asyncio.run(send())
    assert len(received) == (1 if words is None else 0)
    settled = [each.outcome.value for each in journal.settled]
    assert settled == (["updated"] if words is None else ["not_attempted"])
