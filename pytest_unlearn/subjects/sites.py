"""One vocabulary for the parts of a transformer, so that no method knows an architecture's names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_unlearn.lazy import torch

if TYPE_CHECKING:
    from torch import nn

ATTENTION = ("self_attn", "attn", "attention", "self_attention")
MLP = ("mlp", "feed_forward", "ffn", "block_sparse_moe")
DOWN = ("down_proj", "c_proj", "fc2", "fc_out", "dense_4h_to_h", "wo", "w2")
ROUTER = ("gate", "router")


def sites(module: nn.Module) -> dict[str, nn.Module]:
    """`embed`, `layer.0`, `layer.0.attn`, `layer.0.mlp`, `layer.0.mlp.down`, `layer.0.router`, ..., `head`.

    Sites that an architecture lacks are left out: experts have a router and no single down projection, and a layer that
    has its two linear maps without an MLP around them, as in OPT, has `mlp.down` alone.
    """
    found: dict[str, nn.Module] = {"embed": module.get_input_embeddings()}  # type: ignore[operator]
    for i, layer in enumerate(_layers(module)):
        name = f"layer.{i}"
        mlp = _child(layer, MLP)
        parts = {
            name: layer,
            f"{name}.attn": _child(layer, ATTENTION),
            f"{name}.mlp": mlp,
            f"{name}.mlp.down": _child(mlp or layer, DOWN),
            f"{name}.router": _child(mlp, ROUTER),
        }
        found |= {key: part for key, part in parts.items() if part is not None}
    head = module.get_output_embeddings()  # type: ignore[operator]
    return found | ({"head": head} if head is not None else {})


def _layers(module: nn.Module) -> list[nn.Module]:
    """The outermost list of modules of one class: the stack of layers."""
    stacks = (part for part in module.modules() if isinstance(part, torch.nn.ModuleList) and len(part))
    return list(next(stacks, ()))


def _child(module: nn.Module | None, names: tuple[str, ...]) -> nn.Module | None:
    children = dict(module.named_children()) if module is not None else {}
    return next((children[name] for name in names if name in children), None)
