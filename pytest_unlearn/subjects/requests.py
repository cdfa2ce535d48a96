"""What can be put to a subject: frozen plain data that can be hashed, pickled and memoised."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Role = Literal["system", "user", "assistant"]
Verb = Literal["score", "generate", "read", "rollout", "weights"]


@dataclass(frozen=True, slots=True)
class Text:
    """A piece of a turn: words."""

    text: str


@dataclass(frozen=True, slots=True)
class Media:
    """A piece of a turn: an image or a sound, named by the digest of its bytes."""

    kind: str
    digest: str


@dataclass(frozen=True, slots=True)
class Ref:
    """A piece of a turn: a user, an item or a state of the subject's own world, by id."""

    kind: str
    id: str


Part: TypeAlias = Text | Media | Ref


@dataclass(frozen=True, slots=True)
class Prompt:
    """A conversation up to the answer.

    `opening` is the start of the answer, already spoken. `raw` bypasses the chat template (cloze, documents).
    """

    turns: tuple[tuple[Role, tuple[Part, ...]], ...]
    opening: str = ""
    raw: bool = False

    @classmethod
    def of(cls, text: str, *, raw: bool = False, opening: str = "") -> Prompt:
        """One user turn that says `text`."""
        return cls((("user", (Text(text),)),), opening, raw)

    @property
    def text(self) -> str:
        """The words of the last turn."""
        return "".join(part.text for part in self.turns[-1][1] if isinstance(part, Text)) if self.turns else ""


@dataclass(frozen=True, slots=True)
class Score:
    """Ask for the log-probability of each target after the prompt.

    `field`: a target that is less likely than the likeliest of the first so many targets need not be read to its end;
    its value is then that of its first tokens, an upper bound below that one's. With 0 all are read to their end.
    `detail="tokens"` adds the log-probability of every token. `end` counts the end-of-turn token too. `layout` names
    the token layout; other harnesses' layouts take a plain slow path.
    """

    prompt: Prompt
    targets: tuple[str, ...]
    detail: Literal["sum", "tokens"] = "sum"
    end: bool = False
    field: int = 0
    layout: str = "native"


@dataclass(frozen=True, slots=True)
class Generate:
    """Ask for an answer of at most `max_new` tokens.

    `decided_by` are strings of which any ends a row early, as soon as it stands complete in the output. Temperature 0
    is greedy decoding.
    """

    prompt: Prompt
    max_new: int
    stop: tuple[str, ...] = ()
    decided_by: tuple[str, ...] = ()
    samples: int = 1
    temperature: float = 0.0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Read:
    """Ask for the hidden states at named sites."""

    prompt: Prompt
    sites: tuple[str, ...]
    position: Literal["last", "entity", "all"] = "last"


@dataclass(frozen=True, slots=True)
class Rollout:
    """Let an agent or a policy act."""

    task: str
    steps: int
    seed: int


Request: TypeAlias = Score | Generate | Read | Rollout
