"""What answering took."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Effort:
    """Counts since the subject was made.

    requests   put to the subject, those answered from the memo included
    memoised   answered from the memo
    answered   answered so far, by the memo or by the model
    batches    passes through the model
    tokens     token positions put through the model, padding included
    padded     those of them that are padding
    distinct   tokens in the tree of everything that was asked and answered: what has to be read at least, unless a
               question is decided before all of it was
    """

    requests: int = 0
    memoised: int = 0
    answered: int = 0
    batches: int = 0
    tokens: int = 0
    padded: int = 0
    distinct: int = 0
