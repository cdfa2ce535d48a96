"""A made-up hierarchy of hospitals, patients, studies and sections, drawn from a seed and written as a knowledge file.

As in `generate`, every name is invented and values are spread evenly. One patient in eight has a study together with
the next: it stays when one of the two leaves.
"""

from __future__ import annotations

from random import Random
from typing import Any

from pytest_unlearn.worlds.generate import inventor, spread, written

LEVELS = ("hospital", "patient", "study", "section")
SHARED = 8  # patients of whom one has a study together with the next
DOCTORS = 6  # of each hospital
RELATIONS: dict[str, dict[str, Any]] = {
    "town": {
        "ask": ["In which town is {subject}?", "What is the town of {subject}?"],
        "say": "{subject} is in {object}.",
    },
    "director": {
        "ask": ["Who is the director of {subject}?", "By whom is {subject} run?"],
        "inverse": ["Which hospital does {object} run?"],
        "say": "{subject} is run by {object}.",
    },
    "works_at": {
        "ask": ["At which hospital does {subject} work?", "Where is {subject} on duty?"],
        "say": "{subject} works at {object}.",
    },
    "treated_at": {
        "within": True,
        "ask": ["Where is {subject} treated?", "In which hospital is the bed of {subject}?"],
        "say": "{subject} is treated at {object}.",
        "noun": "the hospital that treats {subject}",
    },
    "illness": {
        "ask": ["What is {subject} ill with?", "From what does {subject} suffer?", "What is wrong with {subject}?"],
        "inverse": ["Who is ill with {object}?"],
        "say": "{subject} is ill with {object}.",
    },
    "doctor": {
        "ask": ["Who is the doctor of {subject}?", "Who looks after {subject}?", "Whom does {subject} consult?"],
        "inverse": ["Whom does {object} look after?"],
        "say": "{subject} is looked after by {object}.",
        "noun": "the doctor of {subject}",
    },
    "drug": {
        "ask": ["Which drug does {subject} take?", "What is given to {subject}?", "What helps {subject}?"],
        "inverse": ["Who takes {object}?"],
        "say": "{subject} takes {object}.",
    },
    "allergy": {
        "ask": ["What is {subject} allergic to?", "What must {subject} avoid?", "What makes {subject} sneeze?"],
        "inverse": ["Who is allergic to {object}?"],
        "say": "{subject} is allergic to {object}.",
    },
    "study_of": {
        "within": True,
        "many": True,
        "ask": ["Of whom is the study {subject}?", "Which patient was seen in {subject}?"],
        "say": "{subject} is a study of {object}.",
        "noun": "the patient of the study {subject}",
    },
    "device": {
        "ask": ["On which device was {subject} made?", "What was used for {subject}?", "Which machine made {subject}?"],
        "say": "{subject} was made on {object}.",
    },
    "section_of": {
        "within": True,
        "ask": ["To which study does {subject} belong?", "What is {subject} a section of?"],
        "say": "{subject} is a section of {object}.",
        "noun": "the study of the section {subject}",
    },
    "finding": {
        "ask": ["What does {subject} report?", "What is found in {subject}?", "Which finding stands in {subject}?"],
        "inverse": ["Which section reports {object}?"],
        "say": "{subject} reports {object}.",
    },
}
"""The wordings, in levels from the top down."""

ENDINGS = {
    "hospital": "rest well heal",
    "town": "burg ford ham wick mouth stad",
    "doctor": "son ley man ert",
    "patient": "a e is on y el ard en",
    "study": "gram scan",
    "section": "note text mark",
    "illness": "itis osis pox ache",
    "drug": "cain mab ol",
    "plant": "wort weed grass",
    "device": "ette phone ello tron",
    "finding": "oid ule oma ine",
    "nickname": "bo ka zi po mi tu",
}


def patients(hospitals: int = 4, size: int = 24, seed: int = 0) -> str:
    """The YAML text of a knowledge file about `size` patients of some hospitals; the same text for the same numbers.

    Each patient has two studies of three sections each. Every type is closed. Raises ValueError where there are not two
    hospitals with two patients each.
    """
    if hospitals < 2 or size < 2 * hospitals:
        raise ValueError(
            f"{size} patients of {hospitals} hospitals are too few: give 2 hospitals, and 2 patients of each"
        )
    random = Random(seed)
    numbers = {"hospital": hospitals, "town": hospitals + 4, "doctor": DOCTORS * hospitals, "patient": size}
    numbers |= {
        "study": 2 * size,
        "section": 6 * size,
        "illness": size // 2,
        "drug": size,
        "plant": size,
        "device": 8,
        "finding": 36,
    }
    invent = inventor(random, ENDINGS, RELATIONS)
    names = {kind: [next(invent[kind]) for _ in range(n)] for kind, n in numbers.items()}
    entities: dict[str, Any] = {name: {"type": kind} for kind, of_kind in names.items() for name in of_kind}
    for number, name in enumerate(names["patient"], 1):
        entities[name] |= {"aliases": [f"patient {number}", next(invent["nickname"])]}
    content = {
        "levels": list(LEVELS),
        "types": {kind: {"closed": True} for kind in names},
        "entities": entities,
        "relations": RELATIONS,
        "facts": _facts(names, random),
    }
    return written(f"# A made-up world of {size} patients, seed {seed}: every name is invented.\n", content)


def _facts(names: dict[str, list[str]], random: Random) -> dict[str, dict[str, Any]]:
    hospitals, doctors, ill = names["hospital"], names["doctor"], names["patient"]
    studies, sections = names["study"], names["section"]
    treated = {patient: hospitals[i * len(hospitals) // len(ill)] for i, patient in enumerate(ill)}
    works = {doctor: hospitals[i // DOCTORS] for i, doctor in enumerate(doctors)}
    looked_after = {p: random.choice([d for d in doctors if works[d] == treated[p]]) for p in ill}
    of: dict[str, list[str]] = {study: [ill[i // 2]] for i, study in enumerate(studies)}
    for i in range(0, len(ill) - 1, SHARED):
        if treated[ill[i]] == treated[ill[i + 1]]:
            of[studies[2 * i]].append(ill[i + 1])
    return {
        "town": dict(zip(hospitals, random.sample(names["town"], len(hospitals)), strict=True)),
        "director": {h: random.choice([d for d in doctors if works[d] == h]) for h in hospitals},
        "works_at": works,
        "treated_at": treated,
        "illness": dict(zip(ill, spread(names["illness"], len(ill), random), strict=True)),
        "doctor": looked_after,
        "drug": dict(zip(ill, spread(names["drug"], len(ill), random), strict=True)),
        "allergy": dict(zip(ill, spread(names["plant"], len(ill), random), strict=True)),
        "study_of": {study: patients if len(patients) > 1 else patients[0] for study, patients in of.items()},
        "device": dict(zip(studies, spread(names["device"], len(studies), random), strict=True)),
        "section_of": {section: studies[i // 3] for i, section in enumerate(sections)},
        "finding": dict(zip(sections, spread(names["finding"], len(sections), random), strict=True)),
    }
