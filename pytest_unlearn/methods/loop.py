"""The one training loop, read from top to bottom: rows, terms, gradient, step."""

from __future__ import annotations

import copy
import math
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pytest_unlearn.digest import seed_of
from pytest_unlearn.errors import MethodError
from pytest_unlearn.lazy import torch
from pytest_unlearn.methods.data import Data, LoopConfig
from pytest_unlearn.methods.frozen import Frozen
from pytest_unlearn.methods.sampler import EncodedSet, paired_steps
from pytest_unlearn.methods.terms import Config, Objective, SetName
from pytest_unlearn.methods.trainable import trainable
from pytest_unlearn.subjects.protocol import Opened, Subject

if TYPE_CHECKING:
    from torch import nn

TOKENS_AT_ONCE = 2048  # a 135M model keeps about 6 GB of activations for as many
LOSS_LIMIT = 1e4  # a term may go down without bound by design (ascent); beyond this nothing is left of the model
