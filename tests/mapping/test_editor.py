"""What an editor makes of the schema: yaml-language-server completes, marks, and is silent.

It is installed by `.ci/run`, from npm, and spoken to over stdio as an editor does (LSP 3.17).
"""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator  # type: ignore[import-untyped]

from pipeline.cli.annotations import sarif
from pipeline.mapping.compile import compile_mapping
from pipeline.mapping.mistakes import MappingRefused
from tests.mapping.mappings import MAPPINGS, ROOT

MODULES = ROOT / ".cache" / "editor" / "node_modules"
SERVER = MODULES / ".bin" / "yaml-language-server"
SARIF = MODULES / "@microsoft" / "jest-sarif" / "lib" / "schemas" / "sarif-2.1.0-rtm.5.json"
MODELINE = "# yaml-language-server: $schema=./mapping.schema.json\n"

pytestmark = pytest.mark.thorough


class Editor:
    """An editor that has a folder open: sends documents, hears what the server says of them."""

    def __init__(self, process: "subprocess.Popen[bytes]", folder: Path) -> None:
        self._process = process
        self._folder = folder
        self._number = 0
        self._said: dict[str, list[dict[str, Any]]] = {}
        self._ask("initialize", {"processId": None, "rootUri": folder.as_uri(), "capabilities": {}})
        self._tell("initialized", {})

    def open(self, name: str, text: str) -> list[dict[str, Any]]:
        """Open a document; gives what the server marks in it."""
        uri = (self._folder / name).as_uri()
        (self._folder / name).write_text(text, encoding="utf-8")
        document = {"uri": uri, "languageId": "yaml", "version": 1, "text": text}
        self._tell("textDocument/didOpen", {"textDocument": document})
        while uri not in self._said:
            self._hear()
        return self._said[uri]

    def at(self, what: str, name: str, line: int, character: int) -> Any:  # noqa: ANN401 - LSP
        """Ask for what stands at a position, counted from 0."""
        return self._ask(f"textDocument/{what}", {
            "textDocument": {"uri": (self._folder / name).as_uri()},
            "position": {"line": line, "character": character},
        })  # fmt: skip

    def _ask(self, method: str, params: object) -> Any:  # noqa: ANN401 - LSP
        self._number += 1
        self._send({"id": self._number, "method": method, "params": params})
        number = self._number
        while True:
            heard = self._hear()
            if heard.get("id") == number and "method" not in heard:
                assert "error" not in heard, heard
                return heard["result"]

    def _tell(self, method: str, params: object) -> None:
        self._send({"method": method, "params": params})

    def _send(self, message: dict[str, object]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self._process.stdin is not None
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self._process.stdin.flush()

    def _hear(self) -> dict[str, Any]:
        out = self._process.stdout
        assert out is not None
        length = 0
        while (line := out.readline()).strip():
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        assert length, "the server has ended"
        heard: dict[str, Any] = json.loads(out.read(length))
        if heard.get("method") == "textDocument/publishDiagnostics":
            self._said[heard["params"]["uri"]] = heard["params"]["diagnostics"]
        elif "id" in heard and "method" in heard:  # it asks for settings; there are none
            items = (heard.get("params") or {}).get("items", [])
            self._send({"id": heard["id"], "result": [None for _ in items] or None})
        return heard


@pytest.fixture(scope="module")
def editor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Editor]:
    if not SERVER.exists():
        pytest.skip("yaml-language-server is not installed: see .ci/run")
    folder = tmp_path_factory.mktemp("editor")
    schema = (ROOT / "mappings" / "mapping.schema.json").read_text(encoding="utf-8")
    (folder / "mapping.schema.json").write_text(schema, encoding="utf-8")
    with subprocess.Popen([SERVER, "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:  # fmt: skip
        try:
            yield Editor(process, folder)
        finally:
            process.kill()


HEAD = MODELINE + "version: 1\nname: m\nsource: {}\norder:\n  order_number: Nr\n"


def test_a_field_is_completed_and_explained(editor: Editor) -> None:
    editor.open("complete.yaml", HEAD + "  recipient_em")
    found = editor.at("completion", "complete.yaml", 6, len("  recipient_em"))
    [item] = [each for each in found["items"] if each["label"] == "recipient_email"]
    assert "(email; at least 1 character; or" in json.dumps(item["documentation"])
    hover = editor.at("hover", "complete.yaml", 5, 5)
    assert "Number of the order in the shop" in json.dumps(hover)


def test_a_key_inside_a_value_is_completed(editor: Editor) -> None:
    editor.open("inside.yaml", HEAD + "  recipient_email:\n    defa")
    found = editor.at("completion", "inside.yaml", 7, len("    defa"))
    assert "default" in [each["label"] for each in found["items"]]


def test_a_wrong_key_is_marked_where_it_stands(editor: Editor) -> None:
    marked = editor.open("wrong.yaml", HEAD + "  recipient_mail: {from: EMail}\n")
    (mark,) = marked
    assert mark["range"]["start"] == {"line": 6, "character": 2}
    assert mark["range"]["end"] == {"line": 6, "character": 16}
    assert "recipient_mail" in mark["message"]


def test_a_wrong_word_is_marked(editor: Editor) -> None:
    (mark,) = editor.open("word.yaml", HEAD.replace("source: {}", "source: {format: scv}"))
    assert mark["range"]["start"] == {"line": 3, "character": 17}
    assert '"csv"' in mark["message"]


@pytest.mark.parametrize("name", ["design-orders", "x12-856", "wms-orders"])
def test_it_is_silent_about_a_good_mapping(name: str, editor: Editor) -> None:
    (path,) = [each for each in MAPPINGS if each.stem == name]
    text = path.read_text(encoding="utf-8").replace(
        "../mapping.schema.json", "./mapping.schema.json"
    )
    assert editor.open(f"{name}.yaml", text) == []


def test_the_sarif_of_mistakes_is_what_the_standard_says() -> None:
    if not SARIF.exists():
        pytest.skip("the schema of SARIF is not installed: see .ci/run")
    with pytest.raises(MappingRefused) as refused:
        compile_mapping("version: 1\nnaem: m\norder: {order_numbr: A}\n", "m.yaml")
    log = json.loads(sarif({Path("a b.yaml"): refused.value.mistakes, Path("/x/m.yaml"): []}))
    assert len(log["runs"][0]["results"]) > 1
    rules = json.loads(SARIF.read_text(encoding="utf-8"))
    Draft7Validator.check_schema(rules)
    assert [error.message for error in Draft7Validator(rules).iter_errors(log)] == []
