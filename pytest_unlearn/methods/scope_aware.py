"""Scope-aware unlearning: forget as another method does, and answer a retained question right after a forgotten one.

Paper: Ren et al., 2025 (arXiv 2506.00359), which attacks unlearning by forget requests that hold common words, such as
"please", and defends by this term.
Needs: FORGET, RETAIN, ORIGINAL; REFUSALS with `forgetting: refusal`.

    L(theta) = L_u(theta) - eta 1/n sum_b sum_{t in A(r_b)} log p_theta(x_t | x(f_b) x(r_b), x_<t)
    f_b, r_b   a forget question, without its answer, and a retain question of the same step, put as one prompt
    A(r_b)     the answer tokens of the retain question, n in all

L_u is gradient difference, NPO, or learning to refuse (cross-entropy of a refusal), each with its retain term. eta in
the paper: 2 to 12 with gradient difference, 5 with the others, on TOFU; 10 and 40 on RWKU. 10 epochs at lr 1e-5.

When it fails: it is a brake, so compare at the same amount forgotten: at equal steps less is (in the paper .008 to .199
with gradient difference). eta of 10 and more makes gradient difference unstable. It sees the forget questions as they
are worded in training; what a model answers to them alone is left to L_u. A document has no question: beside one, the
retain question stands alone.

Worked example, eta = 5 with gradient difference: a forgotten answer of three tokens has probabilities 1/2, 1/4, 1/2, a
retained one 1/2, 1/2, 1/2, and the same behind the forgotten question. L_u = -0.9242 + 0.6931 = -0.2310, the scope adds
5 ln 2 = 3.4657, L = 3.2347.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Literal

from annotated_types import Ge, Gt

from pytest_unlearn.lazy import torch
from pytest_unlearn.methods.grad_diff import GradDiffConfig, grad_diff_terms
from pytest_unlearn.methods.npo import NPOConfig, npo_terms
from pytest_unlearn.subjects.protocol import Opened, Subject
from pytest_unlearn.subjects.requests import Prompt, Text
from pytest_unlearn.training.data import FORGET, ORIGINAL, REFUSALS, RETAIN, Band, Data, Example, Need, method
from pytest_unlearn.training.frozen import Frozen
from pytest_unlearn.training.loop import train
from pytest_unlearn.training.retain import RetainConfig, retain_terms, retain_views
from pytest_unlearn.training.terms import Pair, Rows, Term, nll_term


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeAwareConfig(RetainConfig):
    """The options of the formula, beside the loop's.

    `forgetting`: L_u, what does the forgetting
    `scope_weight`: eta, the weight of answering a retained question after a forgotten one
    `beta`: that of NPO, where it does the forgetting
    """

    forgetting: Literal["grad_diff", "npo", "refusal"] = "npo"
    scope_weight: Annotated[float, Ge(0)] = 5.0
    beta: Annotated[float, Gt(0)] = 0.1
    epochs: Annotated[float, Gt(0)] = 10.0


def scope_aware_terms(now: Opened, original: Frozen, pair: Pair, config: ScopeAwareConfig) -> dict[str, Term]:
    """`forget` and `retain` as in the method that forgets; `scope`: a mean over the retain tokens behind them."""
    weights = {key: getattr(config, key) for key in ("forget_weight", "retain", "retain_weight")}
    if config.forgetting == "npo":
        terms = npo_terms(now, original, pair, NPOConfig(beta=config.beta, **weights))
    elif config.forgetting == "grad_diff":
        terms = grad_diff_terms(now, original, pair, GradDiffConfig(**weights))
    else:
        refusal = nll_term(now, pair.refusals, config.forget_weight)
        terms = {"forget": refusal, **retain_terms(now, original, pair, config)}
    return terms | {"scope": nll_term(now, scope_rows(now, pair.forget, pair.retain), config.scope_weight)}


def scope_rows(now: Opened, forget: Rows, retain: Rows) -> Rows:
    """For each forget row at hand the retain question that stands opposite it in the whole step, asked behind it.

    Where a step has fewer retain rows, they come again.
    """
    opposite = [i % retain.count for i in range(forget.count)]
    examples = [behind(forget.examples[i], retain.examples[opposite[i]]) for i in forget.places]
    batch = now.encode([(example.prompt, example.answer) for example in examples])
    weights = torch.tensor([example.weight for example in examples], device=batch.ids.device)
    tokens = sum(retain.lengths[i] for i in opposite)
    return Rows("retain", batch, forget.places, weights, forget.count, tokens)


def behind(forget: Example, retain: Example) -> Example:
    """The retain example with the words of the forget question before its own."""
    words = " ".join(text for text in (forget.prompt.text, retain.prompt.text) if text)
    *before, (role, _) = retain.prompt.turns or (("user", ()),)
    turns = (*before, (role, (Text(words),))) if words else ()
    return replace(retain, prompt=Prompt(turns, retain.prompt.opening, retain.prompt.raw))


def _more(config: ScopeAwareConfig) -> set[Need]:
    return {REFUSALS} if config.forgetting == "refusal" else set()


@method(
    "scope_aware",
    needs={FORGET, RETAIN, ORIGINAL},
    more=_more,
    cost=3,
    version=2,
    band=Band(recall=(0.3, 0.7), retention=(0.6, 1.0)),
)
def scope_aware(subject: Subject, data: Data, config: ScopeAwareConfig, seed: int) -> Subject:
    """`subject` trained to forget, but not to be put off by the forgotten questions."""
    views = retain_views(config)
    if config.forgetting == "npo":
        return train(subject, data, config, seed, scope_aware_terms, ("forget", *views))
    beside: Literal["refusals"] | None = "refusals" if config.forgetting == "refusal" else None
    return train(subject, data, config, seed, scope_aware_terms, views, beside=beside)
