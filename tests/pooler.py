"""A pooler in front of PostgreSQL that lends its one session to a client for one transaction.

As PgBouncer does with `pool_mode = transaction`: all that a client sees of it is the address.
"""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_SSL, _CANCEL = 80877103, 80877102


class _Pooler:
    def __init__(self, server_port: int) -> None:
        self._server_port = server_port
        self._turn = threading.Lock()
        self._session: socket.socket | None = None
        self._greeting = b""
        self._all: list[socket.socket] = []

    def serve(self, client: socket.socket) -> None:
        """Speak with one client until it goes."""
        with client, suppress(OSError, EOFError):
            start = self._startup(client)
            with self._turn:
                if self._session is None:
                    self._greet(start)
            client.sendall(self._greeting)
            while True:
                message = _message(client)
                with self._turn:
                    self._lend(client, message)

    def _startup(self, client: socket.socket) -> bytes:
        while True:
            (length,) = struct.unpack("!i", _exactly(client, 4))
            body = _exactly(client, length - 4)
            (kind,) = struct.unpack("!i", body[:4])
            if kind == _SSL:
                client.sendall(b"N")
            elif kind == _CANCEL:
                raise EOFError
            else:
                return struct.pack("!i", length) + body

    def _greet(self, start: bytes) -> None:
        self._session = socket.create_connection(("127.0.0.1", self._server_port))
        self._all.append(self._session)
        self._session.sendall(start)
        self._greeting = b""
        while not self._greeting or not self._greeting[-6:].startswith(b"Z"):
            self._greeting += _message(self._session)

    def _lend(self, client: socket.socket, message: bytes) -> None:
        """Pass messages on, to and fro, until the session is in no transaction any more."""
        session = self._session
        assert session is not None
        while True:
            if message[:1] == b"X":
                raise EOFError
            session.sendall(message)
            if message[:1] in (b"Q", b"S"):  # after these the server says how things stand
                while (answer := _message(session))[:1] != b"Z":
                    client.sendall(answer)
                client.sendall(answer)
                if answer[-1:] == b"I":
                    return
            message = _message(client)

    def close(self) -> None:
        for each in self._all:
            each.close()


def _message(peer: socket.socket) -> bytes:
    head = _exactly(peer, 5)
    (length,) = struct.unpack("!i", head[1:])
    return head + _exactly(peer, length - 4)


def _exactly(peer: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = peer.recv(size - len(data))
        if not more:
            raise EOFError
        data += more
    return data


@contextmanager
def pooling(server_port: int) -> Iterator[int]:
    """Pool connections to a server on loopback; gives the pooler's port."""
    pooler = _Pooler(server_port)
    listener = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                threading.Thread(target=pooler.serve, args=(client,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)
        pooler.close()
