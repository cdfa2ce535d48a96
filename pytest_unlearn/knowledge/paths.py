"""Chains of facts through what must be forgotten: counted, listed, and drawn uniformly without listing.

Draws are walks weighted by how many ways there are to complete them (dynamic programming over the hops), so that each
walk is equally likely; walks that meet an entity twice are drawn again. Going straight back is left out of the weights
already, since on sparse graphs most walks do.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, chain, islice
from random import Random
from typing import Literal, NamedTuple, TypeAlias

from pytest_unlearn.errors import UnlearnError
from pytest_unlearn.knowledge.closure import Closure
from pytest_unlearn.knowledge.graph import Fact, Knowledge

Position: TypeAlias = Literal["start", "bridge", "answer"]

COUNTED = 20_000  # chains are counted one by one up to here
_LOOKED_AT = 1_000_000  # steps that a count may take
_REJECTED = 10_000  # walks in a row that may meet an entity twice
_SEARCHED = 20_000  # steps that the search for a chain to a given end may take


class Step(NamedTuple):
    """One hop: forward from subject to object, else from object to subject. Symmetric relations go forward both ways."""

    relation: str
    forward: bool


@dataclass(frozen=True, slots=True)
class Chain:
    """Facts that lead from a start to an end, one a step, as they are stored. No entity occurs twice.

    `entities`: start, bridges, end. `unit`: the id of the target fact that the chain is about.
    """

    steps: tuple[Step, ...]
    facts: tuple[Fact, ...]
    entities: tuple[str, ...]
    unit: str

    @property
    def start(self) -> str:
        """The entity that the question names."""
        return self.entities[0]

    @property
    def end(self) -> str:
        """The entity that answers it."""
        return self.entities[-1]

    @property
    def bridges(self) -> tuple[str, ...]:
        """The entities that are walked through without being named."""
        return self.entities[1:-1]


class _Move(NamedTuple):
    """A step with its fact. `hit`: it brings a bridge chain to the forgotten thing."""

    near: str
    far: str
    step: Step
    fact: Fact
    hit: bool = False


_Moves: TypeAlias = dict[str, dict[str, tuple[_Move, ...]]]  # near to far to the steps between them


class _Choices(NamedTuple):
    """Where to go from an entity: far ends, cumulated numbers of completed walks, the place of each far end."""

    fars: list[str]
    sums: list[int]
    place: dict[str, int]

    def total(self) -> int:
        return self.sums[-1]

    def span(self, far: str) -> tuple[int, int]:
        """The numbers that fall to one far end; an empty span where it cannot be gone to."""
        at = self.place.get(far)
        return (0, 0) if at is None else (self.sums[at - 1] if at else 0, self.sums[at])


class Walks:
    """The chains of `hops` facts that are about a forgotten thing at one position.

    A chain is about `start` when it begins in a forgotten entity (or with a forgotten fact), else about `answer` when it
    ends in one, else about `bridge` when it leads through one. A forgotten fact counts by itself where neither of its
    ends is a forgotten entity. Every hop is one that the knowledge has words for: `noun` and `inverse_noun`, for the last
    one `ask` and `inverse`. Everything is deterministic given the knowledge.
    """

    def __init__(self, knowledge: Knowledge, closure: Closure, hops: int, position: Position) -> None:
        if hops < 1:
            raise ValueError(f"a chain has at least one hop, not {hops}")
        self.hops, self.position = hops, position
        self._closure = closure
        self._target = frozenset(closure.target)
        self._loose = frozenset(
            fact
            for fact in closure.target
            if fact.subject not in closure.entities and fact.object not in closure.entities
        )
        inner = [move for move in _moves(knowledge, last=False) if move.near != move.far] if hops > 1 else []
        final = [move for move in _moves(knowledge, last=True) if move.near != move.far]
        self._levels = self._allowed(inner, final)
        self._choices = self._weighed()

    def count(self) -> int | None:
        """How many chains there are; None when there are more than 20,000 or counting would take too long."""
        if self.hops <= 2:  # going straight back is the only way to meet an entity twice
            return sum(self._starts.values())
        found, looked = 0, 0
        for walk in self._search():
            looked += 1
            found += walk is not None
            if found > COUNTED or looked > _LOOKED_AT:
                return None
        return found

    def all(self, cap: int | None = None) -> Iterator[Chain]:
        """Every chain, or the first `cap`: by start, then hop by hop, in the order of the file."""
        return islice((self._chain(walk) for walk in self._search() if walk is not None), cap)

    def draw(self, random: Random) -> Chain:
        """A chain, each with the same chance; raises UnlearnError when there is none.

        Where almost every walk meets an entity twice, it is drawn from the first 20,000 chains instead.
        """
        for _ in range(_REJECTED if self._starts else 0):
            walk = self._walk(random)
            if len({walk[0].near, *(move.far for move in walk)}) == self.hops + 1:
                return self._chain(walk)
        if not self._few:
            raise UnlearnError(
                f"no chain of {self.hops} facts has the forgotten thing at its {self.position}: ask with fewer hops or "
                "other positions, or give more relations a `noun`"
            )
        return random.choice(self._few)

    @cached_property
    def _few(self) -> list[Chain]:
        return list(self.all(COUNTED))

    def _allowed(self, inner: Sequence[_Move], final: Sequence[_Move]) -> list[_Moves]:
        """The moves of each hop."""
        gone, loose, bridge = self._closure.entities, self._loose, self.position == "bridge"
        levels: list[_Moves] = []
        middle: _Moves | None = None
        for hop in range(self.hops):
            first, last = hop == 0, hop == self.hops - 1
            if not first and not last and middle is not None:
                levels.append(middle)
                continue
            moves: Iterable[_Move] = final if last else inner
            if first and self.position == "start":
                moves = (move for move in moves if move.near in gone or move.fact in loose)
            elif first:
                moves = (move for move in moves if move.near not in gone and move.fact not in loose)
            if last and self.position == "answer":
                moves = (move for move in moves if move.far in gone or move.fact in loose)
            elif last and bridge:
                moves = (move for move in moves if move.far not in gone and move.fact not in loose)
            elif bridge:
                moves = (
                    move._replace(hit=True) if move.far in gone or (not first and move.fact in loose) else move
                    for move in moves
                )
            levels.append(_grouped(moves))
            if not first and not last:
                middle = levels[-1]
        return levels

    def _weighed(self) -> list[dict[bool, dict[str, _Choices]]]:
        """For each hop, by whether the forgotten thing was met before it: the choices from each entity."""
        found: list[dict[bool, dict[str, _Choices]]] = [{} for _ in range(self.hops)]
        for hop in range(self.hops - 1, -1, -1):
            for met in (False, True) if self.position == "bridge" else (True,):
                choices: dict[str, _Choices] = {}
                for near, fars in self._levels[hop].items():
                    kept, weights = [], []
                    for far, moves in fars.items():
                        weight = sum(self._completions(found, hop + 1, met or move.hit, near, far) for move in moves)
                        if weight:
                            kept.append(far)
                            weights.append(weight)
                    if kept:
                        places = {far: at for at, far in enumerate(kept)}
                        choices[near] = _Choices(kept, list(accumulate(weights)), places)
                found[hop][met] = choices
        return found

    def _completions(
        self, found: list[dict[bool, dict[str, _Choices]]], hop: int, met: bool, before: str, here: str
    ) -> int:
        """How many walks go on from `here` by the hops from `hop`, without going straight back to `before`."""
        if hop == self.hops:
            return int(met)
        choices = found[hop][met].get(here)
        if choices is None:
            return 0
        low, high = choices.span(before)
        return choices.total() - (high - low)

    @cached_property
    def _starts(self) -> dict[str, int]:
        """How many walks begin at each entity."""
        return {near: choices.total() for near, choices in self._choices[0][self.position != "bridge"].items()}

    @cached_property
    def _start_sums(self) -> tuple[list[str], list[int]]:
        return list(self._starts), list(accumulate(self._starts.values()))

    def _walk(self, random: Random) -> list[_Move]:
        """A walk that never goes straight back, each with the same chance."""
        names, sums = self._start_sums
        here = names[bisect_right(sums, random.randrange(sums[-1]))]
        before = ""
        met = self.position != "bridge"
        walk: list[_Move] = []
        for hop in range(self.hops):
            choices = self._choices[hop][met][here]
            low, high = choices.span(before) if walk else (0, 0)
            number = random.randrange(choices.total() - (high - low))
            if number >= low:
                number += high - low
            at = bisect_right(choices.sums, number)
            number -= choices.sums[at - 1] if at else 0
            far = choices.fars[at]
            for move in self._levels[hop][here][far]:
                number -= self._completions(self._choices, hop + 1, met or move.hit, here, far)
                if number < 0:
                    break
            walk.append(move)
            met, before, here = met or move.hit, here, far
        return walk

    def _search(self) -> Iterator[list[_Move] | None]:
        """Every walk that meets no entity twice, depth first; None for each step that was looked at besides."""
        walk: list[_Move] = []

        def onward(here: str, met: bool) -> Iterator[_Move]:
            hop = len(walk)
            choices = self._choices[hop][met].get(here)
            for far in choices.fars if choices else ():
                for move in self._levels[hop][here][far]:
                    if self._completions(self._choices, hop + 1, met or move.hit, here, far):
                        yield move

        for start in self._starts:
            seen = {start}
            met = [self.position != "bridge"]
            open = [onward(start, met[0])]
            while open:
                move = next(open[-1], None)
                if move is None:
                    open.pop()
                    met.pop()
                    if walk:
                        seen.discard(walk.pop().far)
                elif move.far in seen:
                    yield None
                elif len(walk) == self.hops - 1:
                    yield [*walk, move]
                else:
                    walk.append(move)
                    seen.add(move.far)
                    met.append(met[-1] or move.hit)
                    open.append(onward(move.far, met[-1]))
                    yield None

    def _chain(self, walk: Sequence[_Move]) -> Chain:
        facts = tuple(move.fact for move in walk)
        if self._closure.entities:
            about = next(fact for fact in facts if fact in self._target)
        elif self.position == "bridge":
            about = next(fact for fact in facts[1:-1] if fact in self._target)
        else:
            about = facts[0] if self.position == "start" else facts[-1]
        entities = (walk[0].near, *(move.far for move in walk))
        return Chain(tuple(move.step for move in walk), facts, entities, about.id)


def ends(knowledge: Knowledge, start: str, steps: Sequence[tuple[str, bool]]) -> tuple[str, ...]:
    """Every entity, `start` excepted, that the steps lead to from `start`: the true answers of a chain's question."""
    return tuple(name for name in _levels_from(knowledge, start, steps)[-1] if name != start)


def secret_ends(
    knowledge: Knowledge, closure: Closure, start: str, steps: Sequence[tuple[str, bool]]
) -> tuple[str, ...]:
    """The ends that are reached only through facts that must be gone: giving one reveals the target.

    An end to which every walk leads through some entity twice is not among them: repeating a bridge reveals nothing.
    """
    levels = _levels_from(knowledge, start, steps)
    open = {name for name in _levels_from(knowledge, start, steps, closure)[-1]} | {start}
    hidden = [name for name in levels[-1] if name not in open]
    simple = _simply_reached(knowledge, levels, steps, frozenset(hidden))
    return tuple(name for name in hidden if name in simple)


def _levels_from(
    knowledge: Knowledge, start: str, steps: Sequence[tuple[str, bool]], without: Closure | None = None
) -> list[dict[str, None]]:
    """The entities reached after each step, the start before the first."""
    levels: list[dict[str, None]] = [{start: None}]
    for relation, forward in steps:
        index = knowledge.out if forward else knowledge.into
        reached = dict.fromkeys(
            chain.from_iterable(
                index.get((name, relation), ())
                if without is None or (name, relation, forward) not in without.cut
                else _kept(index.get((name, relation), ()), without.cut[name, relation, forward])
                for name in levels[-1]
            )
        )
        levels.append(reached)
    return levels


def _kept(names: Iterable[str], cut: frozenset[str]) -> list[str]:
    return [name for name in names if name not in cut]


def _simply_reached(
    knowledge: Knowledge,
    levels: Sequence[dict[str, None]],
    steps: Sequence[tuple[str, bool]],
    wanted: frozenset[str],
) -> frozenset[str]:
    """Those of `wanted` that a chain meeting no entity twice leads to; all that are left when it takes too long."""
    leading: list[set[str]] = [set(wanted)]  # from the last level back: what leads to any wanted end
    for level, (relation, forward) in zip(reversed(levels[:-1]), reversed(steps), strict=True):
        index = knowledge.out if forward else knowledge.into
        leading.append({name for name in level if not leading[-1].isdisjoint(index.get((name, relation), ()))})
    leading.reverse()
    left = set(wanted)
    steps_taken = 0

    def visit(path: list[str]) -> None:
        nonlocal steps_taken
        relation, forward = steps[len(path) - 1]
        useful = left if len(path) == len(steps) else leading[len(path)]
        for name in (knowledge.out if forward else knowledge.into).get((path[-1], relation), ()):
            if not left or steps_taken > _SEARCHED:
                return
            steps_taken += 1
            if name not in useful or name in path:
                continue
            if len(path) == len(steps):
                left.discard(name)
            else:
                visit([*path, name])

    if wanted:
        visit([next(iter(levels[0]))])
    return wanted if steps_taken > _SEARCHED else wanted - left


def _moves(knowledge: Knowledge, *, last: bool) -> Iterator[_Move]:
    """Every step that there are words for, as the last hop or as one before it. Each way between two entities once."""
    for fact in knowledge.facts:
        relation = knowledge.relations[fact.relation]
        if relation.ask if last else relation.noun:
            step = Step(fact.relation, True)
            yield _Move(fact.subject, fact.object, step, fact)
            if relation.symmetric and Fact(fact.object, fact.relation, fact.subject) not in knowledge.stored:
                yield _Move(fact.object, fact.subject, step, fact)
        if not relation.symmetric and (relation.inverse if last else relation.inverse_noun):
            yield _Move(fact.object, fact.subject, Step(fact.relation, False), fact)


def _grouped(moves: Iterable[_Move]) -> _Moves:
    found: dict[str, dict[str, list[_Move]]] = defaultdict(lambda: defaultdict(list))
    for move in moves:
        found[move.near][move.far].append(move)
    return {near: {far: tuple(between) for far, between in fars.items()} for near, fars in found.items()}
