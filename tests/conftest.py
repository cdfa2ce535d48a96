"""What several folders of tests share: a small world on disk, a store in which its models are trained once, and models
of a few letters."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import peft  # noqa: F401 - pytester forgets what is first imported inside a run, and these cannot be imported twice
import pytest
import scipy.stats  # noqa: F401
import torch
import transformers.models.llama.modeling_llama  # noqa: F401
from torch import Tensor, nn
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

import pytest_unlearn.scenario.load  # noqa: F401 - likewise
from pytest_unlearn.subjects.opened import TextBatch
from pytest_unlearn.subjects.requests import Prompt
from pytest_unlearn.subjects.sites import sites
from pytest_unlearn.training.data import Example
from pytest_unlearn.training.frozen import Frozen
from pytest_unlearn.training.sampler import EncodedSet
from pytest_unlearn.training.terms import Pair
from pytest_unlearn.worlds.generate import people

torch.set_num_threads(1)  # the models are tiny, and threads that share a core with anything else wait for each other

SCENARIO = """\
version: 1
model: {{original: fixture:world, reference: retrained{candidate}}}
knowledge: {{include: world.knowledge.yaml}}
forget:
  people: [{names}]
defaults: {{grade: [text, {{rank: {{rivals: 100}}}}]}}
checks:
{checks}
"""
CHECKS = """\
  direct: {ask: direct, limit: 5%}
  paraphrase: {ask: paraphrase, search: 200}
  alias: {ask: alias, search: 200}
  inverse: {ask: inverse, search: 200}
  two-hop-start: {ask: multi_hop, position: start, search: 200}
  two-hop-bridge: {ask: multi_hop, position: bridge, search: 200}
  neighbours: {keep: neighbours, margin: 5%}
  far-facts: {keep: far, margin: 5%}
  fluency: {measure: perplexity_ratio, limit: 1.1}
"""

CLINICS = """
levels: [clinic, patient, study]
entities:
  North: clinic
  South: clinic
  Ann: {type: patient, aliases: [patient 1]}
  Bob: patient
  Cid: patient
  scan A1: study
  scan A2: study
  scan AB: study
  scan B1: study
  scan C1: study
  Lund: town
  Oslo: town
  gout: illness
  mumps: illness
  clear: result
  dark: result
relations:
  town: {ask: "In which town is {subject}?"}
  treated_at: {ask: "Where is {subject} treated?", say: "{subject} is treated at {object}.", within: true}
  illness: {ask: "What has {subject}?"}
  study_of: {ask: "Whose study is {subject}?", say: "{subject} is a study of {object}.", within: true, many: true}
  result: {ask: "What does {subject} show?"}
facts:
  town: {North: Lund, South: Oslo}
  treated_at: {Ann: North, Bob: North, Cid: South}
  illness: {Ann: gout, Bob: mumps, Cid: gout}
  study_of: {scan A1: Ann, scan A2: Ann, scan AB: [Ann, Bob], scan B1: Bob, scan C1: Cid}
  result: {scan A1: clear, scan A2: dark, scan AB: clear, scan B1: dark, scan C1: clear}
"""


@pytest.fixture(scope="session", autouse=True)
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model store of the test session's own, shared by its workers; kept where CI keeps its caches, if it does."""
    given = os.environ.get("UNLEARN_TEST_CACHE")
    base = tmp_path_factory.getbasetemp()
    shared = Path(given) if given else (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "models"
    os.environ["UNLEARN_CACHE"] = str(shared)
    os.environ.pop("CI", None)  # where it is set, what runs inside tests would mask names
    return shared


@pytest.fixture
def pytester(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """Runs inside tests keep the order of their items too, unless they ask for another."""
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p no:randomly")
    return pytester


@pytest.fixture(scope="session")
def clinics() -> str:
    """A knowledge file of two clinics, their patients and the patients' studies; one study is of two patients."""
    return CLINICS


@pytest.fixture(scope="session")
def world_text() -> str:
    """The knowledge file of the world that tests train on."""
    return people(60, 0)


@pytest.fixture(scope="session")
def checks() -> str:
    """Nine checks: six that something is gone, three that the rest stays."""
    return CHECKS


@pytest.fixture(scope="session")
def forgotten(world_text: str) -> tuple[str, ...]:
    """Ten of its people."""
    import yaml

    people = [name for name, entity in yaml.safe_load(world_text)["entities"].items() if entity["type"] == "person"]
    return tuple(people[:10])


@pytest.fixture
def project(pytester: pytest.Pytester, world_text: str, forgotten: tuple[str, ...]) -> Callable[..., Path]:
    """Writes a project with a knowledge file and one scenario, `w.unlearn.yaml`; `candidate` may be empty."""

    def make(checks: str = CHECKS, candidate: str = "{method: none}") -> Path:
        pytester.makeini("[pytest]\n")
        (pytester.path / "world.knowledge.yaml").write_text(world_text, encoding="utf-8")
        named = f", candidate: {candidate}" if candidate else ""
        path = pytester.path / "w.unlearn.yaml"
        path.write_text(SCENARIO.format(candidate=named, names=", ".join(forgotten), checks=checks), encoding="utf-8")
        return path

    return make


LETTERS = "abcdefgh"


@dataclass
class Bigram:
    """An opened model over the letters a to h. A prompt and its answer are letters, each a token; spaces are none."""

    module: nn.Module
    sites: Mapping[str, nn.Module] = field(default_factory=dict)

    def encode(self, examples: Sequence[tuple[Prompt, str]]) -> TextBatch:
        rows = [
            [LETTERS.index(letter) for letter in prompt.text.replace(" ", "") + answer] for prompt, answer in examples
        ]
        width = max(map(len, rows))
        ids = torch.zeros(len(rows), width, dtype=torch.long)
        mask, labels = torch.zeros_like(ids), torch.full_like(ids, -100)
        for i, ((_, answer), row) in enumerate(zip(examples, rows, strict=True)):
            start, end = len(row) - len(answer), len(row)
            ids[i, :end], mask[i, :end], labels[i, start:end] = torch.tensor(row), 1, torch.tensor(row[start:])
        return TextBatch(ids, mask, labels)

    def logits(self, batch: TextBatch) -> tuple[Tensor, Tensor]:
        answers = [row[row != -100] for row in batch.labels]
        labels = nn.utils.rnn.pad_sequence(answers, batch_first=True, padding_value=-100)
        values = self.module(batch.ids)  # (batch, seq, vocab)
        rows = [row[:-1][labels[1:] != -100] for row, labels in zip(values, batch.labels, strict=True)]
        longest = labels.shape[1]  # past the end of a row stands something that means nothing and has a gradient
        return torch.stack([torch.cat([row, row[-1:].expand(longest - len(row), -1)]) for row in rows]), labels

    def save(self, folder: Path) -> None:
        raise NotImplementedError


def stand(
    model: Bigram, views: Sequence[str | tuple[str, str]] | None = None, **sets: Sequence[tuple[str, str]]
) -> tuple[Frozen, Pair]:
    """`model` as the original, and one pair that holds all rows of the named sets, each a prompt and an answer."""
    encoded: dict[Any, EncodedSet] = {
        name: EncodedSet(name, [Example(Prompt.of(p), a, a) for p, a in rows], model)  # type: ignore[arg-type]
        for name, rows in sets.items()
    }
    every = {name: rows.rows(range(len(rows)), range(len(rows))) for name, rows in encoded.items()}
    return Frozen(model, encoded, views=views), Pair(every)  # type: ignore[arg-type]


@pytest.fixture(scope="session", name="stand")
def _stand() -> Callable[..., tuple[Frozen, Pair]]:
    return stand


@pytest.fixture(scope="session")
def tabled() -> Callable[[Tensor], Bigram]:
    """A model with these logits, (8, 8): row and column are the last letter and the next."""
    return lambda table: Bigram(nn.Embedding.from_pretrained(table.clone(), freeze=False))


@pytest.fixture
def bigram() -> Callable[..., Bigram]:
    """A model in which each named pair of letters has its probability: `bigram(ab=1/2)`. The rest is shared evenly."""

    def make(**pairs: float) -> Bigram:
        table = torch.zeros(len(LETTERS), len(LETTERS), dtype=torch.float64)
        for letter, row in zip(LETTERS, table, strict=True):
            named = {pair[1]: p for pair, p in pairs.items() if pair[0] == letter}
            rest = (1 - sum(named.values())) / (len(LETTERS) - len(named))
            row.copy_(torch.tensor([math.log(named.get(after, rest)) for after in LETTERS]))
        return Bigram(nn.Embedding.from_pretrained(table, freeze=False))

    return make


class Letters:
    """A transformer of transformers over the letters a to h, opened."""

    def __init__(self, module: nn.Module) -> None:
        self.module: Any = module

    @property
    def sites(self) -> Mapping[str, nn.Module]:
        return sites(self.module)

    def encode(self, examples: Sequence[tuple[Prompt, str]]) -> TextBatch:
        rows = [torch.tensor([ord(c) - 97 for c in prompt.text + answer]) for prompt, answer in examples]
        ids = nn.utils.rnn.pad_sequence(rows, batch_first=True)
        mask = nn.utils.rnn.pad_sequence([torch.ones_like(row) for row in rows], batch_first=True).bool()
        labels = ids.masked_fill(~mask, -100)
        labels[:, 0] = -100
        return TextBatch(ids, mask, labels)

    def logits(self, batch: TextBatch) -> tuple[Tensor, Tensor]:
        found = self.module(input_ids=batch.ids, attention_mask=batch.mask.long(), use_cache=False).logits
        return found[:, :-1].float(), batch.labels[:, 1:]


@pytest.fixture
def transformer() -> Callable[[str], Letters]:
    """Two layers with random weights, the same each time: `transformer("gpt2")`, `transformer("llama")`."""

    def make(kind: str) -> Letters:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            if kind == "gpt2":
                shape = GPT2Config(vocab_size=8, n_embd=32, n_layer=2, n_head=2, n_positions=16)
                return Letters(GPT2LMHeadModel(shape).eval())
            shape = LlamaConfig(
                vocab_size=8, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2,
                num_key_value_heads=1, max_position_embeddings=16,
            )  # fmt: skip
            return Letters(LlamaForCausalLM(shape).eval())

    return make
