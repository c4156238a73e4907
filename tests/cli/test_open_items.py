"""open-items and report index: what waits to arrive is listed, and closed by hand for a reason."""

from pathlib import Path

import pytest

from pipeline.ledger import Ledger
from pipeline.run.clock import clock
from pipeline.sandbox import RunningSandbox
from tests.cli.conftest import Call, orders


@pytest.fixture
def missing(call: Call, files: Path, api: RunningSandbox) -> Call:
    """A command line after a run that held A1 and A2 back."""
    assert api.base_url
    orders(files, "A1,Nowhere,a@example.com", "A2,Nowhere,b@example.com", "A3,DE,c@example.com")
    assert call("run", "-m", "small.yaml", "orders.csv", "--max-reject-rate", "off").code == 3
    return call


def test_before_the_first_run_nothing_is_open(call: Call) -> None:
    assert call("open-items", "list").out == "no open items\n"
    assert call("open-items", "list", "--json").json()["open_items"] == []
    said = call("open-items", "close", "A1", "--reason", "x")
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith(
        "error[C138]: A1 is no open item of account 1618; nothing was closed"
    )
    assert not Path(".pipeline").exists()


def test_open_items_are_listed_with_age_and_cause(missing: Call) -> None:
    lines = missing("open-items", "list").out.splitlines()
    assert [line.split()[0] for line in lines] == ["A1", "A2"]
    assert "  1 run   R203  " in lines[0]
    (first, _) = missing("open-items", "list", "--json").json()["open_items"]
    assert (first["order_number"], first["runs"], first["code"]) == ("A1", 1, "R203")
    assert first["opened_run"] == first["last_run"]


def test_closing_says_how_many_and_the_index_knows(missing: Call) -> None:
    said = missing("open-items", "close", "A1", "A1", "--reason", " cancelled by phone ")
    assert (said.code, said.out, said.err) == (0, "1 open item closed\n", "")
    assert [line.split()[0] for line in missing("open-items", "list").out.splitlines()] == ["A2"]
    index = Path("reports/index.html").read_text()
    assert "1 open item of profile sandbox" in index
    assert missing("open-items", "close", "A2", "--reason", "x", "--json").json()["closed"] == 1
    assert "open item of" not in Path("reports/index.html").read_text()


def test_the_next_report_shows_the_reason(missing: Call, files: Path) -> None:
    missing("open-items", "close", "A2", "--reason", "<b>sold</b> in the shop")
    orders(files, "A1,DE,a@example.com")
    said = missing("run", "-m", "small.yaml", "orders.csv", "--json").json()
    page = Path(said["report"]).read_text()
    assert "2 orders resolved since the last run" in page
    assert "closed: &lt;b&gt;sold&lt;/b&gt; in the shop" in page


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        (["a2"], "a2 is no open item of account 1618; nothing was closed\n"),
        (["A1", "ZZ-77"], "ZZ-77 is no open item of account 1618; nothing was closed\n"),
        (["B-1", "C-2", "D-3", "E-4"], "B-1, C-2, D-3 and 1 more are no open items"),
    ],
)
def test_an_unknown_number_closes_nothing_and_names_no_other_order(
    missing: Call, numbers: list[str], message: str
) -> None:
    said = missing("open-items", "close", *numbers, "--reason", "x")
    assert (said.code, said.out) == (2, "")
    assert message in said.err
    assert "`pipeline open-items list` shows the 2 that are open" in said.err
    assert {"A1", "A2"} & set(said.err.replace(",", " ").split()) == set()
    assert len(missing("open-items", "list").out.splitlines()) == 2


def test_what_became_of_an_order_is_said(missing: Call, files: Path) -> None:
    missing("open-items", "close", "A1", "--reason", "cancelled by phone")
    orders(files, "A2,DE,b@example.com")
    run = missing("run", "-m", "small.yaml", "orders.csv", "--json").json()["run"]
    said = missing("open-items", "close", "A1", "A2", "A3", "--reason", "x")
    today = f"{clock():%Y-%m}"
    assert said.code == 2
    assert f": A1 was closed by hand on {today}" in said.err
    assert "(cancelled by phone); A2 arrived on " in said.err
    assert f"with run {run}; A3 was never missing, it arrived on {today}" in said.err


@pytest.mark.parametrize("broken", ["a folder", "a bug"])
def test_a_close_stands_when_the_page_of_all_runs_cannot_be_written(
    missing: Call, broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = Path("reports/index.html")
    if broken == "a folder":
        index.unlink()
        index.mkdir()
    else:
        monkeypatch.setattr("pipeline.report.index.missed_nights", None)
    said = missing("open-items", "close", "A1", "--reason", "x")
    assert (said.code, said.out) == (0, "1 open item closed\n")
    assert "the page of all runs could not be made: " in said.err
    assert "pipeline report index" in said.err
    assert [line.split()[0] for line in missing("open-items", "list").out.splitlines()] == ["A2"]
    logs = list(Path(".pipeline/logs").glob("crash-*.log"))
    assert len(logs) == 1
    assert ("traceback" in logs[0].read_text()) is (broken == "a bug")


def test_the_page_that_is_made_again_is_where_the_reports_are(missing: Call) -> None:
    Path("elsewhere/index.html").mkdir(parents=True)
    said = missing("run", "-m", "small.yaml", "orders.csv", "--report-dir", "elsewhere")
    assert f"pipeline report index --report-dir {Path('elsewhere').absolute()}" in said.err


@pytest.mark.parametrize(
    ("reason", "words"), [("  ", "the reason is empty"), ("x" * 501, "longer than 500")]
)
def test_a_reason_is_a_few_words(missing: Call, reason: str, words: str) -> None:
    said = missing("open-items", "close", "A1", "--reason", reason)
    assert said.code == 2
    assert said.err.startswith("error[C101]: ")
    assert words in said.err
    assert missing("open-items", "close", "A1").code == 2


def test_while_a_run_is_at_work_nothing_is_closed(missing: Call) -> None:
    with Ledger.open(".pipeline/ledger.db", clock=clock):
        said = missing("open-items", "close", "A1", "--reason", "x")
        assert said.code == 10
        assert missing("open-items", "list").code == 0


def test_the_page_of_all_runs_is_written_again(missing: Call) -> None:
    index = Path("reports/index.html")
    before = index.read_bytes()
    index.unlink()
    said = missing("report", "index")
    assert (said.code, said.out) == (0, f"{index.absolute()}\n")
    assert index.read_bytes() == before
    elsewhere = missing("report", "index", "--report-dir", "elsewhere", "--json").json()["index"]
    assert 'href="' in index.read_text().split("<main>")[1].split('id="runs"')[1]
    # the reports do not lie there, so nothing is linked
    assert 'report.html"' not in Path(elsewhere).read_text()


def test_before_the_first_run_there_is_no_page_of_runs(call: Call) -> None:
    said = call("report", "index")
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("error[C132]: there is no run yet")


def test_report_alone_builds_and_a_typo_is_no_run(missing: Call) -> None:
    page = missing("report").out
    assert page == missing("report", "build").out
    run = Path(page.strip()).parent.name
    assert missing("report", run).out == missing("report", "build", run).out == page
    assert missing("report", "--pii", "none", "--json").json()["report"] == page.strip()
    said = missing("report", "idnex")
    assert said.code == 2
    assert "No such command 'idnex'. Did you mean 'index'?" in said.err
    assert "build" in missing("report", "--help").out
