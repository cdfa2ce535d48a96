"""The world's countries of more than one million people: their capitals, continents, currencies and neighbours.

157 countries, 37 of them in Europe, with 150 capitals, 6 continents, 70 currencies and 285 pairs of neighbours. They
stand in `countries.knowledge.yaml`, made by `tools/make_countries.py`, which gives a reason for every correction.

- Left out: capitals that are shared or disputed, and Singapore's, which has the country's name; Zimbabwe's currency,
  which changed twice in a decade; territories and countries of fewer than a million people, also as neighbours. What is
  left out is never asked for; as an answer it counts as no answer.
- A currency goes by its unit's name alone, "rupee" for India and Pakistan alike: the adjective would give it away.
- A country has the one continent that GeoNames counts it to: Russia and Cyprus in Europe, Turkey and Georgia in Asia.
- Official languages are not in it, since most of their names can be guessed from the country's.

Data: GeoNames (https://www.geonames.org), CC BY 4.0, selected and corrected; checked against countryinfo (MIT licence).
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import as_file, files
from typing import Any

from pytest_unlearn.knowledge.build import source
from pytest_unlearn.scenario.nodes import read_yaml


@dataclass(frozen=True, slots=True, kw_only=True)
class CountriesConfig:
    """Nothing to set."""


@source("countries")
def countries(config: CountriesConfig) -> dict[str, Any]:
    """The knowledge file as plain data: `types`, `relations`, `entities`, `facts`."""
    with as_file(files(__package__) / "countries.knowledge.yaml") as path:
        data: dict[str, Any] = read_yaml(path).data
    return data
