"""mapping init for delimited text: what is proposed, what stays a comment, and that it passes as it is."""

import re
from pathlib import Path

import pytest
import xlsxwriter
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from pipeline.mapping.mistakes import MappingRefused
from pipeline.model.stops import SourceUnusable
from pipeline.read import read_header
from pipeline.run.drafting import Drafted, NoOrderNumber, draft
from pipeline.run.drafting.names import meanings
from pipeline.run.source import as_read, read_mapping
from pipeline.run.trial import try_mapping

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "samples"
NORTHWIND = ROOT.parent / "shared" / "corpus" / "csv" / "northwind"
# Files that no mapping can read, or that have no order number by name; the sentence says so.
REFUSED = {
    "samples/csv/cut-off-packed-file": "is cut off",
    "samples/csv/empty-file": "is empty",
    "samples/csv/web-page": "is a web page or XML",
    "samples/csv/workbook": "is a workbook or a zip archive",
    # records of several kinds, which no header names
    "samples/R114-type-of-record-not-declared": "looks like an order number",
    "samples/R115-record-belongs-to-none": "looks like an order number",
    "samples/R116-below-an-unreadable-record": "looks like an order number",
    # three columns of numbers, and nothing says which is that of the order
    "samples/feature-without-header": "looks like an order number",
    "northwind/customers.csv": "looks like an order number",
}
FEW = (
    "samples/R303-rows-disagree/input.csv",
    "samples/csv/no-header/input.csv",
    "samples/csv/quote-never-closed/input.csv",
    "samples/feature-row-number/input.csv",
)
ALL = [
    *sorted(SAMPLES.glob("*/input.csv")),
    *sorted(SAMPLES.glob("csv/*/input*")),
    *sorted(SAMPLES.glob("nightly/*_*.csv")),
    *sorted(NORTHWIND.glob("*.csv")),
]

ORDERS = """\
Bestellnr;Bestelldatum;Kundenname;E-Mail;Lieferstraße;Liefer-PLZ;Lieferort;Lieferland;Pos;Artikelnr;Bezeichnung;Menge;Einzelpreis;Summe;Währung;Notiz
4711001;03.11.2026 09:10;Jo Albers;jo.albers@example.net;Am Kai 7;20457;Hamburg;Deutschland;1;A-1;Mütze;2;1.019,90;1.069,80;EUR;
4711001;;;;;;;;2;A-2;Schal;1;30,00;;;
4711002;14.11.2026 17:45;Ann Reiter;ann@example.net;Ring 12a;1010;Wien;Österreich;1;A-1;Mütze;1;19,90;19,90;EUR;klingeln
"""


def proposed(
    tmp_path: Path, text: str | bytes, name: str = "orders.csv", **given: object
) -> Drafted:
    file = tmp_path / name
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    (made,) = draft([(file, name)], **given)  # type: ignore[arg-type]
    return made


def active(made: Drafted) -> str:
    """What is no comment."""
    return "\n".join(
        line.split("  #")[0].rstrip()
        for line in made.text.splitlines()
        if not line.strip().startswith("#")
    )


def passes(made: Drafted, file: Path, tmp_path: Path) -> None:
    """As `mapping check MAPPING FILE` and `mapping test` judge it."""
    mapping = tmp_path / "proposed.yaml"
    mapping.write_text(made.text, encoding="utf-8")
    source = read_mapping(mapping)[0].plan.source
    with as_read(file, source) as (path, name, form):
        header = read_header(path, form, name=name)
    compiled, _ = read_mapping(mapping, header)
    assert not compiled.warnings
    assert all(tried.fine for tried in try_mapping(mapping)), made.text


def refused(file: Path) -> str | None:
    return next((says for part, says in REFUSED.items() if part in file.as_posix()), None)


@pytest.mark.parametrize("name", FEW)
def test_the_proposal_passes_as_it_is(name: str, tmp_path: Path) -> None:
    file = ROOT / name
    (made,) = draft([(file, file.name)])
    passes(made, file, tmp_path)


@pytest.mark.thorough
@pytest.mark.parametrize("file", ALL, ids=lambda file: "/".join(file.parts[-3:]))
def test_of_every_export_the_proposal_passes_or_says_why_there_is_none(
    file: Path, tmp_path: Path
) -> None:
    says = refused(file)
    if says is not None:
        with pytest.raises(SourceUnusable, match=says):
            draft([(file, file.name)])
        return
    (made,) = draft([(file, file.name)])
    passes(made, file, tmp_path)


@pytest.mark.skipif(not NORTHWIND.is_dir(), reason="the corpus is not here")
def test_of_northwind_orders_are_created_and_customers_are_none(tmp_path: Path) -> None:
    (orders,) = draft([(NORTHWIND / "orders.csv", "orders.csv")])
    assert orders.hits["order.shipping_address.address_line"] == ("shipAddress",)
    assert "    UK: GBR " in orders.text
    passes(orders, NORTHWIND / "orders.csv", tmp_path)
    with pytest.raises(NoOrderNumber) as told:
        draft([(NORTHWIND / "customers.csv", "customers.csv")])
    assert "--key" in told.value.help


def test_an_order_with_lines_is_proposed_whole(tmp_path: Path) -> None:
    made = proposed(tmp_path, ORDERS.encode("cp1252"), timezone="Europe/Berlin")
    text = active(made)
    for line in (
        "  encoding: cp1252", '  delimiter: ";"', '  decimal: ","', '  thousands: "."',
        "  order_number: Bestellnr", "  destination_country_iso3: {from: Lieferland, lookup: countries}",
        "    Deutschland: DEU", "    Österreich: AUT", "  recipient_email: E-Mail",
        '  order_date: Bestelldatum', "  order_total_amount: Summe", "    postal_code: Liefer-PLZ",
        '    line_item_id: {template: "{Bestellnr}-{Pos}"}', "    unit_price: Einzelpreis", "    quantity: Menge",
    ):  # fmt: skip
        assert line in text.splitlines(), line
    assert "# Not used: Notiz" in made.text
    assert "Einzelpreis: 3 of 3 look like 1.234,56" in made.notes
    assert "Blank on the further rows of an order: Bestelldatum, Kundenname, E-Mail" in made.text
    passes(made, tmp_path / "orders.csv", tmp_path)


def test_people_and_numbers_of_the_rows_are_invented(tmp_path: Path) -> None:
    made = proposed(tmp_path, ORDERS, timezone="Europe/Berlin")
    for told in (
        "Albers",
        "albers",
        "Reiter",
        "ann@",
        "Am Kai",
        "Ring 12",
        "4711001",
        "4711002",
        "klingeln",
    ):
        assert told not in made.text
    assert made.text.count("sample1@example.com") >= 2
    assert "Mütze" in made.text


def test_without_a_time_zone_the_time_of_an_order_stays_a_comment(tmp_path: Path) -> None:
    made = proposed(tmp_path, ORDERS)
    assert "  # order_date: Bestelldatum" in made.text
    assert "its times have no offset" in made.text
    assert "order.order_date" not in made.hits


@pytest.mark.parametrize(
    ("days", "told"),
    [
        (("03/04/2026", "05/06/2026"), "%d/%m/%Y and %m/%d/%Y both fit, and no value proves which"),
        (("03/04/2026", "25/06/2026"), None),
    ],
)
def test_day_and_month_are_told_apart_only_by_a_day_above_twelve(
    days: tuple[str, str], told: str | None, tmp_path: Path
) -> None:
    rows = [f"A{n},{day},DE,a{n}@example.com\n" for n, day in enumerate(days)]
    made = proposed(tmp_path, "Order No,Delivery Date,Country,Email\n" + "".join(rows))
    if told is None:
        assert '  dates: "%d/%m/%Y"' in active(made)
        assert made.hits["order.announced_delivery_date"] == ("Delivery Date",)
    else:
        assert told in made.text
        assert "order.announced_delivery_date" not in made.hits


def test_thousands_or_decimals_that_nothing_proves_are_told(tmp_path: Path) -> None:
    made = proposed(tmp_path, "Order;Country;Email;Pos;Qty;Price\nA1;DK;a@example.com;1;1;2,000\n")
    assert "# decimal: " in made.text
    assert "Price: values such as 2,000 may be thousands or decimals" in made.text


def test_words_for_nothing_are_declared_and_namibia_is_not_one(tmp_path: Path) -> None:
    made = proposed(
        tmp_path,
        "Order,Country,Email,Zip\nA1,NA,a@example.com,NULL\nA2,DE,b@example.com,0000-00-00\n",
    )
    assert '  null_values: ["", "0000-00-00", "NULL"]' in active(made)
    assert "nothing, or Namibia?" in made.text


def test_parcels_become_trackings_of_known_orders(tmp_path: Path) -> None:
    made = proposed(
        tmp_path,
        "Order No|Tracking Number|Shipped On|Weight (kg)\n"
        "O-100001|1Z999AA10123456784|2026-11-19|1.5\nO-100002|1Z999AA10123456793|2026-11-20|2\n",
    )
    text = active(made)
    assert "mode: update_only" in text
    # the courier is proved by the check digits of the numbers
    assert "    courier: {value: ups}" in text
    assert "    shipping_weight_unit: {value: kg}" in text
    assert "1Z999AA10123456784" not in made.text
    passes(made, tmp_path / "orders.csv", tmp_path)


def test_carriers_without_a_key_that_is_sure_are_left_to_a_person(tmp_path: Path) -> None:
    made = proposed(tmp_path, "order;parcel;carrier\nA1;340001;DHL\nA2;340002;UPS\nA3;340003;XPO\n")
    assert "    UPS: ups" in active(made)
    assert "    # DHL: dhl-germany" in made.text
    assert "    # XPO: ?" in made.text
    passes(made, tmp_path / "orders.csv", tmp_path)


def test_a_column_of_couriers_is_known_by_its_words(tmp_path: Path) -> None:
    made = proposed(
        tmp_path,
        "Belegnr;Pos;Land;Artikelnr;Menge;Versandart;Paketnr\n"
        "A1;1;DE;X1;1;UPS;340001\nA2;1;DE;X2;2;;\nA3;1;AT;X1;1;DHL;340003\n",
    )
    assert "    courier: {from: Versandart, lookup: couriers}" in active(made)
    assert "    # DHL: dhl-germany" in made.text
    passes(made, tmp_path / "orders.csv", tmp_path)


def test_two_columns_that_are_equally_good_are_candidates(tmp_path: Path) -> None:
    made = proposed(tmp_path, "Order,Country,Email,E-Mail\nA1,DE,a@example.com,b@example.com\n")
    assert "2 candidates: Email, E-Mail" in made.text
    assert "  recipient_email: {value: _unset}" in active(made)


def test_the_order_number_can_be_named(tmp_path: Path) -> None:
    rows = "vorgang;mail;land\nV-1;a@example.com;DE\nV-2;b@example.com;AT\n"
    with pytest.raises(NoOrderNumber, match=r"no column of orders\.csv looks like an order number"):
        proposed(tmp_path, rows)
    made = proposed(tmp_path, rows, key="vorgang")
    assert made.hits["order.order_number"] == ("vorgang",)
    with pytest.raises(NoOrderNumber, match="has no column 'Vorgang'"):
        proposed(tmp_path, rows, key="Vorgang")


def test_files_of_one_shape_are_looked_at_together_and_others_apart(tmp_path: Path) -> None:
    for name, text in (
        ("a.csv", "Order,Country,Email\nA1,DE,a@example.com\n"),
        ("b.csv", "Order,Country,Email\nA2,France,b@example.com\n"),
        ("c.csv", "Order,Tracking Number,Carrier\nA1,340001,gls\n"),
    ):
        (tmp_path / name).write_text(text)
    orders, parcels = draft([(tmp_path / name, name) for name in ("a.csv", "b.csv", "c.csv")])
    assert orders.files == ("a.csv", "b.csv")
    assert "    France: FRA" in active(orders)
    assert parcels.hits["trackings.courier"] == ("Carrier",)


def test_a_workbook_needs_no_delimiter(tmp_path: Path) -> None:
    with xlsxwriter.Workbook(tmp_path / "orders.xlsx") as book:
        sheet = book.add_worksheet()
        for at, row in enumerate((("Order", "Country", "Email"), ("A1", "DE", "a@example.com"))):
            sheet.write_row(at, 0, row)
    (made,) = draft([(tmp_path / "orders.xlsx", "orders.xlsx")])
    assert "delimiter" not in made.text
    passes(made, tmp_path / "orders.xlsx", tmp_path)


def test_text_of_fixed_width_gets_positions(tmp_path: Path) -> None:
    lines = [
        f"{n:05}  {name:<12}{country:<4}{mail:<20}\n"
        for n, name, country, mail in ((1, "Jo Reh", "DE", "a@example.com"), (2, "Al", "AT", "bo@example.com"), (3, "Zoe Su", "CH", "cleo@example.com"))
    ]  # fmt: skip
    made = proposed(tmp_path, "".join(lines), "orders.txt")
    text = active(made)
    assert "  format: fixed" in text
    assert "    column_1: 1-7" in text
    assert made.hits["order.recipient_email"] == ("column_5",) or "recipient_email" in text
    mapping = tmp_path / "m.yaml"
    mapping.write_text(made.text, encoding="utf-8")
    assert not read_mapping(mapping)[0].warnings


def test_after_another_mapping_its_values_are_taken_over(tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(
        "version: 1\nname: other\n"
        "source: {delimiter: ';', decimal: ',', timezone: Europe/Vienna}\n"
        "lookups: {kinds: {E: express, S: standard}}\n"
        "order:\n  order_number: Nr\n  destination_country_iso3: {value: AUT}\n"
        "  recipient_email: {from: Mail, default: _unset}\n"
        "  channel: {from: Art, lookup: kinds}\n  invoice_number: Rechnung\n"
    )
    made = proposed(
        tmp_path, "Nr;Mail;Art;Kundennr\nA1;a@example.com;E;77\n", like=(other, "other.yaml")
    )
    text = active(made)
    assert "  channel: {from: Art, lookup: kinds}" in text
    assert "  destination_country_iso3: {value: AUT}" in text
    assert "  timezone: Europe/Vienna" in text
    assert re.search('# invoice_number: Rechnung +# unknown column "Rechnung"', made.text)
    assert "  customer_number: Kundennr" in text
    assert "It lacks Rechnung." in made.text
    assert "It has more: Kundennr." in made.text
    passes(made, tmp_path / "orders.csv", tmp_path)


def test_another_mapping_with_mistakes_is_refused_as_such(tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text("version: 1\n")
    with pytest.raises(MappingRefused):
        proposed(tmp_path, "Nr;Mail\nA1;a@example.com\n", like=(other, "other.yaml"))


@pytest.mark.thorough
def test_only_the_first_rows_are_looked_at(tmp_path: Path) -> None:
    rows = "".join(f"A{n},DE,a{n}@example.com\n" for n in range(20_500))
    made = proposed(tmp_path, "Order,Country,Email\n" + rows)
    assert "the first 20,000 rows" in made.text


def test_no_line_is_left_without_its_reason(tmp_path: Path) -> None:
    """Each target that is a comment says why."""
    made = proposed(tmp_path, ORDERS.replace("Notiz", "Versandart"))
    commented = [
        line
        for line in made.text.splitlines()
        if re.match(r"\s+# \w+: ", line) and "files:" not in line
    ]
    assert commented
    assert [line for line in commented if not re.search(r"\S {2,}# \S", line)] == []


_PEOPLE = st.lists(
    st.tuples(
        st.sampled_from(["Anna", "Ben", "Çağla", "Émile", "LENA", "jan"]),
        st.sampled_from(["Weber", "O'Neill", "Müller-Lüd", "SOMMER", "Kraft", "de Vries"]),
        st.sampled_from(["Gartenstraße", "Hauptstr.", "rue de la Paix", "Main St"]),
        st.sampled_from(["Köln", "Bad Orb", "Lyon", "BREMEN"]),
        st.integers(1, 3),
    ),
    min_size=2,
    max_size=8,
)
_TITLES = st.lists(
    st.sampled_from(
        ["Empfangvorname", "Vorname", "Notiz", "Bemerkung", "Status", "Datum", "Zusatz", "Land", "Betreuer", "Menge",
         "Preis", "Ansprechpartner", "f1", "Versender", "Bestelldatum", "column", "Kanal", "Zahlungsart", "Ort"]
    ),
    min_size=6, max_size=6, unique=True,
)  # fmt: skip


def _holds_nobody(
    people: list[tuple[str, str, str, str, int]], titles: list[str], folder: Path
) -> None:
    rows, private = [], set()
    for n, (first, last, street, city, lines) in enumerate(people):
        mail, phone = f"{n}x.{first}@mail.example", f"+49 171 55{n}0{n}12"
        house = f"{street} {n + 7}"
        cells = [first, f"{first} {last}", house, city, f"ruf {phone} an oder {mail}", last]
        private |= {f"{first} {last}", house, mail, phone, last, city, first}
        rows += [f"77{n}04{n};DE;" + ";".join(cells)] * lines
    text = "\n".join([f"Bestellnr;Lieferland;{';'.join(titles)}", *rows]) + "\n"
    made = proposed(folder, text)
    told = made.text + "\n".join(made.notes)
    shown = [each for each in private if re.search(rf"(?<!\w){re.escape(each)}(?!\w)", told, re.IGNORECASE)]  # fmt: skip
    assert shown == [], told


_PLAIN = settings(deadline=None, derandomize=True, phases=[Phase.generate], suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip


@settings(_PLAIN, max_examples=4)
@given(people=_PEOPLE, titles=_TITLES)
def test_nothing_of_a_person_is_in_a_proposal(
    people: list[tuple[str, str, str, str, int]], titles: list[str], tmp_path: Path
) -> None:
    """Whatever their columns are called: names, streets, towns, addresses and numbers, also within longer texts."""
    _holds_nobody(people, titles, tmp_path)


@pytest.mark.thorough
@settings(_PLAIN, max_examples=60)
@given(people=_PEOPLE, titles=_TITLES)
def test_nothing_of_a_person_is_in_any_proposal(
    people: list[tuple[str, str, str, str, int]], titles: list[str], tmp_path: Path
) -> None:
    _holds_nobody(people, titles, tmp_path)


def test_columns_that_nothing_reads_are_empty_in_the_tests(tmp_path: Path) -> None:
    rows = "".join(
        f"R-{n + 1000};{n % 18 + 10}.11.2026;DE;{name};Gartenweg {n};20{n % 10}57;{city};{state};{n},50;sagt {name}@example.net\n"
        for n, (name, city, state) in enumerate([("Felix", "Orb", "bezahlt"), ("Ada", "Ulm", "offen")] * 15, 10)
    )  # fmt: skip
    made = proposed(
        tmp_path,
        "Bestellnr;Liefertag;Lieferland;Wer;Wohin;Wo;Hier;Stand;Extra;Hinweis\n" + rows,
    )
    (row, *_) = re.findall(r"(?m)^ {6}(R-1001;.*)$", made.text)
    assert row.split(";")[1:] == ["20.11.2026", "DE", "", "", "", "", "bezahlt", "10,50", ""]
    passes(made, tmp_path / "orders.csv", tmp_path)


def test_days_of_birth_and_addresses_of_the_net_are_a_persons(tmp_path: Path) -> None:
    rows = "".join(
        f"R-{n};DE;0{n - 1000}.04.1971;192.168.0.{n - 1000};0171{n}55\n" for n in range(1001, 1010)
    )
    made = proposed(tmp_path, "Bestellnr;Lieferland;Geburtsdatum;von wo;unter\n" + rows)
    assert re.findall(r"(?m)^ {6}(R-\d+;DE;.*)$", made.text) == ["R-1001;DE;;;"] * 2


def test_after_another_mapping_the_tests_have_what_it_reads(tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(
        "version: 1\nname: other\nsource: {delimiter: ';'}\norder:\n  order_number: Nr\n  destination_country_iso3: {value: AUT}\n"
        "  recipient_email: {from: Mail, default: _unset}\n  channel: {from: Art, lookup: kinds}\n"
        "  recipient_name: Wer\nlookups: {kinds: {E: express, S: standard}}\n"
    )
    rows = "Nr;Mail;Art;Wer\nA10;a@example.net;E;Jo Reh\nA11;b@example.net;S;Al Moor\n"
    made = proposed(tmp_path, rows, like=(other, "other.yaml"))
    assert 'channel: "express"' in made.text
    assert "Reh" not in made.text
    assert "example.net" not in made.text
    passes(made, tmp_path / "orders.csv", tmp_path)


def test_the_zone_that_is_suggested_is_no_town_of_the_file(tmp_path: Path) -> None:
    rows = ORDERS.replace("Hamburg", "Berlin").replace("Wien", "Paris")
    text = proposed(tmp_path, rows).text
    assert "  # timezone: Europe/London" in text
    assert not re.search("Berlin|Paris", text)


def test_comments_show_the_shape_of_what_may_be_a_persons(tmp_path: Path) -> None:
    dates = ["03.11.2026", "14.11.2026", "15.11.2026", "Jo Reh 12", "Jo Reh 12"]
    rows = "".join(f"R-10{n};DE;{date};a@example.com\n" for n, date in enumerate(dates))
    made = proposed(tmp_path, "Bestellnr;Lieferland;Bestelldatum;Mail\n" + rows, timezone="UTC")
    assert "such as Aa Aaa 99" in made.text
    assert "Reh" not in made.text


def test_the_words_of_a_file_without_header_do_not_show_its_encoding(tmp_path: Path) -> None:
    rows = "".join(f"77010{n};Jörg Müßig;DE;{n},50\n" for n in range(10, 30))
    made = proposed(tmp_path, rows.encode("cp1252"))
    assert "encoding: cp1252" in made.text
    assert "Müßig" not in made.text
    assert "Jörg" not in made.text


MARKET = """\
,,,,,,,,
Order Number,Buyer Name,Buyer Email,Ship To Country,Price,Sale Date,Quantity,Custom Label,Total Price
,,,,,,,,
10-94849-60001,Jo Reh,jo@example.net,Germany,"$1,099.00",Sep-30-26,1,L-1,"$1,099.00"
10-94849-60002,Al Moor,al@example.net,Austria,$12.34,Oct-01-26,2,L-2,$24.68
10-94849-60003,Su Lind,su@example.net,Germany,$7.00,Oct-02-26,1,L-1,$7.00

3,record(s) downloaded, from Sep-01-26 to Sep-30-26
Seller ID : someone_big
"""


def test_lines_of_bare_delimiters_stand_above_the_header_and_footers_below(tmp_path: Path) -> None:
    made = proposed(tmp_path, MARKET, timezone="UTC")
    text = active(made)
    assert '  delimiter: ","' in text
    assert "  find_header: [Order Number, Buyer Name, Buyer Email]" in text
    assert '  footer: "[0-9]+,record|Seller"' in text
    assert '  dates: "%b-%d-%y"' in text
    assert '  thousands: ","' in text
    assert '    unit_price: {from: Price, do: [{replace: ["$", ""]}, strip]}' in text
    assert made.hits["order.order_number"] == ("Order Number",)
    assert re.search(r"# order_currency: \{value: USD\} +# .*its amounts have \$", made.text)
    assert "someone_big" not in made.text
    passes(made, tmp_path / "orders.csv", tmp_path)


@pytest.mark.parametrize(
    ("text", "delimiter"),
    [("Order||Land||Mail\nA1||DE||a@example.com\nA2||AT||b@example.com\n", "||"),
     ("Order||Land|Mail\nA1||DE|a@example.com\nA2||AT|b@example.com\n", "|"),
     (",,\nOrder,Land,Mail\nA1,DE,a@example.com\nA2,,b@example.com\n", ",")],
)  # fmt: skip
def test_empty_cells_make_no_delimiter_of_two(text: str, delimiter: str, tmp_path: Path) -> None:
    made = proposed(tmp_path, text)
    assert f'  delimiter: "{delimiter}"' in active(made)
    assert made.hits["order.order_number"] == ("Order",)


def test_of_an_order_and_its_parts_the_number_that_each_row_has_is_taken(tmp_path: Path) -> None:
    made = proposed(
        tmp_path,
        "Parent Order Number,Sub-Order Number,Country,Email\n"
        "O-771,O-771-1,DE,a@example.com\nO-771,O-771-2,DE,a@example.com\nO-772,O-772-1,AT,b@example.com\n",
    )
    assert "  order_number: Sub-Order Number" in active(made)
    assert re.search("order_number: Sub-Order Number +# or is it Parent Order Number\\?", made.text)


def test_expressions_quote_names_only_where_they_must(tmp_path: Path) -> None:
    rows = "A1;DE;a@example.com;{};x;2;{}\n"
    head = "Auftrag;Land;Mail;PosID;Bezeichnung;Menge;Status\n"
    made = proposed(
        tmp_path, head + rows.format("77001", "NEU") + rows.format("", "STORNO") + rows.format("77002", "NEU")
    )  # fmt: skip
    assert "  when: PosID IS NOT NULL" in active(made)
    assert """    # when_all: "Status = 'STORNO'\"""" in made.text
    passes(made, tmp_path / "orders.csv", tmp_path)


@pytest.mark.parametrize(
    ("name", "concept"),
    [("Empfangvorname", "first_name"), ("EmpfangStrasse", "street"), ("Empfangort", "city"), ("EmpfangLKZ", "country"),
     ("Empf. PLZ", "postal_code"), ("Empfänger Ort", "city"), ("Nom du destinataire", "name"), ("Destinataire - Ville", "city"),
     ("CP de livraison", "postal_code"), ("Dirección de envío", "street"), ("Población del destinatario", "city"),
     ("Consignee City", "city"), ("Deliver to postcode", "postal_code"), ("Ship-to Street", "street"),
     ("Warenempfänger Strasse", "street"), ("Zustelladresse Ort", "city"), ("Adresse de livraison Ville", "city"),
     ("Dropoff City", "city"), ("Receiver's Name", "name"), ("LieferanschriftStr", "street"), ("Domicilio de entrega CP", "postal_code")],
)  # fmt: skip
def test_whose_a_column_is_stands_before_or_behind_what_it_is(name: str, concept: str) -> None:
    found = meanings(name)
    assert found, name
    assert (found[0].concept, found[0].role) == (concept, "ship")
