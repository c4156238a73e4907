"""What the command says about itself."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from pipeline.cli.app import cli
from pipeline.cli.codes import CODES, codes_page
from pipeline.cli.exits import MEANINGS, PRECEDENCE, Exit
from pipeline.cli.page import commands, help_page, root_context
from pipeline.cli.session import Session
from pipeline.cli.shape import SECTIONS, Verb
from pipeline.cli.topics import TOPICS
from tests.cli.conftest import Call

DOCS = Path(__file__).parents[2] / "docs"


def verbs() -> Iterator[click.Context]:
    for context in commands(cli, root_context()):
        if isinstance(context.command, Verb):
            yield context


VERBS = [pytest.param(context, id=context.command_path) for context in verbs()]


def test_help_imports_nothing_heavy() -> None:
    script = (
        "import sys\n"
        "from pipeline.cli.app import cli\n"
        "code = cli.main(['--help'], standalone_mode=False)\n"
        "heavy = {'polars', 'pandera', 'httpx', 'sqlalchemy', 'aiohttp', 'rich', 'pydantic',"
        " 'uvicorn', 'jinja2', 'numpy', 'asyncio'}\n"
        "print(sorted(heavy & set(sys.modules)), code, file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stderr == "[] 0\n"
    assert "Import:" in done.stdout


def test_help_has_sections(call: Call) -> None:
    said = call("--help")
    assert said.code == 0
    for title, names in SECTIONS.items():
        assert f"\n{title}:\n" in said.out
        assert all(f"\n  {name} " in said.out for name in names)
    assert "[env: PIPELINE_PROFILE]" in said.out


def test_every_command_stands_in_a_section() -> None:
    assert {name for names in SECTIONS.values() for name in names} == set(cli.commands)


def test_commands_of_later_versions_are_not_there() -> None:
    assert not {"history"} & set(cli.commands)


@pytest.mark.parametrize("context", VERBS)
def test_a_command_has_one_line_three_examples_exit_codes_and_variables(
    context: click.Context,
) -> None:
    command = context.command
    assert isinstance(command, Verb)
    assert command.short_help
    assert command.short_help.endswith(".")
    assert len(command.examples) == 3
    assert all("pipeline" in line for line in command.examples)
    text = context.get_help()
    assert "Exit codes:" in text
    assert {Exit.OK, Exit.INTERNAL, Exit.USAGE} <= set(command.exits)


@pytest.mark.parametrize(
    "name",
    ["purge", "report prune", "open-items close", "open-items list"],
)
def test_a_command_that_sends_nothing_says_what_its_own_exit_codes_mean(name: str) -> None:
    [command] = [each.command for each in verbs() if each.command_path == f"pipeline {name}"]
    assert isinstance(command, Verb)
    assert set(command.exits) == set(command.means)
    assert not {MEANINGS[each].says for each in command.exits} & set(command.means.values())


def test_half_an_order_is_explained_in_all_its_cases(call: Call) -> None:
    said = call("explain", "C142").out
    assert "two of the files" in said
    assert "EDI file" in said


@pytest.mark.parametrize("context", VERBS)
def test_examples_parse(context: click.Context) -> None:
    command = context.command
    assert isinstance(command, Verb)
    for line in command.examples:
        words = shlex.split(re.split(r" (?:>>?|\||\|\||&&) ", line)[0])
        if words[0] == "pipeline":
            assert parsed(words[1:]) is command


def parsed(words: list[str]) -> click.Command:
    context = cli.make_context("pipeline", words, obj=Session())
    while isinstance(context.command, click.Group):
        name, found, rest = context.command.resolve_command(
            context, [*context._protected_args, *context.args]
        )
        assert found is not None
        context = found.make_context(name, rest, parent=context)
    return context.command


def test_pages_are_what_the_program_says() -> None:
    assert (DOCS / "cli.md").read_text(encoding="utf-8") == help_page()
    assert (DOCS / "codes.md").read_text(encoding="utf-8") == codes_page()


def test_every_exit_code_has_a_meaning_and_a_rank() -> None:
    assert set(MEANINGS) == set(Exit) == set(PRECEDENCE)


def test_no_command_but_help_is_a_mistake(call: Call) -> None:
    said = call()
    assert said.code == 2
    assert said.out == ""
    assert "Import:" in said.err


def test_a_wrong_command_suggests_the_right_one(call: Call) -> None:
    said = call("rnu")
    assert said.code == 2
    assert said.out == ""
    assert said.err.startswith("Error: No such command 'rnu'. Did you mean 'run'?\n")


def test_a_wrong_option_suggests_the_right_one(call: Call) -> None:
    said = call("run", "--concurency", "4")
    assert said.code == 2
    assert "Did you mean '--concurrency'?" in said.err
    assert "Try 'pipeline run --help' for help." in said.err


def test_a_wrong_word_suggests_the_right_one(call: Call) -> None:
    said = call("completion", "bsh")
    assert said.code == 2
    assert "'bsh' is not one of bash, zsh, fish. Did you mean bash?" in said.err


@pytest.mark.parametrize("topic", TOPICS)
def test_topics_are_printed(call: Call, topic: str) -> None:
    said = call("help", topic)
    assert said.code == 0
    assert said.out == TOPICS[topic]()


def test_help_of_a_command_by_its_name(call: Call) -> None:
    said = call("help", "mapping", "check")
    assert said.code == 0
    assert "pipeline mapping check" in said.out
    assert call("help", "exit-code").err.startswith(
        "Error: No such topic 'exit-code'. Did you mean exit-codes?"
    )


@pytest.mark.parametrize("shell_name", ["bash", "zsh", "fish"])
def test_completion_scripts_call_the_command(call: Call, shell_name: str) -> None:
    said = call("completion", shell_name)
    assert said.code == 0
    assert f"_PIPELINE_COMPLETE={shell_name}_complete" in said.out


def test_the_bash_script_loads() -> None:
    script = subprocess.run(
        [sys.executable, "-m", "pipeline", "completion", "bash"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    subprocess.run(["bash", "-n"], input=script, text=True, check=True)  # noqa: S607


def test_completion_completes(shell: Call) -> None:
    env = {"_PIPELINE_COMPLETE": "bash_complete", "COMP_WORDS": "pipeline explain R30", "COMP_CWORD": "2"}  # fmt: skip
    assert "plain,R301" in shell(env=env).out


@pytest.mark.parametrize("code", ["R301", "m201", "C108", "W101", "U001"])
def test_codes_are_explained(call: Call, code: str) -> None:
    said = call("explain", code)
    assert said.code == 0
    found = CODES[code.upper()]
    assert said.out.startswith(f"{found.code}  {found.title}\n")
    assert found.why in said.out
    assert found.fix in said.out


def test_an_unknown_code_suggests_others(call: Call) -> None:
    said = call("explain", "R40I")
    assert said.code == 2
    assert said.err == "error[C113]: there is no code R40I\n  help: did you mean R401?\n"


def test_every_code_that_the_program_uses_can_be_explained() -> None:
    root = Path(__file__).parents[2] / "pipeline"
    used = {
        code
        for path in root.rglob("*.py")
        for code in re.findall(r'code="([A-Z]\d{3})"', path.read_text(encoding="utf-8"))
    }
    assert used <= set(CODES)
    configuration = {code for code in CODES if code.startswith("C")}
    assert configuration <= used, "a code that nothing uses"
