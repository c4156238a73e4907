"""Order files of a warehouse, as large as you like and the same on every machine.

python bench/generate.py --rows 300000 out.csv
python bench/generate.py --rows 5000000 --shuffled --faults 0.01 out.csv

One row per order line, 30 columns, about three lines per order; semicolons, Windows-1252, decimal
comma, ISO-2 countries. `--shuffled` puts the rows in any order, `--faults` is the share of rows with
a damaged cell. The mapping that reads them is bench/orders.yaml.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import polars as pl

MAPPING = Path(__file__).with_name("orders.yaml")
SEED = 20261120
CHUNK = 250_000  # rows that are in memory at once

FIRST = ("Anna", "Jörg", "Zoë", "Peter", "Renée", "Björn", "Ute", "Karl-Heinz", "Sümeyye", "Tom")
LAST = ("Müller", "Weiß", "O'Brien", "Lefèvre", "Nuñez", "Öztürk", "Schmidt", "de Vries", "Bauer")
STREETS = ("Straße der Einheit", "Am Alten Markt", "Rue de l'Église", "Hauptstr.", "Kerkstraat")
PLACES = (("DE", "München", "80331"), ("DE", "Dresden", "1067"), ("DE", "Köln", "50667"),
          ("AT", "Wien", "1010"), ("FR", "Orléans", "45000"), ("NL", "Utrecht", "3511"),
          ("PL", "Poznan", "61-001"), ("ES", "Málaga", "29001"))  # fmt: skip
GOODS = ("Hemd, blau", "Hose schwarz", "Schuh 42", "Gürtel", "Kaffeemühle groß", "Kissen 40x40",
         "Lampe", "Tisch Eiche", "Stuhl", "Regal weiß", "Topf 3 l")  # fmt: skip
COURIERS = ("DHL", "DPD", "GLS", "UPS", "HERMES")
NOTES = ("", "", "", "bitte klingeln", "Hinterhaus", "nicht knicken", "", "beim Nachbarn abgeben")
# A damaged cell: the column, and what stands there instead of what belongs there.
DAMAGE = (("Land", "XX"), ("Menge", "zwei"), ("Bestellt", "31.02.2026 25:00"),
          ("Einzelpreis", "12,3,4"), ("EMail", "anna(at)example.com"), ("Gewicht", "leicht"),
          ("Frachtfuehrer", "BRIEFTAUBE"), ("AuftragsNr", ""), ("Hinweis", "zu;viele;Felder"))  # fmt: skip


def _pick(choices: tuple[str, ...], at: np.ndarray) -> pl.Series:
    return pl.Series(choices, dtype=pl.String).gather(at % len(choices))


def _mix(numbers: np.ndarray, salt: int) -> np.ndarray:
    """The same number gives the same chance, wherever its row lies (splitmix64)."""
    x = (numbers.astype(np.uint64) + np.uint64(salt + SEED)) * np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    return (x ^ (x >> np.uint64(27))) >> np.uint64(8)


def _texts(numbers: np.ndarray, form: str) -> pl.Series:
    return pl.select(pl.format(form, pl.Series(numbers, dtype=pl.Int64))).to_series()


def _frame(order: np.ndarray, line: np.ndarray) -> pl.DataFrame:
    """The rows of some order lines; what belongs to the order depends on its number alone."""

    def chance(salt: int, below: int) -> np.ndarray:
        return (_mix(order, salt) % np.uint64(below)).astype(np.int64)

    own = order.astype(np.int64) * 16 + line
    place = chance(4, len(PLACES))
    item = (_mix(own, 5) % np.uint64(5000)).astype(np.int64)
    cents = (_mix(own, 6) % np.uint64(250_000)).astype(np.int64) + 99
    moment = pl.Series((chance(7, 300 * 1440) * 60 + 1_767_250_000) * 1000).cast(pl.Datetime("ms"))
    first, last = _pick(FIRST, chance(1, 997)), _pick(LAST, chance(2, 997))
    sent = chance(8, 10) > 1
    parcel = pl.Series(chance(9, 10**12))
    columns = {
        "AuftragsNr": _texts(order + 40_000_000, "A{}"),
        "PosNr": pl.Series(line + 1).cast(pl.String),
        "PosID": _texts(own, "P{}"),
        "Typ": _pick(("B2C",) * 199 + ("TEST",), chance(10, 200)),
        "Status": _pick(("NEU", "VERSANDT"), sent.astype(np.int64)),
        "KundenNr": _texts(chance(11, 900_000) + 100_000, "K{}"),
        "Vorname": first,
        "Nachname": last,
        "Strasse": _pick(STREETS, chance(3, 997)),
        "HausNr": pl.Series(chance(12, 120) + 1).cast(pl.String),
        "PLZ": _pick(tuple(p[2] for p in PLACES), place),
        "Ort": _pick(tuple(p[1] for p in PLACES), place),
        "Land": _pick(tuple(p[0] for p in PLACES), place),
        "EMail": _texts(chance(13, 900_000), "Kunde.{}@example.com"),
        "Telefon": _texts(chance(14, 9_000_000) + 1_000_000, "+49 151 {}"),
        "Sprache": _pick(("DE", "DE", "FR", "NL", ""), chance(15, 5)),
        "Bestellt": moment.dt.strftime("%d.%m.%Y %H:%M"),
        "Wunschtermin": moment.dt.offset_by("3d").dt.strftime("%d.%m.%Y"),
        "Versandart": _pick(("STD", "STD", "STD", "EXP"), chance(16, 4)),
        "Lager": _pick(("Nord 1", "Nord 2", "Süd"), chance(17, 3)),
        "Waehrung": _pick(("EUR",), order),
        "SKU": _texts(item, "SKU-{}"),
        "Bezeichnung": _pick(GOODS, item),
        "Menge": pl.Series(item % 4 + 1).cast(pl.String),
        "Einzelpreis": (pl.Series(cents // 100).cast(pl.String) + "," + pl.Series(cents % 100).cast(pl.String).str.zfill(2)),
        "Gewicht": _texts(item % 9 + 1, "0,{}50"),
        "Paket": pl.select(
            pl.when(pl.Series(sent)).then(pl.format("JJD{}", parcel)).otherwise(pl.lit(""))
        ).to_series(),
        "Frachtfuehrer": _pick(COURIERS, chance(18, 5)),
        "Geschenk": _pick(("N", "N", "N", "J"), chance(19, 4)),
        "Hinweis": _pick(NOTES, chance(20, len(NOTES))),
    }  # fmt: skip
    return pl.DataFrame(columns)


def _damaged(frame: pl.DataFrame, numbers: np.ndarray, share: float) -> pl.DataFrame:
    hit = (_mix(numbers, 99) % np.uint64(1_000_000)) < share * 1_000_000
    which = pl.Series((_mix(numbers, 98) % np.uint64(len(DAMAGE))).astype(np.int64))
    hits = pl.Series(hit)
    return frame.with_columns(
        pl.when(hits & (which == nth)).then(pl.lit(text)).otherwise(pl.col(name)).alias(name)
        for nth, (name, text) in enumerate(DAMAGE)
    )


def generate(path: Path, rows: int, *, shuffled: bool = False, faults: float = 0.0) -> None:
    """Write a file of so many order lines; the same arguments make the same bytes."""
    chance = np.random.default_rng(SEED)
    sizes = chance.integers(1, 6, size=rows // 3 + rows // 30 + 10)  # 1 to 5 lines, 3 on average
    while sizes.sum() < rows:
        sizes = np.concatenate([sizes, sizes])
    orders = np.repeat(np.arange(sizes.size, dtype=np.int64), sizes)[:rows]
    starts = np.cumsum(sizes) - sizes
    lines = np.arange(rows) - starts[orders]
    at = chance.permutation(rows) if shuffled else np.arange(rows)
    with path.open("wb") as file:
        for start in range(0, rows, CHUNK):
            taken = at[start : start + CHUNK]
            frame = _frame(orders[taken], lines[taken])
            if faults:
                frame = _damaged(frame, taken, faults)
            text = frame.write_csv(
                separator=";",
                include_header=start == 0,
                quote_style="never",
                line_terminator="\r\n",
            )
            file.write(text.encode("cp1252"))


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    options.add_argument("path", type=Path)
    options.add_argument("--rows", type=int, default=300_000)
    options.add_argument("--shuffled", action="store_true")
    options.add_argument("--faults", type=float, default=0.0)
    chosen = options.parse_args()
    began = time.perf_counter()
    generate(chosen.path, chosen.rows, shuffled=chosen.shuffled, faults=chosen.faults)
    size = chosen.path.stat().st_size / 1e6
    print(
        f"{chosen.path}: {chosen.rows} rows, {size:.0f} MB in {time.perf_counter() - began:.1f} s"
    )


if __name__ == "__main__":
    main()
