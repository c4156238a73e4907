"""The commands that look and set up."""

import csv
import gzip
import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
import zipfile
from pathlib import Path

import pytest
import xlsxwriter

from pipeline.config import KEYS
from pipeline.sandbox import RunningSandbox
from tests.cli.conftest import MAPPING, TOKEN, Call
from tests.run.interchanges import FILES

# --- config ------------------------------------------------------------------------------------


def test_init_writes_a_file_that_loads_and_never_over_another(call: Call, folder: Path) -> None:
    said = call("config", "init")
    assert said.code == 0
    assert said.out == f"{folder / 'pipeline.toml'}\n"
    assert call("config", "show").code == 0
    text = (folder / "pipeline.toml").read_text()
    again = call("config", "init")
    assert (again.code, again.err.splitlines()[0]) == (
        2, "error[C114]: pipeline.toml exists already",
    )  # fmt: skip
    assert (folder / "pipeline.toml").read_text() == text
    # what is commented out there is right as well
    (folder / "pipeline.toml").write_text(
        "\n".join(
            line.removeprefix("# ") for line in text.splitlines() if " = " in line or "[" in line
        )
    )
    assert call("config", "show", "--profile", "prod").code == 0


def test_path_says_which_file_is_used(call: Call, folder: Path) -> None:
    said = call("config", "path")
    assert (said.code, said.out) == (0, "")
    (folder / "pipeline.toml").write_text("")
    assert call("config", "path").out == f"{folder / 'pipeline.toml'}\n"


def test_show_prints_every_key_with_its_origin(call: Call, folder: Path) -> None:
    (folder / "pipeline.toml").write_text("rate = 5\n[owners]\nR301 = 'Jana'\n")
    env = {"PIPELINE_CONCURRENCY": "3"}
    said = call("config", "show", "--origin", env=env)
    lines = {line.split(" = ")[0].split()[-1]: line for line in said.out.splitlines()}
    assert lines["rate"].startswith("file pipeline.toml:1 ")
    assert lines["rate"].endswith("rate = 5.0")
    assert lines["concurrency"].startswith("environment PIPELINE_CONCURRENCY ")
    assert "owners.R301 = Jana" in said.out
    document = call("config", "show", "--json", env=env).json()
    assert document["settings"]["rate"] == {"value": 5.0, "origin": "file pipeline.toml:1"}
    assert set(KEYS) - set(document["settings"]) == {
        "mapping", "limit", "only_orders", "backfill", "until", "out", "new_ledger", "sample",
    }  # fmt: skip


SECTIONS = """\
[owners]
R301 = "Jana"
[schedule]
days = "mon-wed"
by = "06:00"
[notify]
report_url = "https://reports.example.com/"
[notify.mail]
host = "smtp.example.com"
from = "import@example.com"
to = ["ops@example.com"]
user = "import"
password_command = "touch ran"
[notify.webhook]
[profile.prod]
base_url = "eu"
account = 1
[profile.prod.owners]
R302 = "Ops"
"""


def test_show_prints_the_sections(call: Call, folder: Path) -> None:
    (folder / "pipeline.toml").write_text(SECTIONS)
    env = {"PARCELLAB_TOKEN": TOKEN, "PIPELINE_WEBHOOK_URL": "https://hooks.example.com/s3cr3t"}
    document = call("config", "show", "--profile", "prod", "--json", env=env).json()["settings"]
    named = {
        name: (each["value"], each["origin"]) for name, each in document.items()
        if name.startswith(("owners", "schedule", "notify"))
    }  # fmt: skip
    assert named == {
        "owners.R301": ("Jana", "file pipeline.toml:2"),
        "owners.R302": ("Ops", "profile pipeline.toml:19 [profile.prod]"),
        "schedule.profile": ("prod", "default"),
        "schedule.days": (["mon", "tue", "wed"], "file pipeline.toml:4"),
        "schedule.by": ("06:00", "file pipeline.toml:5"),
        "schedule.mappings": (None, ""),
        "schedule.skip": (None, ""),
        "notify.when": ("problems", "default"),
        "notify.report_url": ("https://reports.example.com/", "file pipeline.toml:7"),
        "notify.mail.host": ("smtp.example.com", "file pipeline.toml:9"),
        "notify.mail.port": (587, "default"),
        "notify.mail.security": ("starttls", "default"),
        "notify.mail.from": ("import@example.com", "file pipeline.toml:10"),
        "notify.mail.to": (["ops@example.com"], "file pipeline.toml:11"),
        "notify.mail.user": ("import", "file pipeline.toml:12"),
        "notify.mail.password": ("from password_command", "file pipeline.toml:13"),
        "notify.webhook.shape": ("json", "default"),
        "notify.webhook.url": ("from PIPELINE_WEBHOOK_URL", "environment PIPELINE_WEBHOOK_URL"),
    }
    shown = call("config", "show", "--origin", "--profile", "prod", env=env)
    assert "schedule.days = mon tue wed" in shown.out
    assert "s3cr3t" not in shown.out + shown.err
    assert not (folder / "ran").exists()
    # another profile is not told
    assert "notify.when = never, in profile sandbox" in call("config", "show").out


def test_show_says_which_sections_are_not_there(call: Call, folder: Path) -> None:
    assert folder.is_dir()
    lines = call("config", "show").out.splitlines()
    for name in ("owners", "schedule", "notify"):
        assert f"{name} = not set" in lines


@pytest.mark.parametrize(
    ("section", "hint"),
    [
        ("profile.prod.notify", "written [notify], for all profiles: `profiles` in it names"),
        ("profile.prod.notify.mail", "written [notify], for all profiles"),
        ("profile.prod.schedule", "written [schedule], for all profiles: `profile` in it names"),
        ("profile.prod.partner.acme", "written [partner.NAME], for all profiles"),
        ("mail", "written [notify.mail]"),
        ("webhook", "written [notify.webhook]"),
        ("prod", "written [profile.prod]"),
        ("notify.schedule", "written [schedule], for all profiles"),
        ("schedule.notify", "written [notify], for all profiles"),
        ("partner.acme.notify", "written [notify], for all profiles"),
    ],
)
def test_a_section_in_a_wrong_place_is_told_the_right_one(
    call: Call, folder: Path, section: str, hint: str
) -> None:
    (folder / "pipeline.toml").write_text(
        f'[partner.acme]\nsyntax = "x12"\nid = "A"\n[{section}]\nwhen = "never"\n'
        if section.startswith("partner")
        else f'[{section}]\nwhen = "never"\n'
    )
    said = call("status")
    assert said.code == 2
    assert said.err.startswith("error[C102]: unknown key ")
    assert f"help: this section is {hint}" in said.err


def test_show_prints_the_end_of_the_token(call: Call, folder: Path) -> None:
    (folder / "pipeline.toml").write_text('[profile.prod]\nbase_url = "eu"\naccount = 1\n')
    shown = call("config", "show", "--profile", "prod")
    assert "token = not set" in shown.out
    shown = call("config", "show", "--profile", "prod", env={"PARCELLAB_TOKEN": TOKEN})
    assert "token = …9c1f" in shown.out


def test_a_token_command_is_not_run_only_to_look(call: Call, folder: Path) -> None:
    (folder / "pipeline.toml").write_text(
        '[profile.prod]\nbase_url = "eu"\naccount = 1\ntoken_command = "touch ran"\n'
    )
    assert "printed by token_command" in call("config", "show", "--profile", "prod").out
    assert not (folder / "ran").exists()


def test_a_wrong_key_is_printed_with_its_line(call: Call, folder: Path) -> None:
    (folder / "pipeline.toml").write_text("\nratte = 5\n")
    said = call("status")
    assert said.code == 2
    assert said.err == (
        "error[C102]: unknown key ratte\n  --> pipeline.toml:2\n  help: did you mean rate?\n"
    )


def test_global_options_stand_before_or_after_the_command(call: Call, folder: Path) -> None:
    (folder / "other.toml").write_text("rate = 9\n")
    for arguments in (
        ("-c", "other.toml", "config", "show"),
        ("config", "show", "-c", "other.toml"),
    ):
        assert "rate = 9.0" in call(*arguments).out


def test_a_missing_mapping_suggests_another(call: Call, folder: Path) -> None:
    (folder / "wms.yaml").write_text(MAPPING)
    said = call("run", "-m", "wms.yml", "x.csv")
    assert said.err == (
        "error[C103]: mapping file wms.yml does not exist\n  help: did you mean wms.yaml? (in .)\n"
    )


# --- mapping check -----------------------------------------------------------------------------


def test_a_good_mapping(call: Call, files: Path) -> None:
    said = call("mapping", "check", "small.yaml", "orders.csv")
    assert (said.code, said.out, said.err) == (0, "small.yaml is usable: no mistakes\n", "")
    assert files.is_dir()


def test_a_mapping_is_held_against_what_a_packed_file_or_a_workbook_holds(
    call: Call, files: Path
) -> None:
    content = (files / "orders.csv").read_bytes()
    (files / "orders.csv.gz").write_bytes(gzip.compress(content))
    with zipfile.ZipFile(files / "night.zip", "w") as archive:
        archive.writestr("orders.csv", content)
    book = xlsxwriter.Workbook(files / "orders.xlsx")
    sheet = book.add_worksheet("S")
    for at, row in enumerate(csv.reader(content.decode().splitlines())):
        sheet.write_row(at, 0, row)
    book.close()
    mapping = MAPPING.replace("*.csv", "*")
    (files / "small.yaml").write_text(mapping)
    (files / "bad.yaml").write_text(mapping.replace("EMail", "Email"))

    for name in ("orders.csv.gz", "night.zip", "orders.xlsx"):
        said = call("mapping", "check", "small.yaml", name)
        assert (said.code, said.out, said.err) == (0, "small.yaml is usable: no mistakes\n", "")
        said = call("mapping", "check", "bad.yaml", name)
        assert (said.code, said.err.count("error[M201]")) == (1, 1)


def test_a_packed_interchange_is_looked_at(call: Call, folder: Path) -> None:
    (folder / "night.edi").write_text(FILES["945"], encoding="utf-8")
    call("mapping", "init", "night.edi", "--out", "m.yaml")
    (folder / "night.edi.gz").write_bytes(gzip.compress((folder / "night.edi").read_bytes()))

    said = call("mapping", "check", "m.yaml", "night.edi.gz")

    assert (said.code, said.err) == (0, "night.edi.gz: 1 × 945; 2 rows\n")


@pytest.mark.parametrize(
    "url", ["s3://shop/out/orders.csv", "sftp://wms@files.example.com/out/a.csv"]
)
def test_a_mapping_is_checked_against_local_files_only(call: Call, files: Path, url: str) -> None:
    said = call("mapping", "check", "small.yaml", url)

    assert (said.code, files.is_dir()) == (2, True)
    assert said.err == (
        "error[C103]: mapping check reads local files only\n"
        "  help: fetch one of the files, and name that\n"
    )


def test_all_mistakes_are_told(call: Call, files: Path) -> None:
    (files / "bad.yaml").write_text(MAPPING.replace("EMail", "Email").replace("Land", "Landd"))
    assert call("mapping", "check", "bad.yaml").code == 0
    said = call("mapping", "check", "bad.yaml", "orders.csv")
    assert said.code == 1
    assert said.out == "bad.yaml cannot be used: 2 mistakes\n"
    assert said.err.count("error[M201]") == 2
    assert 'help: did you mean "Land"?' in said.err


def test_mistakes_as_json_and_for_github(call: Call, files: Path) -> None:
    (files / "bad.yaml").write_text(MAPPING.replace("EMail", "Email"))
    document = call("mapping", "check", "bad.yaml", "orders.csv", "--format", "json").json()
    assert document["exit"]["code"] == 1
    (mistake,) = document["mistakes"]
    assert (mistake["code"], mistake["line"], mistake["column"]) == ("M201", 8, 20)
    said = call("mapping", "check", "bad.yaml", "orders.csv", "--format", "github")
    assert said.code == 1
    assert said.out.startswith("::error file=bad.yaml,line=8,col=20,endColumn=25,title=M201::")


def test_mistakes_as_sarif(call: Call, files: Path) -> None:
    (files / "bad one.yaml").write_text(MAPPING.replace("EMail", "Email"))
    (files / "warn.yaml").write_text(MAPPING + "lookups: {unused: {a: b}}\n")
    said = call(
        "mapping",
        "check",
        "bad one.yaml",
        "warn.yaml",
        "--sample",
        "orders.csv",
        "--format",
        "sarif",
    )
    assert said.code == 1
    log = json.loads(said.out)
    (run,) = log["runs"]
    driver = run["tool"]["driver"]
    assert (log["version"], driver["name"]) == ("2.1.0", "pipeline mapping check")
    first, second, *_ = run["results"]
    assert (first["ruleId"], first["level"]) == ("M201", "error")
    assert first["message"] == {"text": 'unknown column "Email"; did you mean "EMail"?'}
    place = first["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": "bad%20one.yaml"}
    assert place["region"] == {"startLine": 8, "startColumn": 20, "endColumn": 25}
    assert (second["ruleId"], second["level"]) == ("W101", "warning")
    for result in run["results"]:
        rule = driver["rules"][result["ruleIndex"]]
        assert rule["id"] == result["ruleId"]
        assert rule["help"]["text"].endswith(".")
    assert [each["location"]["uri"] for each in run["artifacts"]] == ["bad%20one.yaml", "warn.yaml"]


def test_several_mappings_are_summed_up(call: Call, files: Path) -> None:
    (files / "bad.yaml").write_text(MAPPING.replace("order_number", "order_numbr"))
    said = call("mapping", "check", "small.yaml", "bad.yaml")
    assert said.code == 1
    assert said.out.splitlines()[-1] == "2 mappings, 1 of them cannot be used: 2 mistakes"
    assert said.err.count("error[M10") == 2
    told = call("mapping", "check", "small.yaml", "bad.yaml", "--json").json()
    assert [len(each["mistakes"]) for each in told["mappings"]] == [0, 2]
    fine = call("mapping", "check", "small.yaml", "small.yaml", "orders.csv")
    assert fine.out.splitlines()[-1] == "2 mappings, all of them are usable: no mistakes"


def test_no_more_than_twenty_mistakes_are_written_out(call: Call, files: Path) -> None:
    wrong = "".join(f"  field_{n}: Nr\n" for n in range(25))
    (files / "bad.yaml").write_text(MAPPING + wrong)
    said = call("mapping", "check", "bad.yaml")
    assert said.err.count("error[M101]") == 20
    assert said.err.endswith("\n\nand 5 more\n")
    assert len(call("mapping", "check", "bad.yaml", "--json").json()["mistakes"]) == 25


def test_couriers_are_those_of_the_configuration(call: Call, files: Path) -> None:
    (files / "m.yaml").write_text(
        MAPPING + "trackings: {key: Nr, fields: {tracking_number: Nr, courier: {value: usp}}}\n"
    )
    assert call("mapping", "check", "m.yaml").out == "m.yaml is usable: no mistakes\n"
    (files / "pipeline.toml").write_text('couriers = ["ups", "dhl-germany"]\n')
    said = call("mapping", "check", "m.yaml")
    assert (said.code, said.out) == (0, "m.yaml is usable: 1 warning\n")
    assert 'warning[W111]: the account has no courier "usp"' in said.err
    assert 'help: did you mean "ups"?' in said.err


def test_branches_that_no_test_reaches_are_told_when_asked(call: Call, files: Path) -> None:
    cases = "  channel:\n    cases:\n      - {when: \"Land = 'DE'\", value: near}\n      - {value: far}\n"
    tests = "tests:\n  - name: t\n    rows: |\n      Nr,Land,EMail\n      A1,DE,a@example.com\n    expect: {orders: [{}]}\n"
    (files / "m.yaml").write_text(MAPPING + cases + tests)
    assert call("mapping", "check", "m.yaml").out == "m.yaml is usable: no mistakes\n"
    said = call("mapping", "check", "m.yaml", "--tests")
    assert (said.code, said.out) == (0, "m.yaml is usable: 1 warning\n")
    assert "warning[W114]: no test reaches order.channel: " in said.err
    assert "--> m.yaml:12:" in said.err
    said = call("mapping", "check", "small.yaml", "--tests")
    assert "warning[W114]: the mapping has no tests" in said.err


def test_the_first_rows_of_a_sample_are_judged(call: Call, files: Path) -> None:
    (files / "in.csv").write_text("Nr,Land,EMail,Extra\nA1,QQ,a@example.com,x\n")
    said = call("mapping", "check", "small.yaml", "--sample", "in.csv")
    assert said.code == 0
    assert said.out == (
        "small.yaml is usable, but 1 of 1 rows of in.csv would be rejected: 2 warnings\n"
    )
    assert 'warning[W110]: 1 column of in.csv is never used: "Extra"' in said.err
    assert 'column "Land": country unknown (R203); the first is in line 2, "QQ"' in said.err


SOURCES = """\
version: 1
name: two
sources:
  orders: {files: "orders_*.csv", key: Nr}
  lines: {files: "lines_*.csv", belongs_to: orders, key: Order}
  customers: {joins: orders, key: Id, on: Customer}
order: {order_number: Nr, destination_country_iso3: customers.Land, recipient_email: Mail}
lines:
  source: lines
  fields: {line_item_id: Pos, sku: Sku, quantity: Menge}
"""


@pytest.fixture
def several(folder: Path) -> Path:
    (folder / "m.yaml").write_text(SOURCES)
    (folder / "orders_1.csv").write_text("Nr,Mail,Customer\nA1,a@example.com,K1\n")
    (folder / "lines_1.csv").write_text("Order,Pos,Sku,Menge\nA1,1,S1,2\nA1,2,S1,two\n")
    (folder / "people.csv").write_text("Id,Land\nK1,QQ\n")
    return folder


def test_each_source_is_judged_by_its_own_sample(call: Call, several: Path) -> None:
    check = ["mapping", "check", "m.yaml"]
    said = call(
        *check, "--sample", "lines_1.csv", "--sample", "orders_1.csv", "--sample", "people.csv"
    )
    verdict = "m.yaml is usable, but 1 of 1 rows of orders_1.csv would be rejected: 2 warnings\n"
    assert (said.code, said.out) == (0, verdict)
    assert '1 of 2 cells of column "Menge": not a number (R201); the first is in line 3' in said.err
    assert '1 of 1 cells of column "customers.Land": country unknown (R203)' in said.err
    assert said.err == call(*check, "orders_1.csv", "lines_1.csv", "people.csv").err

    said = call(*check, "orders_1.csv")
    assert said.out == "m.yaml is usable: no mistakes\n"
    assert (
        said.err
        == "m.yaml: without a sample, not looked at: lines, customers (--sample lines=FILE)\n"
    )

    (several / "m.yaml").write_text(
        SOURCES.replace("sku: Sku", "sku: Skuu").replace("s.Land", "s.Lnd")
    )
    said = call(*check, "lines_1.csv", "people.csv")
    assert (said.code, said.out) == (1, "m.yaml cannot be used: 2 mistakes\n")
    assert 'unknown column "Skuu"' in said.err
    assert 'the source customers has no column "Lnd"' in said.err


def test_of_which_source_a_sample_is_can_be_said(call: Call, several: Path) -> None:
    check = ["mapping", "check", "m.yaml", "--sample"]
    (several / "m.yaml").write_text(SOURCES.replace("joins", "files: c.csv, joins"))
    said = call(*check, "people.csv")
    assert said.code == 2
    assert said.err == (
        "error[C101]: it cannot be told of which source people.csv is: `files` of no source means it\n"
        "  help: write --sample orders=people.csv or --sample lines=people.csv or --sample customers=people.csv\n"
    )
    said = call(*check, "customers=people.csv")
    assert (said.code, said.out) == (0, "m.yaml is usable: 1 warning\n")
    assert 'warning[W116]: "c.csv" does not mean people.csv' in said.err
    said = call(*check, "linse=lines_1.csv")
    assert said.err.startswith("error[C101]: m.yaml has no source linse")
    said = call(*check, "lines_1.csv", "--sample", "lines=people.csv")
    assert "are both of the source lines" in said.err


def test_samples_that_cannot_be_meant(call: Call, files: Path) -> None:
    check = ["mapping", "check", "small.yaml", "--sample"]
    (files / "in").mkdir()
    (files / "in" / "a.csv").write_text("")
    assert call(*check, "in").err == (
        "error[C103]: in is a folder, and no file\n  help: name one file, such as in/a.csv\n"
    )
    assert "has no `sources`" in call(*check, "lines=orders.csv").err
    assert "2 samples are named" in call(*check, "orders.csv", "--sample", "small.yaml").err


def test_a_mapping_that_is_not_utf_8_says_where(call: Call, files: Path) -> None:
    (files / "m.yaml").write_bytes(MAPPING.replace("Land", "Länder").encode("cp1252"))
    said = call("mapping", "check", "m.yaml")
    assert said.code == 2
    assert "mapping file m.yaml is not UTF-8: line 7 has a byte of another encoding" in said.err
    assert "help: save it as UTF-8" in said.err


def test_a_sample_that_a_run_would_not_read_is_told(call: Call, files: Path) -> None:
    (files / "m.yaml").write_text(MAPPING.replace("*.csv", "export_*.csv"))
    said = call("mapping", "check", "m.yaml", "--sample", "orders.csv")
    assert (said.code, said.out) == (0, "m.yaml is usable: 1 warning\n")
    assert 'warning[W116]: "export_*.csv" does not mean orders.csv' in said.err


def test_warnings_do_not_fail(call: Call, files: Path) -> None:
    (files / "warn.yaml").write_text(MAPPING + "lookups: {unused: {a: b}}\n")
    said = call("mapping", "check", "warn.yaml")
    assert said.code == 0
    assert "warning[W101]" in said.err
    assert said.out == "warn.yaml is usable: 1 warning\n"


def test_an_edi_file_is_looked_at(call: Call, folder: Path) -> None:
    (folder / "night.edi").write_text(FILES["945"], encoding="utf-8")
    call("mapping", "init", "night.edi", "--out", "m.yaml")
    said = call("mapping", "check", "m.yaml", "night.edi")
    assert (said.code, said.out) == (0, "m.yaml is usable: no mistakes\n")
    assert said.err == "night.edi: 1 × 945; 2 rows\n"
    text = (folder / "m.yaml").read_text(encoding="utf-8")
    (folder / "m.yaml").write_text(text.replace('"W12.3" ', '"W12.9" '), encoding="utf-8")
    said = call("mapping", "check", "m.yaml", "night.edi")
    assert (said.code, said.out) == (0, "m.yaml is usable: 1 warning\n")
    assert 'warning[W105]: column "qty" is empty in all 2 rows of night.edi' in said.err
    told = call("mapping", "check", "m.yaml", "night.edi", "--json").json()
    assert [each["code"] for each in told["mistakes"]] == ["W105"]
    assert (told["read"]["messages"], told["read"]["rows"]) == ({"945": 1}, 2)
    (folder / "night.edi").write_text(FILES["856"], encoding="utf-8")
    said = call("mapping", "check", "m.yaml", "night.edi")
    assert (said.code, said.out) == (1, "m.yaml cannot be used: 1 mistake\n")
    (folder / "night.edi").write_text("no;qty\nA1;2\n")
    assert call("mapping", "check", "m.yaml", "night.edi").code == 4


FIXED = """\
version: 1
name: host
mode: update_only
source: {format: fixed, positions: {No: 1-6, Name: 7-16, Country: 17-18}}
order: {order_number: No, recipient_name: Name, destination_country_iso3: Country}
"""


def test_the_first_lines_of_fixed_width_are_looked_at(call: Call, folder: Path) -> None:
    (folder / "m.yaml").write_text(FIXED, encoding="utf-8")
    lines = [f"A{n:<5}{'Jo Doe':<10}DE" for n in range(9)]
    (folder / "in.txt").write_text("\n".join(lines), encoding="utf-8")
    said = call("mapping", "check", "m.yaml", "in.txt")
    assert (said.code, said.out, said.err) == (0, "m.yaml is usable: no mistakes\n", "")

    (folder / "in.txt").write_text("\n".join([*lines, lines[0][1:]]), encoding="utf-8")
    said = call("mapping", "check", "m.yaml", "in.txt")
    assert (said.code, said.out) == (0, "m.yaml is usable: 1 warning\n")
    assert "warning[W106]: 1 of the first 10 lines of in.txt has another length" in said.err
    assert "= help: line 10 has 17 characters, the columns have 18" in said.err

    (folder / "in.txt").write_text("".join(f"{each}0001\n" for each in lines), encoding="utf-8")
    said = call("mapping", "check", "m.yaml", "in.txt")
    assert (said.code, said.out) == (1, "m.yaml cannot be used: 1 mistake\n")
    assert "error[M219]: no line of in.txt has the length for the positions" in said.err
    assert (
        "= help: `length: 22`, if they have characters behind the columns (9 lines have)"
        in said.err
    )

    (folder / "in.txt").write_text("".join(f"{each.rstrip('DE')}\n" for each in lines))
    told = call("mapping", "check", "m.yaml", "in.txt", "--json").json()
    assert [each["code"] for each in told["mistakes"]] == ["M219"]
    assert "short_lines: trimmed" in told["mistakes"][0]["help"]

    (folder / "in.txt").write_text("")
    assert call("mapping", "check", "m.yaml", "in.txt").code == 0


def test_what_init_leaves_to_fill_in_is_a_mistake(call: Call, folder: Path) -> None:
    (folder / "night.edi").write_text(FILES["945"].replace("UPSN", "NPLT"), encoding="utf-8")
    call("mapping", "init", "night.edi", "--out", "m.yaml")
    said = call("mapping", "check", "m.yaml")
    assert said.code == 1
    assert 'error[M217]: "<code>" and "<key>" in the table couriers are placeholders' in said.err
    text = (folder / "m.yaml").read_text(encoding="utf-8")
    (folder / "m.yaml").write_text(text.replace('"<code>": "<key>"', '"NPLT": "<key>"'))
    said = call("mapping", "check", "m.yaml")
    assert 'error[M217]: "<key>" in the table couriers is a placeholder' in said.err
    (folder / "m.yaml").write_text(text.replace('"<code>": "<key>"', '"NPLT": neighbours'))
    assert call("mapping", "check", "m.yaml").code == 0


def test_a_mapping_or_file_that_is_not_there(call: Call, files: Path) -> None:
    assert call("mapping", "check", "no.yaml").code == 2
    assert call("mapping", "check", "small.yaml", "no.csv").code == 2
    assert (
        "'githb' is not one of" in call("mapping", "check", "small.yaml", "--format", "githb").err
    )
    (files / "empty.csv").write_text("")
    assert call("mapping", "check", "small.yaml", "empty.csv").code == 4


# --- doctor ------------------------------------------------------------------------------------


def test_the_doctor_finds_nothing_wrong(call: Call, api: RunningSandbox) -> None:
    said = call("doctor")
    assert said.code == 0, said.out
    names = [line.split()[1] for line in said.out.splitlines()]
    assert names == [
        "config",
        "token",
        "api",
        "clock",
        "state",
        "reports",
        "space",
        "partners",
        "notify",
        "ledger",
    ]
    assert all(line.startswith("ok ") for line in said.out.splitlines())
    assert api.puts() == []


def test_the_doctor_changes_nothing(call: Call, api: RunningSandbox, folder: Path) -> None:
    assert call("doctor").code == 0
    assert list(folder.iterdir()) == []
    assert [request.method for request in api.requests()] == ["GET"]


def test_the_doctor_says_how_to_start_the_sandbox(call: Call) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        said = call("doctor", env={"PIPELINE_BASE_URL": url})
    assert said.code == 5
    assert f"FAIL  api       {url} does not answer: " in said.out
    assert "  help: start it: pipeline sandbox --data .pipeline/sandbox" in said.out


def test_the_doctor_tells_a_token_encoded_twice(call: Call, folder: Path) -> None:
    import base64

    (folder / "pipeline.toml").write_text('[profile.prod]\nbase_url = "eu"\naccount = 1618\n')
    twice = base64.b64encode(base64.b64encode(f"1618:{TOKEN}".encode())).decode()
    said = call("doctor", "--profile", "prod", env={"PARCELLAB_TOKEN": twice})
    assert said.code == 2
    assert "FAIL  token" in said.out
    assert "looks like base64 twice" in said.out
    assert twice not in said.out


def test_the_doctor_tells_a_folder_that_cannot_be_written(
    call: Call, api: RunningSandbox, folder: Path
) -> None:
    (folder / "plain").write_text("")
    said = call("doctor", env={"PIPELINE_REPORT_DIR": "plain"})
    assert said.code == 11
    assert "FAIL  reports" in said.out
    assert api.puts() == []


def test_the_doctor_goes_on_without_a_usable_file(call: Call, folder: Path) -> None:
    (folder / "pipeline.toml").write_text("x = 1\n")
    document = call("doctor", "--json").json()
    assert document["exit"]["code"] == 2
    assert document["checks"][0]["state"] == "fail"


# --- status, report ----------------------------------------------------------------------------


def test_status_of_a_fresh_folder(call: Call) -> None:
    said = call("status")
    assert (said.code, said.out) == (0, "no run yet\n")


def test_status_lists_runs_and_open_items(call: Call, files: Path, api: RunningSandbox) -> None:
    call("run", "-m", "small.yaml", "orders.csv")
    (files / "orders.csv").write_text("Nr,Land,EMail\nB1,XX,a@example.com\nB2,DE,b@example.com\n")
    call("run", "-m", "small.yaml", "orders.csv")
    said = call("status")
    assert said.code == 3
    assert "open items  1, oldest since " in said.out
    assert "exit 3 partial" in said.out.splitlines()[0]
    assert "exit 0 ok" in said.out.splitlines()[-1]
    assert api.puts()


def test_report_prints_where_the_page_is(call: Call, files: Path, api: RunningSandbox) -> None:
    run_id = call("run", "-m", "small.yaml", "orders.csv", "--json").json()["run"]
    said = call("report", run_id, "--report-dir", "elsewhere")
    assert said.code == 0
    page = Path(said.out.strip())
    assert page.is_relative_to(files / "elsewhere")
    assert "a@example.com" not in page.read_text(encoding="utf-8")
    unknown = call("report", "build", "nope")
    assert (unknown.code, "C132" in unknown.err) == (2, True)
    assert api.puts()


# --- sandbox -----------------------------------------------------------------------------------


def test_the_sandbox_says_where_it_is_and_ends_with_ctrl_c(folder: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "pipeline", "--json", "sandbox", "--port", "0", "--data", "kept"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder, env=dict(os.environ),  # noqa: TID251 - the tests' own environment
    )  # fmt: skip
    assert process.stdout is not None
    ready = json.loads(process.stdout.readline())
    assert ready["base_url"].startswith("http://127.0.0.1:")
    request = urllib.request.Request(  # noqa: S310 - our own sandbox
        f"{ready['base_url']}/v4/track/orders/?account=1618",
        headers={"Authorization": "Bearer sandbox-token"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - our own sandbox
        assert answer.status == 200
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, "")
    assert ready["data"] == "kept"
    assert (folder / "kept").is_dir()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ((), "kept in memory only and end with it, while the ledger remembers them as delivered"),
        (("--data", "kept"), "Orders are kept in kept, also for the next start."),
    ],
)
def test_the_sandbox_says_whether_it_remembers(
    folder: Path, options: tuple[str, ...], told: str
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "pipeline", "sandbox", "--port", "0", *options],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder, env=dict(os.environ),  # noqa: TID251 - the tests' own environment
    )  # fmt: skip
    assert process.stdout is not None
    first = process.stdout.readline()
    process.send_signal(signal.SIGINT)
    rest = process.stdout.read()
    process.communicate(timeout=30)
    assert first.startswith("Sandbox at http://127.0.0.1:")
    assert told in rest


def test_a_sandbox_that_cannot_start(call: Call, folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = call("sandbox", "--port", str(port))
    assert said.code == 2
    assert said.err == (
        f"error[C115]: the sandbox cannot start: something listens on port {port} already\n"
        "  help: if it is another `pipeline sandbox`, use or end that one; else choose another --port\n"
    )
    (folder / "faults.json").write_text('[{"fault": "http_42"}]')
    said = call("sandbox", "--port", "0", "--faults", "faults.json")
    assert (said.code, "http_429" in said.err) == (2, True)
    assert call("sandbox", "--faults", "no.json").code == 2


# --- mapping test --------------------------------------------------------------------------------

_TESTED = """\
version: 1
name: m
mode: update_only
source: {}
order: {order_number: nr, channel: channel}
tests:
  - name: a channel
    rows: |
      nr,channel
      A1,web
    expect: {orders: [{order_number: A1, channel: CHANNEL}]}
"""


def test_tests_of_a_mapping_say_what_differs(call: Call, folder: Path) -> None:
    (folder / "good.yaml").write_text(_TESTED.replace("CHANNEL", "web"))
    (folder / "bad.yaml").write_text(_TESTED.replace("CHANNEL", "shop"))

    said = call("mapping", "test", "good.yaml", "bad.yaml")

    assert said.code == 1
    assert (
        said.out
        == """\
ok   good.yaml:7 a channel  (1 order, 0 rejections)
FAIL bad.yaml:7 a channel  (1 order, 0 rejections)
     at orders[0].channel
       expected 'shop'
       got      'web'
2 tests, 1 failed
"""
    )
    assert call("mapping", "test", "good.yaml").code == 0
    told = call("mapping", "test", "bad.yaml", "--json").json()["tests"]
    assert (told[0]["fine"], told[0]["differences"][0]["at"]) == (False, "orders[0].channel")
    assert call("mapping", "test", "none.yaml").code == 2


PARTNER = '[partner.acme]\nsyntax = "x12"\nid = "ACME"\nacks = ["997"]\nmappings = {850 = "orders.yaml"}\n'  # fmt: skip


def test_the_doctor_names_partners_and_what_is_missing_of_them(
    call: Call, api: RunningSandbox, folder: Path
) -> None:
    (folder / "pipeline.toml").write_text(PARTNER)
    said = call("doctor", env={"PIPELINE_ACKS_DIR": "out"})
    assert said.code == 2
    assert "ok    partners  acme\n" in said.out
    assert f"FAIL  mapping   {folder / 'orders.yaml'} of partner acme for 850" in said.out
    assert "FAIL  acks      " in said.out
    (folder / "out").mkdir()
    (folder / "orders.yaml").write_text("")
    assert call("doctor", env={"PIPELINE_ACKS_DIR": "out"}).code == 0
    assert api.puts() == []


def test_a_folder_for_acknowledgements_that_is_not_there_is_a_matter_of_the_set_up(
    call: Call, api: RunningSandbox, folder: Path
) -> None:
    (folder / "pipeline.toml").write_text(PARTNER)
    (folder / "orders.yaml").write_text("")

    said = call("doctor", env={"PIPELINE_ACKS_DIR": "out"})

    assert said.code == 2
    there = folder / "out" if str(folder / "out") in said.out else Path("out")
    assert (
        f"FAIL  acks      acks_dir {there} does not exist\n"
        f"  help: make it (mkdir -p {there}), or correct acks_dir of [profile.sandbox]\n"
    ) in said.out
    (folder / "out").write_text("")
    said = call("doctor", env={"PIPELINE_ACKS_DIR": "out"})
    assert f"acks_dir {there} is not a folder\n  help: correct acks_dir of" in said.out
    assert api.puts() == []


def test_a_run_without_mappings_takes_those_of_the_partners(
    call: Call, api: RunningSandbox, folder: Path
) -> None:
    from tests.run.inbox import ORDERS_850, interchange, order

    (folder / "pipeline.toml").write_text(PARTNER)
    (folder / "orders.yaml").write_text(ORDERS_850)
    (folder / "in").mkdir()
    (folder / "in" / "a.edi").write_text(interchange(("850", order("A1"))))

    planned = call("plan", "in", "--out", "made")
    said = call("run", "in")

    assert planned.code == 0, planned.err
    assert said.code == 0, said.err
    assert "1 acknowledgement (1 × 997) in " in said.out
    assert [put.order_number for put in api.puts()] == ["A1"]
    stale = call("run", "made")  # a folder that is a plan is still taken for one
    assert "the plan is stale" in stale.err
    (folder / "orders.yaml").unlink()
    gone = call("run", "in")
    assert gone.code == 2
    assert "mapping of partner acme" in gone.err


# --- mapping schema ----------------------------------------------------------------------------


def test_the_schema_is_printed_or_written_over_an_older_one(call: Call, files: Path) -> None:
    said = call("mapping", "schema")
    assert json.loads(said.out)["$schema"].endswith("2020-12/schema")
    assert "# yaml-language-server: $schema=./mapping.schema.json\n# $schema: " in said.err
    for _ in range(2):
        written = call("mapping", "schema", "--out", "s.json")
        assert (written.code, written.out) == (0, "s.json\n")
        assert "$schema=./s.json" in written.err
    assert (files / "s.json").read_text(encoding="utf-8") == said.out
    refused = call("mapping", "schema", "--out", "small.yaml")
    assert (refused.code, "error[C114]: small.yaml is something else" in refused.err) == (2, True)


def test_a_check_without_a_file_loads_nothing_of_a_run() -> None:
    code = (
        "import sys; from pipeline.__main__ import main; sys.argv[1:] = ['mapping', 'check', sys.argv[1]]\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "sys.stderr.write(str('pipeline.run' in sys.modules))"
    )
    mapping = Path(__file__).parents[2] / "mappings" / "shipments.yaml"
    ended = subprocess.run([sys.executable, "-c", code, str(mapping)], capture_output=True, text=True, check=True)  # fmt: skip
    assert "no mistakes" in ended.stdout
    assert ended.stderr == "False"
