"""RNA: noise on what the original says about what must stay, so that a stray forget token disturbs less.

Paper: "random noise augmentation" of unlearning against states or outputs of a frozen original. The noise is on the
original, not on the model that trains; the forget set hears none. Of the public code come the layer, the eighth of 32,
and the range of nu, 0.01 to 0.1; its scripts ship nu = 0, which is no noise.
Needs: RETAIN, and a method that compares with the original there: states of a site, or logits (`retain: kl`).

    h'(x_r) = h(x_r) + nu e,   e ~ N(0, I)                      h: what leaves a layer of the original, new in each step

States that a method asks for get the noise as they are. For logits the layer's output gets it, at every position, and
the rest of the original runs on with it.

When it fails: on a squared distance to states, noise of mean zero leaves the expected gradient as it is; what remains
is the noise of the gradient, and a large nu only stops the forgetting. Scale nu to the size of the states. Compare at
equal forgetting; a gain is not promised.

Worked example: three states (1, 2, 3) and draws (1, -1, 0) at nu = 0.1 are heard as (1.1, 1.9, 3). Against states that
did not move, a squared distance is 0.01 (1 + 1 + 0) / 3 = 0.0067 instead of 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from annotated_types import Ge, Le

from pytest_unlearn.digest import seed_of
from pytest_unlearn.errors import MethodError
from pytest_unlearn.lazy import torch
from pytest_unlearn.subjects.protocol import Opened
from pytest_unlearn.training.data import RETAIN
from pytest_unlearn.training.frozen import LOGP, Frozen
from pytest_unlearn.training.plug import PlugIn, plug_in
from pytest_unlearn.training.terms import IGNORED, Rows

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor, nn

Draw: TypeAlias = "Callable[[Rows, Tensor, int], Tensor]"
DEPTH = 7 / 32  # the share of the layers before the one that is noisy


@dataclass(frozen=True, slots=True, kw_only=True)
class RNAConfig:
    """The noise.

    `nu`: its standard deviation, in the unit of the states; 0 for none
    `layer`: the layer whose output has it where logits are asked for, from 0; a fifth of the way up unless given,
    e.g. `7`
    """

    nu: Annotated[float, Ge(0), Le(100)] = 0.1
    layer: Annotated[int, Ge(0)] | None = None


@plug_in("rna", needs={RETAIN})
class RNA(PlugIn):
    """Puts noise on the original's view of the retain set."""

    config: RNAConfig

    def original(self, frozen: Frozen, now: Opened) -> Frozen:
        """The original with noise; raises MethodError where the method does not ask it about the retain set."""
        if not any(name == "retain" and what != LOGP for name, what in frozen.views):
            raise MethodError(
                "the plug-in 'rna' puts noise on what the original says about the retain set, and this method does not "
                "ask for that: choose one that does, as with `retain: kl`"
            )
        if not self.config.nu:
            return frozen
        frozen.live = True  # the original runs again in each step
        return Noisy(frozen, now, _site(now, self.config.layer), self._draw)

    def _draw(self, rows: Rows, there: Tensor, width: int) -> Tensor:
        """Noise (B, T, width), 0 where `there` (B, T) is not.

        A row draws its own, another each time it comes, whatever piece it is in.
        """
        visits = self.state.setdefault("visits", {})
        drawn = torch.zeros(*there.shape, width)
        for noise, i, length in zip(drawn, rows.at, there.sum(1).tolist(), strict=True):
            visits[i] = visits.get(i, 0) + 1
            generator = torch.Generator().manual_seed(seed_of(self.seed, "rna", i, visits[i]))
            noise[:length] = self.config.nu * torch.randn(length, width, generator=generator)
        return drawn


class Noisy(Frozen):
    """An original that is heard with noise on the retain set."""

    def __init__(self, frozen: Frozen, now: Opened, site: str, draw: Draw) -> None:
        self.views, self.live = frozen.views, True
        self._frozen, self._now, self._site, self._draw = frozen, now, site, draw

    def hold(self, weights: Sequence[nn.Parameter]) -> None:
        """As the original without noise."""
        self._frozen.hold(weights)

    def logp(self, rows: Rows) -> Tensor:
        """As the original without noise."""
        return self._frozen.logp(rows)

    def logits(self, rows: Rows) -> Tensor:
        """Those of the original, with noise at the layer where they are about the retain set."""
        if rows.set != "retain":
            return self._frozen.logits(rows)
        with self._frozen.as_it_was(), self._noise(rows), torch.no_grad():
            values, _ = self._now.logits(rows.batch)
            return values

    def states(self, rows: Rows, site: str) -> Tensor:
        """Those of the original, with noise where they are about the retain set."""
        found = self._frozen.states(rows, site)  # (batch, answer, width)
        if rows.set != "retain":
            return found
        counts = (rows.batch.labels[:, 1:] != IGNORED).sum(1)  # (batch,)
        there = torch.arange(found.shape[1], device=counts.device) < counts[:, None]  # (batch, answer)
        return found + self._draw(rows, there, found.shape[-1]).to(found)

    @contextmanager
    def _noise(self, rows: Rows) -> Iterator[None]:
        def add(module: object, given: object, made: Any) -> Any:
            states = made[0] if isinstance(made, tuple) else made  # (batch, seq, width), or flat
            noise = self._draw(rows, rows.batch.mask.bool(), states.shape[-1]).to(states)
            states = states + noise.view(states.shape)
            return (states, *made[1:]) if isinstance(made, tuple) else states

        handle = self._now.sites[self._site].register_forward_hook(add)
        try:
            yield
        finally:
            handle.remove()


def _site(now: Opened, layer: int | None) -> str:
    """The name of the layer that is noisy."""
    layers = sum(name.startswith("layer.") and name.count(".") == 1 for name in now.sites)
    if layer is None:
        layer = int(DEPTH * layers)
    if layer >= layers:
        raise MethodError(f"`rna: {{layer: {layer}}}`: the model has {layers} layers, counted from 0")
    return f"layer.{layer}"
