"""Write `pytest_unlearn/probes/templates/LANGUAGE.names.yaml`: what the countries of `source: countries` are called.

`python tools/make_names.py` with countryinfo 1.0.1 installed (MIT licence). A country that it does not know, or knows
by the same name, keeps its name; two that would be called alike keep theirs.
"""

from __future__ import annotations

import json
from collections import Counter
from importlib.metadata import version
from pathlib import Path

import yaml

PACKAGE = Path(__file__).parents[1] / "pytest_unlearn"
LANGUAGES = ("de", "es")
VERSION = "1.0.1"
HEADER = """\
# What countries are called, made by tools/make_names.py (edit that, not this) from countryinfo {version}
# (https://github.com/porimol/countryinfo), MIT licence. A name that is the same is left out.
language: {language}
names:
"""


def make(names: dict[str, str], language: str) -> str:
    """The file of one language."""
    twice = {name for name, count in Counter(names.values()).items() if count > 1}
    lines = [
        f"  {quoted(name)}: {quoted(said)}\n" for name, said in names.items() if said != name and said not in twice
    ]
    return HEADER.format(version=VERSION, language=language) + "".join(lines)


def quoted(text: str) -> str:
    """`text` as YAML, plain where it is letters and spaces."""
    return text if text.replace(" ", "").isalpha() else json.dumps(text, ensure_ascii=False)


def translated(countries: dict[str, list[str]], language: str) -> dict[str, str]:
    """The countries that the source knows by one of their names, with their name in a language."""
    from countryinfo import CountryInfo
    from countryinfo.exceptions import CountryNotFoundError

    found = {}
    for name, aliases in countries.items():
        for known in (name, *aliases):
            try:
                said = CountryInfo(known).translations().get(language)
            except CountryNotFoundError:
                continue
            if said:
                found[name] = said
            break
    return found


if __name__ == "__main__":
    if version("countryinfo") != VERSION:
        raise SystemExit(f"countryinfo {version('countryinfo')} is installed, the files are made by {VERSION}")
    text = (PACKAGE / "knowledge" / "sources" / "countries.knowledge.yaml").read_text(encoding="utf-8")
    entities = yaml.load(text, yaml.BaseLoader)["entities"]  # noqa: S506 - builds nothing but text
    countries = {
        name: entity.get("aliases", []) if isinstance(entity, dict) else []
        for name, entity in entities.items()
        if (entity if isinstance(entity, str) else entity["type"]) == "country"
    }
    for language in LANGUAGES:
        target = PACKAGE / "probes" / "templates" / f"{language}.names.yaml"
        target.write_text(make(translated(countries, language), language), encoding="utf-8", newline="\n")
        print(f"wrote {target}")
