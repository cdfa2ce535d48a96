"""`pytest --unlearn-contract`: a method of somebody's own passes, and one with a planted defect is refused by name."""

from __future__ import annotations

import re
from collections import defaultdict

import pytest
import torch

import pytest_unlearn.api  # noqa: F401 - pytester forgets what is first imported inside a run
from pytest_unlearn.registry import METHODS
from pytest_unlearn.training.data import LoopConfig, Need

MODULE = '''
"""Methods with planted defects."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated

from annotated_types import Gt

from pytest_unlearn.api import Data, LoopConfig, Need, Subject, Term, method, nll_term, train


@dataclass(frozen=True, slots=True, kw_only=True)
class PlantedConfig(LoopConfig):
    """`floor`: how far the forget loss may fall"""

    floor: Annotated[float, Gt(0)] = 1.0


def forget(now, original, pair, config):
    nll = nll_term(now, pair.forget)
    return {"forget": Term(-nll.total, nll.count)}


def both(now, original, pair, config):
    return {**forget(now, original, pair, config), "retain": nll_term(now, pair.retain)}


@method("honest", needs={Need.FORGET, Need.RETAIN})
def honest(subject: Subject, data: Data, config: PlantedConfig, seed: int) -> Subject:
    return train(subject, data, config, seed, both)


@method("greedy", needs={Need.FORGET})
def greedy(subject: Subject, data: Data, config: PlantedConfig, seed: int) -> Subject:
    """Changes the embedding, whatever may change."""
    import torch

    with train(subject, data, config, seed, forget).open() as now, torch.no_grad():
        now.sites["embed"].weight.mul_(0.99)
        return now.subject()


@method("restless", needs={Need.FORGET})
def restless(subject: Subject, data: Data, config: PlantedConfig, seed: int) -> Subject:
    """Draws from the global generator."""
    import torch

    return train(subject, data, replace(config, lr=config.lr * (1 + torch.rand(()).item())), seed, forget)


@method("secretive", needs={Need.FORGET}, cost=2)
def secretive(subject: Subject, data: Data, config: PlantedConfig, seed: int) -> Subject:
    """Needs a retain set that it does not declare."""
    return train(subject, data, config, seed, both)


@method("sly", needs={Need.FORGET}, cost=2)
def sly(subject: Subject, data: Data, config: PlantedConfig, seed: int) -> Subject:
    """Uses a retain set that it does not declare where there is one."""
    return train(subject, data, config, seed, both if data.retain else forget)


@method("dear", needs={Need.FORGET})
def dear(subject: Subject, data: Data, config: PlantedConfig, seed: int) -> Subject:
    """Reads the forget rows twice and says that it reads them once."""

    def twice(now, original, pair, config):
        return {**forget(now, original, pair, config), "again": forget(now, original, pair, config)["forget"]}

    return train(subject, data, config, seed, twice)


@method("backwards", needs={Need.FORGET})
def backwards(subject: Subject, data: Data, config: PlantedConfig, seed: int) -> Subject:
    """Learns what it is to forget."""


    def learn(now, original, pair, config):
        return {"forget": nll_term(now, pair.forget)}

    return train(subject, data, config, seed, learn)
'''
REFUSED = {
    "honest": set(),
    "greedy": {
        "test_it_changes_what_is_trainable_and_nothing_else",
        "test_adapters_change_linear_layers_and_not_the_head",
        "test_at_a_learning_rate_of_nought_it_is_the_identity",
        "test_it_trains_other_architectures_too",
    },
    "restless": {
        "test_a_seed_makes_the_same_weights_to_the_bit",
        "test_its_seed_decides_and_the_world_s_random_numbers_do_not",
        "test_a_set_that_it_does_not_declare_makes_no_difference",
        "test_a_model_in_a_folder_is_trained_as_one_in_memory",
        "test_the_side_of_the_padding_makes_no_difference",
        "test_a_step_in_pieces_moves_the_weights_as_one_large_batch_does",
        "test_it_trains_other_architectures_too",
        "test_cut_off_it_goes_on_to_the_same_weights",
        "test_mixed_precision_moves_the_weights_as_full_precision_does",
    },
    "secretive": {"test_a_set_that_it_does_not_declare_makes_no_difference"},
    "sly": {"test_a_set_that_it_does_not_declare_makes_no_difference"},
    "dear": {"test_a_step_costs_what_is_declared"},
    "backwards": {"test_one_that_trains_on_the_forget_set_makes_its_answers_less_likely"},
}


@pytest.fixture
def planted(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A project with the methods above and a test that must not be collected."""
    monkeypatch.setattr(METHODS, "_entries", dict(METHODS._entries))
    pytester.makepyfile(planted_methods=MODULE, test_mine="assert False")
    pytester.makeini("[pytest]\n")
    pytester.syspathinsert()
    return pytester


def test_each_defect_is_refused_by_what_is_meant_for_it(planted: pytest.Pytester) -> None:
    run = planted.runpytest("-q", "-rf", *(f"--unlearn-contract=planted_methods:{name}" for name in REFUSED))
    refused: dict[str, set[str]] = defaultdict(set)
    text = run.stdout.str()
    for test, name in re.findall(r"^FAILED unlearn-contract::(\w+)\[(\w+)", text, re.MULTILINE):
        refused[name].add(test)
    assert {name: refused[name] for name in REFUSED} == REFUSED
    assert "'secretive' declares that it needs forget, and breaks down where there is nothing else: this method" in text
    assert "declare `cost=2`" in text


def test_an_honest_method_passes_and_nothing_else_is_collected(planted: pytest.Pytester) -> None:
    run = planted.runpytest("-q", "--unlearn-contract", "planted_methods:honest")
    assert run.ret == pytest.ExitCode.OK
    assert "test_mine" not in run.stdout.str()
    assert set(run.parseoutcomes()) <= {"passed", "skipped", "warning", "warnings"}
    on_devices = 0 if torch.cuda.is_available() else 2
    assert run.parseoutcomes()["skipped"] == on_devices + 1  # it declares no band


def test_only_what_a_method_does_not_do_is_skipped(planted: pytest.Pytester) -> None:
    """Of the bundled ones, `none` and `retrain` take no steps; what they skip is every test that asks for `trained`."""
    steps = [name for name in METHODS.names() if not issubclass(METHODS.get(name).config, LoopConfig)]
    assert steps == ["none", "retrain"]
    kept = [name for name in METHODS.names() if Need.FORGET not in METHODS.get(name).facts["needs"]]
    assert kept == ["finetune", "none", "retrain"]
    assert [name for name in METHODS.names() if METHODS.get(name).facts["band"] is None] == []
    run = planted.runpytest("-q", "-rs", "--unlearn-contract", "pytest_unlearn.methods.none:none")
    items = planted.inline_genitems("--unlearn-contract", "pytest_unlearn.methods.none:none")[0]
    asked = sum("trained" in item.fixturenames for item in items)
    assert run.parseoutcomes()["skipped"] == asked == 19
    assert run.parseoutcomes()["passed"] == len(items) - asked


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("honest", "--unlearn-contract honest: write MODULE:METHOD, as in our_methods:until_rare"),
        (
            "no_such:honest",
            "--unlearn-contract no_such:honest: the module cannot be imported: No module named 'no_such'. Install its "
            "package, or run `python -m pytest` in its folder",
        ),
        (
            "planted_methods:honset",
            "--unlearn-contract planted_methods:honset: unknown method 'honset' - did you mean 'honest'?",
        ),
    ],
)
def test_a_method_that_is_not_there_is_a_usage_error(planted: pytest.Pytester, given: str, told: str) -> None:
    run = planted.runpytest("--unlearn-contract", given)
    assert run.ret == pytest.ExitCode.USAGE_ERROR
    assert told in run.stderr.str()
