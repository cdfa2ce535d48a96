"""Probes for tests by hypothesis: the questions of a scenario as a strategy, the simplest first.

`given_probes` draws them before the test runs and puts them to the models many at once; with `given` they are asked one
by one.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_unlearn.errors import UnlearnError
from pytest_unlearn.redact import current

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

    from pytest_unlearn.probes.probe import Probe
    from pytest_unlearn.probes.space import Space

SIMPLER = 64  # simplifications of a failing probe that are asked together


def probes(
    scenario: str | Path, kind: str = "direct", *, keep: str = "", target: str = "", **options: Any
) -> SearchStrategy[Probe]:
    """Questions about what a scenario forgets, or with `keep` about what must stay.

    scenario  its file, relative to the file of the caller
    kind      as after `ask:` in a scenario; keep: as after `keep:`
    target    the label of the forget request, where there are several
    options   the keys of the kind, e.g. `hops=2`

    The scenario is read when the first probe is drawn. Raises ScenarioError then, and UnlearnError where there is
    nothing to ask.
    """
    from hypothesis import strategies as st

    path = _path(scenario)
    return st.deferred(lambda: _space(path, kind, keep, target, options).strategy())


def given_probes(
    scenario: str | Path,
    *,
    kind: str = "direct",
    keep: str = "",
    probes: int = 100,
    target: str = "",
    candidate: str = "",
    seed: int = 0,
    **options: Any,
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Run a test for each of at most `probes` different probes, given as its argument `probe`, the simplest first.

    All are drawn first and asked at once. Of those that fail the test the simplest is simplified, one step at a time,
    as long as it fails; its failure is raised. Probes of which the original knows too little are left out; where all
    are, the test fails. An argument `unlearn_subject` is the candidate of this scenario, whatever the module's is.
    """
    path = _path(scenario)

    def decorate(test: Callable[..., None]) -> Callable[..., None]:
        wanted = inspect.signature(test).parameters

        @functools.wraps(test)
        def run(*args: Any, request: Any, unlearn_session: Any, **rest: Any) -> None:
            __tracebackhide__ = True
            from pytest_unlearn.fixtures import subject_of

            subject = subject_of(request.config, unlearn_session, path, target, candidate)
            given = {"unlearn_subject": subject, "request": request, "unlearn_session": unlearn_session}
            rest |= {name: value for name, value in given.items() if name in wanted}
            space = _space(path, kind, keep, target, options)
            _each(space, probes, seed, subject, functools.partial(_called, test, args, rest))

        own = ("probe", "unlearn_subject", "request", "unlearn_session")
        kept = [one for name, one in wanted.items() if name not in own]
        fixtures = [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY) for name in own[2:]]
        run.__signature__ = inspect.Signature([*kept, *fixtures])  # type: ignore[attr-defined]
        return run

    return decorate


def _called(test: Callable[..., None], args: tuple[Any, ...], rest: dict[str, Any], probe: Probe) -> None:
    __tracebackhide__ = True
    test(*args, probe=probe, **rest)


def _each(space: Space, most: int, seed: int, subject: Any, test: Callable[[Probe], None]) -> None:
    __tracebackhide__ = True
    from pytest_unlearn.asserting import VacuousError, ahead
    from pytest_unlearn.checks.search import drawn

    asked = sorted(drawn(space, most, seed), key=lambda probe: probe.rank)
    ahead(subject, asked)
    failed, vacuous = _first(asked, test)
    if failed is None:
        if vacuous is not None and vacuous[0] == len(asked):
            raise VacuousError(f"none of {len(asked)} probes says anything; the last of them: {vacuous[1]}")
        return
    probe, error, steps = *failed, 0
    while True:
        simpler = [one for one in space.simpler(probe) if one.rank < probe.rank]
        simpler = sorted(simpler, key=lambda one: one.rank)[:SIMPLER]
        ahead(subject, simpler)
        again, _ = _first(simpler, test)
        if again is None:
            break
        probe, error, steps = *again, steps + 1
    told = current().text(probe.prompt.text)
    error.add_note(f"the simplest probe that fails, of {len(asked)} and {steps} steps from there: {told}")
    raise error


def _first(
    asked: Sequence[Probe], test: Callable[[Probe], None]
) -> tuple[tuple[Probe, BaseException] | None, tuple[int, Exception] | None]:
    """The first probe that fails, and how many say nothing with the last of their errors."""
    __tracebackhide__ = True
    import pytest

    from pytest_unlearn.asserting import VacuousError

    vacuous: tuple[int, Exception] | None = None
    for probe in asked:
        try:
            test(probe)
        except VacuousError as error:
            vacuous = (vacuous[0] if vacuous else 0) + 1, error
        except (Exception, pytest.fail.Exception) as error:  # whatever the test raises; that of pytest is none of these
            return (probe, error), vacuous
    return None, vacuous


@functools.cache
def _spaces(path: Path, kind: str, keep: str, target: str, options: tuple[tuple[str, Any], ...]) -> Space:
    from pytest_unlearn.cli.files import root_of
    from pytest_unlearn.probes.space import Listed
    from pytest_unlearn.registry import PROBES, UTILITY
    from pytest_unlearn.runner.scene import scene
    from pytest_unlearn.scenario.called import read_call
    from pytest_unlearn.scenario.load import load_scenario

    root = root_of(path)
    scenario = load_scenario(path, root)
    labels = [one.label for one in scenario.targets]
    if target not in labels and (target or len(labels) > 1):
        raise UnlearnError(f"{path.name} has the forget requests {', '.join(labels)}: name one as `target`")
    one = next(one for one in scenario.targets if target in ("", one.label))
    made = scene(scenario, one, root)
    entry = UTILITY.get(keep) if keep else PROBES.get(kind)
    config = read_call(entry, dict(options), f"probes({'keep' if keep else 'kind'}='{entry.name}')")
    space: Space
    if keep:
        space = Listed(entry.make(config, made.knowledge, made.closure, made.held_out))
    else:
        space = entry.make(config, made.knowledge, made.closure)
    if space.count() == 0:
        raise UnlearnError(f"{path.name} has nothing to ask by `{keep or kind}` about '{one.label}'")
    return space


def _space(path: Path, kind: str, keep: str, target: str, options: dict[str, Any]) -> Space:
    frozen = tuple((name, tuple(value) if isinstance(value, list) else value) for name, value in options.items())
    return _spaces(path, kind, keep, target, frozen)


def _path(scenario: str | Path) -> Path:
    """Relative to the file of whoever called the function that calls this."""
    caller = sys._getframe(2).f_globals.get("__file__")
    return (Path(caller).resolve().parent if caller else Path.cwd()) / scenario
