"""A server on loopback that answers each order as a test has written it down."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Answers:
    """What is answered, by order number: a status and JSON, or results of the order's changes.

    Orders without a word are created, and all of their changes succeed.
    """

    def __init__(self) -> None:
        self.refusals: dict[str, tuple[int, object]] = {}
        self.results: dict[str, Mapping[int, Mapping[str, Any]]] = {}
        self.bodies: dict[str, dict[str, Any]] = {}
        self.base_url = ""

    def to(self, body: dict[str, Any]) -> tuple[int, object]:
        """Answer one request."""
        number = body["order_number"]
        self.bodies[number] = body
        if number in self.refusals:
            return self.refusals[number]
        results = self.results.get(number, {})
        done = {"success": True, "message": "Done.", "errors": {}, "warnings": []}
        changes = [
            change | {"result": {**done, **results.get(nth, {})}}
            for nth, change in enumerate(body.get("mutations", ()))
        ]
        return 201, {"order_number": number, "external_id": "x", "mutations": changes}


@contextmanager
def answering() -> Iterator[Answers]:
    """Answer for the length of a `with` block."""
    answers = Answers()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_PUT(self) -> None:
            length = int(self.headers["content-length"])
            self._say(*answers.to(json.loads(self.rfile.read(length))))

        def do_GET(self) -> None:
            self._say(404, {"detail": "Not found."})

        def _say(self, status: int, answer: object) -> None:
            made = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(made)))
            self.end_headers()
            self.wfile.write(made)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    answers.base_url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield answers
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
