"""Hidden states of prompts at named sites, many prompts at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pytest_unlearn.errors import did_you_mean
from pytest_unlearn.lazy import torch
from pytest_unlearn.subjects.answers import Failed, States
from pytest_unlearn.subjects.body import Body
from pytest_unlearn.subjects.encode import Encoder
from pytest_unlearn.subjects.pack import Budget, packs, persevere
from pytest_unlearn.subjects.prefix import Ids, distinct, padded
from pytest_unlearn.subjects.readable import tokens_of
from pytest_unlearn.subjects.requests import Read
from pytest_unlearn.subjects.sites import sites

if TYPE_CHECKING:
    from torch import Tensor, nn


def answers(body: Body, encoder: Encoder, requests: Sequence[Read], budget: Budget) -> list[States | Failed]:
    """One answer a request, in order: an array (positions, width) in float32 for each site.

    A site is a name of `pytest_unlearn.subjects.sites`; what its module gives is the state there, of `head` the logits.
    """
    modules = sites(body.causal)
    prompts = [_encoded(body, encoder, request, modules) for request in requests]
    found: dict[int, States | Failed] = {i: ids for i, ids in enumerate(prompts) if isinstance(ids, Failed)}
    rows = {i: ids for i, ids in enumerate(prompts) if not isinstance(ids, Failed)}
    body.effort.distinct += distinct(rows.values())

    def work(some: Sequence[int]) -> list[States | Failed]:
        made: dict[int, States | Failed] = {}
        for pack in packs([len(rows[i]) for i in some], budget.tokens, [0] * len(some)):
            mine = [some[at] for at in pack]
            made |= zip(mine, _read(body, [rows[i] for i in mine], [requests[i] for i in mine], modules), strict=True)
            body.effort.answered += len(mine)
        return [made[i] for i in some]

    with torch.no_grad():
        found |= zip(rows, persevere(list(rows), budget, work), strict=True)
    return [found[i] for i in range(len(requests))]


def _read(
    body: Body, rows: Sequence[Ids], requests: Sequence[Read], modules: dict[str, nn.Module]
) -> list[States | Failed]:
    ids, counts = padded(rows, body.device)
    mask = torch.arange(ids.shape[1], device=body.device) < counts[:, None]
    wanted = {site for request in requests for site in request.sites}
    with _listening({site: modules[site] for site in wanted - {"head"}}) as heard:
        states = body.read(ids, mask)
    return [
        _states(request, {site: heard[site].view(*ids.shape, -1)[i, :count] for site in wanted - {"head"}},
                body, states[i, :count])
        for i, (request, count) in enumerate(zip(requests, map(len, rows), strict=True))
    ]  # fmt: skip


def _states(request: Read, heard: dict[str, Tensor], body: Body, states: Tensor) -> States | Failed:
    """Of one row, (positions, width) a site."""
    kept = slice(-1, None) if request.position == "last" else slice(None)
    arrays = {}
    for site in request.sites:
        value = body.logits(states[kept]) if site == "head" else heard[site][kept].float()
        if not value.isfinite().all():
            return Failed("not-a-number", f"the states at {site} are not finite numbers: the weights are broken")
        arrays[site] = value.cpu().numpy()
    return States(arrays)


@contextmanager
def _listening(modules: dict[str, nn.Module]) -> Iterator[dict[str, Tensor]]:
    """What the modules give while they are listened to, by site: the first of what they give."""
    heard: dict[str, Tensor] = {}

    def listen(site: str) -> Any:
        def hook(module: nn.Module, given: object, output: Any) -> None:
            heard[site] = output[0] if isinstance(output, tuple) else output

        return hook

    hooks = [module.register_forward_hook(listen(site)) for site, module in modules.items()]
    try:
        yield heard
    finally:
        for hook in hooks:
            hook.remove()


def _encoded(body: Body, encoder: Encoder, request: Read, modules: dict[str, nn.Module]) -> Ids | Failed:
    if request.position == "entity":
        return Failed("cannot", "a prompt does not say where its entity stands")
    for site in request.sites:
        if site not in modules:
            return Failed("cannot", f"this model has no site '{site}'{did_you_mean(site, modules)}")
    return tokens_of(body, encoder, request.prompt)
