"""Chains of facts through what must be forgotten: counted, listed, and drawn uniformly without listing.

Draws are walks weighted by how many ways there are to complete them (dynamic programming over the hops), so that each
walk is equally likely; walks that meet an entity twice are drawn again. Going straight back is left out of the weights
already, since on sparse graphs most walks do.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, islice
from random import Random
from typing import Literal, TypeAlias

from pytest_unlearn.errors import UnlearnError
from pytest_unlearn.knowledge.closure import Closure, Cut
from pytest_unlearn.knowledge.graph import Fact, Knowledge
from pytest_unlearn.knowledge.ways import Move, Step

Position: TypeAlias = Literal["start", "bridge", "answer"]

COUNTED = 20_000  # chains are counted one by one up to here
_LOOKED_AT = 1_000_000  # steps that a count may take
_REJECTED = 10_000  # walks in a row that may meet an entity twice
_SEARCHED = 20_000  # steps that the search for one chain may take


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


class Walks:
    """The chains of `hops` facts that are about a forgotten thing at one position.

    A chain is about `start` when it begins in a forgotten entity (or with a forgotten fact), else about `answer` when
    it ends in one, else about `bridge` when it leads through one. A forgotten fact counts by itself where neither of
    its ends is a forgotten entity. Every hop is one that the knowledge has words for: `noun` and `inverse_noun`, for
    the last one `ask` and `inverse`. Everything is deterministic given the knowledge.
    """

    def __init__(self, knowledge: Knowledge, closure: Closure, hops: int, position: Position) -> None:
        if hops < 1:
            raise ValueError(f"a chain has at least one hop, not {hops}")
        self.hops, self.position = hops, position
        self._closure, self._target = closure, frozenset(closure.target)
        self._loose = frozenset(
            fact
            for fact in closure.target
            if fact.subject not in closure.entities and fact.object not in closure.entities
        )
        self._ways = knowledge.ways
        self._gone = {number for number, name in enumerate(self._ways.names) if name in closure.entities}
        self._met = position != "bridge"  # whether a chain need not look for the forgotten thing on its way
        self._shares: dict[tuple[int, bool], list[list[int]]] = {}
        self._totals: dict[tuple[int, bool], list[int]] = {}
        self._sums: dict[tuple[int, bool, int], list[int]] = {}
        special = self._special()
        for hop in range(hops - 1, -1, -1):
            for met in (True,) if self._met else (True, False):
                self._weigh(hop, met, special)

    def count(self) -> int | None:
        """How many chains there are; None when there are more than 20,000 or counting would take too long."""
        if self.hops <= 2:  # going straight back is the only way to meet an entity twice
            return self._all_walks
        found = 0
        for looked, walk in enumerate(self._search()):
            found += walk is not None
            if found > COUNTED or looked > _LOOKED_AT:
                return None
        return found

    def some(self) -> bool:
        """Whether there is a chain; also True where looking for one would take too long."""
        if self.hops <= 2 or not self._all_walks:
            return self._all_walks > 0
        return any(walk is not None or looked == _SEARCHED for looked, walk in enumerate(self._search()))

    def all(self, cap: int | None = None) -> Iterator[Chain]:
        """Every chain, or the first `cap`, depth first in the order of the file."""
        return islice((self._chain(*walk) for walk in self._search() if walk is not None), cap)

    def find(self, start: str, facts: Sequence[str]) -> Chain | None:
        """The chain that follows facts, by their ids, from a start; None when it is not one of these."""
        if len(facts) != self.hops or start not in self._ways.names:
            return None
        places, moves, met = [self._ways.names.index(start)], list[Move](), self._met
        for hop, wanted in enumerate(facts):
            for there, move, now in self._from(hop, met, places[-1]):
                if move is not None and move.fact.id == wanted and there not in places:
                    places.append(there)
                    moves.append(move)
                    met = now
                    break
            else:
                return None
        return self._chain(places, moves)

    def draw(self, random: Random) -> Chain:
        """A chain, each with the same chance; raises UnlearnError when there is none.

        Where almost every walk meets an entity twice, it is drawn from the first 20,000 chains instead.
        """
        for _ in range(_REJECTED if self._all_walks else 0):
            places, moves = self._walk(random)
            if len(set(places)) == len(places):
                return self._chain(places, moves)
        if not self._few:
            raise UnlearnError(
                f"no chain of {self.hops} facts has the forgotten thing at its {self.position}: ask with fewer hops or "
                "other positions, or give more relations a `noun`"
            )
        return random.choice(self._few)

    @cached_property
    def _few(self) -> list[Chain]:
        return list(self.all(COUNTED))

    @cached_property
    def _all_walks(self) -> int:
        """How many walks there are that never go straight back."""
        return sum(self._totals[0, self._met])

    def _allows(self, hop: int, here: int, there: int, move: Move) -> bool:
        """Whether a chain about this position may take a move at a hop."""
        loose = move.fact in self._loose
        first, last = hop == 0, hop == self.hops - 1
        if not (move.final if last else move.inner):
            return False
        if first and (here in self._gone or loose) is not (self.position == "start"):
            return False
        if last and self.position != "start":
            return (there in self._gone or loose) is (self.position == "answer")
        return True

    def _meets(self, hop: int, there: int, move: Move) -> bool:
        """Whether a move before the last leads into the forgotten thing, or along it."""
        return hop < self.hops - 1 and (there in self._gone or (hop > 0 and move.fact in self._loose))

    def _special(self) -> dict[int, list[int]]:
        """The ways from each entity that touch the forgotten thing; all others are allowed or not alike."""
        found: dict[int, list[int]] = {}
        for here, (theres, between) in enumerate(zip(self._ways.theres, self._ways.moves, strict=True)):
            if here in self._gone:
                found[here] = list(range(len(theres)))
            elif self._loose or not self._gone.isdisjoint(theres):
                found[here] = [
                    way
                    for way, there in enumerate(theres)
                    if there in self._gone or (self._loose and any(move.fact in self._loose for move in between[way]))
                ]
        return found

    def _weigh(self, hop: int, met: bool, special: dict[int, list[int]]) -> None:
        """How many walks take each way at a hop, and go on from there."""
        ways, last = self._ways, hop == self.hops - 1
        barred = (hop == 0 and self.position == "start") or (last and (self.position == "answer" or not met))
        shares: list[list[int]] = []
        numbers = ways.final if last else ways.inner
        after = None if last else (self._totals[hop + 1, met], self._shares[hop + 1, met])
        for here, theres in enumerate(ways.theres):
            if barred:
                share = [0] * len(theres)
            elif after is None:
                share = [*numbers[here]]
            else:
                totals, onward = after
                share = [
                    number * (totals[there] - onward[there][back])
                    for number, there, back in zip(numbers[here], theres, ways.back[here], strict=True)
                ]
            for way in special.get(here, ()):
                share[way] = sum(
                    self._onward(hop, met or self._meets(hop, theres[way], move), here, way)
                    for move in ways.moves[here][way]
                    if self._allows(hop, here, theres[way], move)
                )
            share.append(0)  # what the place -1, no way back, finds
            shares.append(share)
        self._shares[hop, met] = shares
        self._totals[hop, met] = [sum(share) for share in shares]

    def _onward(self, hop: int, met: bool, here: int, way: int) -> int:
        """How many walks go on after a way was taken at a hop, without going straight back."""
        if hop == self.hops - 1:
            return int(met)
        there, back = self._ways.theres[here][way], self._ways.back[here][way]
        return self._totals[hop + 1, met][there] - self._shares[hop + 1, met][there][back]

    def _takes(self, hop: int, met: bool, here: int, way: int) -> Iterator[tuple[Move, int]]:
        """The moves that one way at a hop consists of, each with the number of walks that go on from it."""
        there = self._ways.theres[here][way]
        for move in self._ways.moves[here][way]:
            if self._allows(hop, here, there, move):
                number = self._onward(hop, met or self._meets(hop, there, move), here, way)
                if number:
                    yield move, number

    def _walk(self, random: Random) -> tuple[list[int], list[Move]]:
        """A walk that never goes straight back, each with the same chance: its entities and its moves."""
        met, back = self._met, -1
        starts = self._summed(0, met, -1)
        here = bisect_right(starts, random.randrange(starts[-1]))
        places, moves = [here], list[Move]()
        for hop in range(self.hops):
            sums, returning = self._summed(hop, met, here), 0
            if back >= 0:
                returning = self._shares[hop, met][here][back]
            number = random.randrange(sums[-1] - returning)
            if returning and number >= sums[back] - returning:
                number += returning
            way = bisect_right(sums, number)
            number -= sums[way] - self._shares[hop, met][here][way]
            taken = list(self._takes(hop, met, here, way))
            move = taken[bisect_right(list(accumulate(onward for _, onward in taken)), number)][0]
            there = self._ways.theres[here][way]
            met, back, here = met or self._meets(hop, there, move), self._ways.back[here][way], there
            places.append(here)
            moves.append(move)
        return places, moves

    def _summed(self, hop: int, met: bool, here: int) -> list[int]:
        """Running sums of the walks from an entity at a hop; with `here` -1 of the walks from each entity."""
        key = (hop, met, here)
        if key not in self._sums:
            numbers = self._totals[hop, met] if here < 0 else self._shares[hop, met][here][:-1]
            self._sums[key] = list(accumulate(numbers))
        return self._sums[key]

    def _search(self) -> Iterator[tuple[list[int], list[Move]] | None]:
        """Every walk that meets no entity twice, depth first; None for each step that was looked at besides."""
        for start, total in enumerate(self._totals[0, self._met]):
            places, moves = [start], list[Move]()
            open = [self._from(0, self._met, start)] if total else []
            while open:
                there, move, met = next(open[-1], (-1, None, False))
                if move is None:
                    open.pop()
                    places.pop()
                    del moves[-1:]
                elif there in places:
                    yield None
                elif len(open) == self.hops:
                    yield [*places, there], [*moves, move]
                else:
                    places.append(there)
                    moves.append(move)
                    open.append(self._from(len(open), met, there))
                    yield None

    def _from(self, hop: int, met: bool, here: int) -> Iterator[tuple[int, Move | None, bool]]:
        """Where a chain can go from an entity, by what, and whether it has then met the forgotten thing."""
        for way, share in enumerate(self._shares[hop, met][here][:-1]):
            if share:
                there = self._ways.theres[here][way]
                for move, _ in self._takes(hop, met, here, way):
                    yield there, move, met or self._meets(hop, there, move)

    def _chain(self, places: Sequence[int], moves: Sequence[Move]) -> Chain:
        facts = tuple(move.fact for move in moves)
        if self._closure.entities:
            about = next(fact for fact in facts if fact in self._target)
        elif self.position == "bridge":
            about = next(fact for fact in facts[1:-1] if fact in self._target)
        else:
            about = facts[0] if self.position == "start" else facts[-1]
        entities = tuple(self._ways.names[place] for place in places)
        return Chain(tuple(move.step for move in moves), facts, entities, about.id)


def ends(knowledge: Knowledge, start: str, steps: Sequence[tuple[str, bool]]) -> tuple[str, ...]:
    """Every entity, `start` excepted, that the steps lead to from `start`: the true answers of a chain's question.

    In file order.
    """
    reached = _reached(knowledge, start, steps)[-1]
    return tuple(name for name in _members(knowledge, reached) if name != start)


def secret_ends(
    knowledge: Knowledge, closure: Closure, start: str, steps: Sequence[tuple[str, bool]]
) -> tuple[str, ...]:
    """The ends that are reached only through facts that must be gone: giving one reveals the target.

    An end to which every walk leads through some entity twice is not among them: repeating a bridge reveals nothing.
    """
    levels = _reached(knowledge, start, steps)
    open = _reached(knowledge, start, steps, closure.cut)[-1]
    hidden = frozenset(_members(knowledge, levels[-1] & ~open)) - {start}
    if not hidden:
        return ()
    simple = _simply(knowledge, start, steps, levels, hidden)
    return tuple(name for name in _members(knowledge, levels[-1]) if name in simple)


def _reached(knowledge: Knowledge, start: str, steps: Sequence[tuple[str, bool]], cut: Cut | None = None) -> list[int]:
    """The entities after each step, and the start before the first, as bit sets."""
    levels = [1 << knowledge.number[start]]
    for relation, forward in steps:
        reached = 0
        for name in _members(knowledge, levels[-1]):
            found = knowledge.reach.get((name, relation, forward), 0)
            if cut and (name, relation, forward) in cut:
                for gone in cut[name, relation, forward]:
                    found &= ~(1 << knowledge.number[gone])
            reached |= found
        levels.append(reached)
    return levels


def _members(knowledge: Knowledge, bits: int) -> list[str]:
    """The entities of a bit set, in file order."""
    names, digits = knowledge.names, bin(bits)[:1:-1]
    found, place = [], digits.find("1")
    while place >= 0:
        found.append(names[place])
        place = digits.find("1", place + 1)
    return found


def _simply(
    knowledge: Knowledge,
    start: str,
    steps: Sequence[tuple[str, bool]],
    levels: Sequence[int],
    wanted: frozenset[str],
) -> frozenset[str]:
    """Those of `wanted` that a chain meeting no entity twice leads to; all that are left when it takes too long."""
    goal = sum(1 << knowledge.number[name] for name in wanted)
    leading = [goal]  # from the last level back: what leads to a wanted end
    for level, (relation, forward) in zip(reversed(levels[:-1]), reversed(steps), strict=True):
        names = _members(knowledge, level)
        leads = (name for name in names if knowledge.reach.get((name, relation, forward), 0) & leading[-1])
        leading.append(sum(1 << knowledge.number[name] for name in leads))
    leading.reverse()
    left, taken = goal, 0

    def visit(path: list[str], bits: int) -> None:
        nonlocal left, taken
        hop = len(path)
        ahead = knowledge.reach.get((path[-1], *steps[hop - 1]), 0) & ~bits
        if hop == len(steps):
            left &= ~ahead
            return
        for name in _members(knowledge, ahead & leading[hop]):
            taken += 1
            if not left & ~bits or taken > _SEARCHED:
                return
            visit([*path, name], bits | 1 << knowledge.number[name])

    visit([start], 1 << knowledge.number[start])
    return wanted if taken > _SEARCHED else wanted - frozenset(_members(knowledge, left))
