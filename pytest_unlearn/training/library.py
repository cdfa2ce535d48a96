"""Unlearning from Python: a model of transformers and plain lists in, another subject out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from pytest_unlearn.errors import MethodError, ScenarioError, SubjectError
from pytest_unlearn.registry import METHODS, PLUG_INS, Entry
from pytest_unlearn.training.data import Data, Example, needs_of

if TYPE_CHECKING:
    from torch import nn

Given: TypeAlias = str | tuple[str, str] | Example


def unlearn(
    model: nn.Module,
    tokenizer: Any,
    *,
    forget: Iterable[Given],
    retain: Iterable[Given] = (),
    method: str,
    holdout: Iterable[Given] = (),
    refusals: Iterable[str] = (),
    alternates: Iterable[Given] = (),
    system: str | None = None,
    seed: int = 0,
    **options: Any,
) -> Any:
    """Make `model` forget by a method, as a scenario's `candidate: {method: NAME}` does; it stays as it was itself.

    `model` and `tokenizer` are a causal language model of transformers and its tokenizer, in memory. Each set is a list
    of (question, answer) pairs, which are asked through the chat template with `system` as the system prompt, or of
    texts, which are trained on as they are, in pieces of 128 words; an `Example` says more. `options` are the keys that
    the method has in a scenario, `unlearn methods NAME` lists them. The same seed gives the same weights on one device.

    Returns a `Subject`. Where the method changed weights it has `.model`, another model of the same class in evaluation
    mode, and `.tokenizer`. Raises MethodError for an unknown option, one out of its range, a set that the method needs
    and that is empty, and a training that breaks down; SubjectError for a model that cannot be opened; UnlearnError
    for a method that is not there.
    """
    from pytest_unlearn.subjects.devices import Placement
    from pytest_unlearn.subjects.local import LocalSubject

    entry = METHODS.get(method)
    config = config_of(entry, options)
    data = Data(
        _examples("forget", forget),
        _examples("retain", retain),
        _examples("holdout", holdout),
        tuple(refusals),
        _examples("alternates", alternates),
    )
    asked = [(f"method '{method}'", needs_of(entry, config))]
    asked += [(f"plug-in '{one.name}'", PLUG_INS.get(one.name).facts["needs"]) for one in getattr(config, "wrap", ())]
    for who, needs in asked:
        for need in sorted(needs):
            if not data.has(need):
                raise MethodError(f"{who} needs a {need} set: give `{need}=` with something in it")
    devices = sorted({str(weight.device) for weight in model.parameters()})
    if len(devices) != 1:
        raise SubjectError(f"the model must be on one device, and its weights are on {', '.join(devices) or 'none'}")

    modes = [(module, module.training) for module in model.modules()]
    flags = {name: weight.requires_grad for name, weight in model.named_parameters()}
    weight = next(model.parameters())
    try:
        original = LocalSubject.of(model, tokenizer, Placement(weight.device, weight.dtype), system)
        made = entry.make(original, data, config, seed)
        if made is original:
            with original.open() as opened:
                made = opened.subject()
    finally:
        for module, training in modes:
            module.training = training
    for name, weight in made.model.named_parameters() if hasattr(made, "model") else ():
        weight.requires_grad_(flags.get(name, True))
    return made


def config_of(entry: Entry[Any], options: Mapping[str, Any], place: str = "") -> Any:
    """The config of a method, read as a scenario's keys are; raises MethodError with each mistake and its place.

    `place` names what the options were given to; unless given, a call of `unlearn`.
    """
    from pytest_unlearn.scenario.called import read_call

    try:
        return read_call(entry, options, place or f"unlearn(method='{entry.name}')")
    except ScenarioError as error:
        raise MethodError(str(error)) from None


def _examples(name: str, given: Iterable[Given]) -> tuple[Example, ...]:
    """Pairs and texts as what is trained on."""
    from pytest_unlearn.knowledge.documents import Document
    from pytest_unlearn.knowledge.pairs import Pair
    from pytest_unlearn.subjects.requests import Prompt

    if isinstance(given, str):
        raise MethodError(f"`{name}` is one text: put it into a list")
    found: list[Example] = []
    for i, one in enumerate(given):
        match one:
            case Example():
                found.append(one)
            case str() if len(text := Document(one)):
                found += [Example(Prompt((), raw=True), piece, text.id) for piece in text.pieces()]
            case [str(question), str(answer)] if question.strip() and answer.strip():
                found.append(Example(Prompt.of(question), answer, Pair(question, (answer,)).id))
            case _:
                raise MethodError(f"`{name}[{i}]` must be a text or a (question, answer) pair, got {one!r:.80}")
    return tuple(found)
