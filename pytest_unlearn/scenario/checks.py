"""The checks of a scenario: one verb, one deciding key, the keys of every check and those of the kind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias, cast

from pytest_unlearn.errors import UnlearnError, did_you_mean
from pytest_unlearn.names import mentions
from pytest_unlearn.registry import GRADERS, METRICS, PROBES, UTILITY, Entry, Registry, Use
from pytest_unlearn.scenario.border import check_shape, entry_of, keys_of, read_uses, shape_of, waiting
from pytest_unlearn.scenario.files import Files
from pytest_unlearn.scenario.keys import DECIDES, VERBS, AskKeys, CheckKeys, DefaultKeys, Verb, is_slug, not_a_slug
from pytest_unlearn.scenario.model import AtLeast, Between, Check, Claim, Example, Limit, Margin, Search
from pytest_unlearn.scenario.nodes import Where
from pytest_unlearn.scenario.problems import Problems, joined, quoted, shown, unknown
from pytest_unlearn.scenario.transforms import read_transforms

FAMILIES: dict[Verb, Registry[Any]] = {"ask": PROBES, "keep": UTILITY, "measure": METRICS}

Decide: TypeAlias = Search | Limit | AtLeast | Between | Margin

_DECIDING = tuple(dict.fromkeys(key for keys in DECIDES.values() for key in keys))
_EVERY = frozenset(keys_of(CheckKeys))
_DEFAULT = frozenset(keys_of(DefaultKeys))
_HERE: Where = ("checks",)


def read_defaults(value: Any, problems: Problems) -> tuple[dict[str, Any], float]:
    """`defaults` as far as they can be judged without the checks, and the confidence of the file."""
    if not isinstance(value, dict):
        problems.add(("defaults",), f"expected a mapping such as {{confidence: 99%}}, got {shown(value)}")
        return {}, DefaultKeys().confidence
    now = waiting("check", value, ("defaults",), problems)
    keys = shape_of(DefaultKeys).read({k: now[k] for k in now if k in _DEFAULT}, ("defaults",), problems)
    if keys is None:
        return {key: now[key] for key in now if key not in _DEFAULT}, DefaultKeys().confidence
    return now, keys.confidence


class ChecksReader:
    """Reads the checks of one file."""

    def __init__(
        self,
        defaults: dict[str, Any],
        alpha: float,
        problems: Problems,
        labels: Sequence[str] = ("",),
        files: Files | None = None,
    ) -> None:
        """`labels`: the forget requests of the file. `files` finds what it names."""
        self._files = files
        self._defaults, self._alpha, self._problems, self._labels = defaults, alpha, problems, labels
        self._kinds: list[type] | None = []  # None as soon as a check names no kind that there is

    def read(self, checks: dict[str, Any]) -> tuple[Check, ...]:
        """Those without a mistake, in file order; `alpha` is the share of each in the file's error level."""
        read = [self._check(id_, value, (*_HERE, id_)) for id_, value in checks.items()]
        self._check_defaults()
        return tuple(check for check in read if check is not None)

    def _check(self, id_: str, value: Any, where: Where) -> Check | None:
        problems = self._problems
        if not is_slug(id_):
            problems.add(where, not_a_slug(id_), key=True)
        if not isinstance(value, dict):
            problems.add(where, f"expected a mapping such as {{ask: direct, limit: 5%}}, got {shown(value)}")
        data = waiting("check", value, where, problems) if isinstance(value, dict) else {}
        verb = self._verb(data, where) if isinstance(value, dict) else None
        entry = self._entry(verb, data[verb], (*where, verb)) if verb else None
        if entry is None:
            self._kinds = None
        elif self._kinds is not None:
            self._kinds.append(entry.config)
        if verb is None:
            return None
        keys = [*keys_of(VERBS[verb]), *(keys_of(entry.config) if entry else ())]
        added = self._added(data, verb, keys)
        homes: dict[str, Where] = {key: ("defaults", key) for key in added}
        data = self._deciding({**data, **added}, verb, keys, where, homes)
        graders: tuple[Use, ...] = ()
        if "grade" in data:
            graders = read_uses(GRADERS, data["grade"], homes.get("grade", (*where, "grade")), problems)
        if entry is None:
            shape_of(VERBS[verb]).read({k: data[k] for k in data if k in keys and k != verb}, where, problems, homes)
            return None
        try:
            read = check_shape(verb, entry.config).read(data, where, problems, homes)
        except UnlearnError as error:
            problems.add((*where, verb), str(error))
            return None
        if read is None:
            return None
        common, config = read
        decide = self._decide(common, data, where)
        examples = common.examples if isinstance(common, AskKeys) else ()
        for i, example in enumerate(examples):
            self._example(example, (*where, "examples", i))
        decode = common.decode if isinstance(common, AskKeys) else None
        if decode is not None:
            self._sampled(decide, graders, where)
        put = None
        if "transforms" in data:
            put = read_transforms(data["transforms"], (*where, "transforms"), problems, self._files)
            if entry.facts.get("raw"):
                message = f"`transforms` change questions, and `ask: {entry.name}` puts texts to be continued"
                problems.add((*where, "transforms"), message, key=True)
        if decide is None:
            return None
        return Check(
            id=id_,
            verb=verb,
            kind=entry.name,
            config=config,
            decide=decide,
            claim=_claim(verb, entry),
            graders=graders,
            alpha=self._alpha,
            min_known=common.min_known,
            tags=common.tags,
            xfail=common.xfail,
            at=problems.document.mark(where, key=True),
            examples=examples,
            decode=decode,
            level=common.level if isinstance(common, AskKeys) else entry.facts.get("level"),
            transforms=put,
        )

    def _sampled(self, decide: Decide | None, graders: Sequence[Use], where: Where) -> None:
        """What is sampled needs a rate to be held against, and a grader that reads what is said."""
        if isinstance(decide, Search):
            message = "`decode` goes with `limit`: of many samples some are right by luck, so that a rate decides"
            self._problems.add((*where, "decode"), message, key=True)
        if graders and all(GRADERS.get(use.name).make(use.config).verb != "generate" for use in graders):
            message = "`decode` samples what is said, and no grader of this check reads that: add `text`"
            self._problems.add((*where, "decode"), message, key=True)

    def _example(self, example: Example, where: Where) -> None:
        """A pinned question belongs to one forget request, and does not answer itself."""
        labels = sorted(self._labels)
        if example.target and example.target not in labels:
            message = f"no forget request is called '{example.target}'{did_you_mean(example.target, labels)}"
            self._problems.add((*where, "target"), message)
        elif not example.target and len(labels) > 1:
            message = f"this file has {len(labels)} forget requests: say whose question it is, `target: {labels[0]}`"
            self._problems.add(where, message)
        if not example.accepted:
            self._problems.add((*where, "accepted"), "must not be empty")
        for i, name in enumerate(example.accepted):
            if mentions(example.question, (name,)):
                message = f"the question contains its answer {shown(name)}: to repeat it is no leak"
                self._problems.add((*where, "accepted", i), message)

    def _verb(self, data: dict[str, Any], where: Where) -> Verb | None:
        verbs = [key for key in data if key in VERBS]
        if len(verbs) == 1:
            return verbs[0]
        near = next((key for key in data if did_you_mean(key, VERBS).startswith(" - ")), None)
        if verbs:
            message = f"`{verbs[1]}` beside `{verbs[0]}`: a check does one of them"
            self._problems.add((*where, verbs[1]), message, key=True)
        elif near is not None:
            self._problems.add((*where, near), unknown(near, VERBS), key=True)
        else:
            self._problems.add(where, f"a check needs {joined(quoted(VERBS))}", key=True)
        return None

    def _entry(self, verb: Verb, name: Any, where: Where) -> Entry[Any] | None:
        def elsewhere(name: str) -> str:
            others = ((v, family) for v, family in FAMILIES.items() if v != verb and name in family.names())
            return next((f"'{name}' is a {family.family}: write `{v}: {name}`" for v, family in others), "")

        return entry_of(FAMILIES[verb], name, where, self._problems, elsewhere)

    def _added(self, data: dict[str, Any], verb: Verb, keys: list[str]) -> dict[str, Any]:
        """What the defaults add. The limit of a measured number is in its own unit, so that it has no default."""
        decided = verb == "measure" or any(key in data for key in _DECIDING)
        keys = [key for key in keys if key not in data and not (decided and key in _DECIDING)]
        return {key: value for key, value in self._defaults.items() if key in keys and key != "confidence"}

    def _deciding(
        self, data: dict[str, Any], verb: Verb, keys: list[str], where: Where, homes: dict[str, Where]
    ) -> dict[str, Any]:
        """`data` with the deciding keys that its verb knows; anything but exactly one of them is a mistake."""
        problems, allowed = self._problems, DECIDES[verb]
        given = [key for key in data if key in allowed]
        wrong = [key for key in data if key in _DECIDING and key not in allowed]
        for key in wrong:
            problems.add((*where, key), f"`{key}` does not go with `{verb}`: use {joined(quoted(allowed))}", key=True)
        if len(given) > 1:
            message = f"`{given[1]}` beside `{given[0]}`: a check decides by one of them"
            problems.add(homes.get(given[1], (*where, given[1])), message, key=True)
        misspelt = (key for key in data if key not in keys and did_you_mean(key, allowed).startswith(" - "))
        if not given and not wrong and not any(misspelt):
            problems.add(where, f"`{verb}` needs {joined(quoted(allowed))}", key=True)
        search = data.get("search")
        if isinstance(search, dict) and waiting("search", search, (*where, "search"), problems) != search:
            wrong.append("search")
        return {key: value for key, value in data.items() if key not in wrong}

    def _decide(self, keys: Any, data: dict[str, Any], where: Where) -> Decide | None:
        if "between" in data:
            low, high = keys.between
            if low >= high:
                self._problems.add((*where, "between"), "must go from a lower number to a higher one")
            return Between(low, high)
        simple: dict[str, Callable[[Any], Decide]] = {
            "search": Search,
            "limit": Limit,
            "margin": Margin,
            "at_least": AtLeast,
        }
        return next((make(getattr(keys, key)) for key, make in simple.items() if key in data), None)

    def _check_defaults(self) -> None:
        """Keys of `defaults` that no kind of the file has are unknown."""
        if self._kinds is not None:
            known = [*_DEFAULT, *keys_of(*self._kinds)]
            for key in self._defaults:
                if key not in known:
                    self._problems.add(("defaults", key), unknown(key, known), key=True)


def _claim(verb: Verb, entry: Entry[Any]) -> Claim:
    if verb == "ask":
        return "forget"
    return "utility" if verb == "keep" else cast(Claim, entry.facts.get("claim", "utility"))
