"""A suggestion is a typo's likely meaning; where none is likely there is none."""

import pytest

from pipeline.model import likeness
from pipeline.model.likeness import nearest

COLUMNS = ["Order", "Land", "Email", "Price", "Name", "Pos", "Qty", "Order Date", "Status"]
FIELDS = ["account", "order_number", "order_date", "order_currency", "recipient_email", "recipient_name",
    "customer_number", "destination_country_iso3"]  # fmt: skip


@pytest.mark.parametrize(
    ("word", "meant"),
    [("Landd", "Land"), ("Mail", "Email"), ("Nme", "Name"), ("OrderDate", "Order Date"), ("Stat", "Status"),
     ("status ", "Status"), ("Ordernumber", "Order"), ("Priec", "Price")],
)  # fmt: skip
def test_a_typo_or_a_short_form_of_a_column_is_recognised(word: str, meant: str) -> None:
    assert nearest(word, COLUMNS) == meant


@pytest.mark.parametrize(
    "word",
    ["Number", "Station", "Country", "Nr", "Postal", "Preise und Rabatte", "EUR", "", " ", "x"],
)
def test_a_word_of_another_meaning_brings_no_suggestion(word: str) -> None:
    assert nearest(word, COLUMNS) is None


@pytest.mark.parametrize(
    ("word", "meant"),
    [("recipient_mail", "recipient_email"), ("ordernumber", "order_number"), ("email", "recipient_email"),
     ("currency", "order_currency"), ("country", "destination_country_iso3"),
     ("customer_email", None), ("recipient_phone", None), ("city", None)],
)  # fmt: skip
def test_fields_of_several_words_are_compared_word_by_word(word: str, meant: str | None) -> None:
    assert nearest(word, FIELDS) == meant


def test_parts_are_not_meant_where_only_typos_count() -> None:
    assert nearest("STORNO", ["StornoMenge"]) == "StornoMenge"
    assert nearest("STORNO", ["StornoMenge"], parts=False) is None


def test_of_many_long_names_few_are_compared_letter_by_letter(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compared: list[str] = []
    count = likeness._changes

    def counted(a: str, b: str) -> int:
        compared.append(b)
        return count(a, b)

    monkeypatch.setattr(likeness, "_changes", counted)
    names = [f"{'column' * length}{n}" for n in range(500) for length in (12, 300)]
    assert nearest("columm" * 12 + "7", names) is None
    assert nearest("columm" * 300 + "7", names) is None
    assert len(compared) <= 3 * likeness._TRIED_MAX
