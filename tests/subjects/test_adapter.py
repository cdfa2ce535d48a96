"""A model with an adapter on it answers as the two do merged, and an adapter of another model is refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from peft import LoraConfig, PromptTuningConfig, get_peft_model

from pytest_unlearn.errors import SubjectError
from pytest_unlearn.subjects.adapter import AdaptedSubject, is_adapter
from pytest_unlearn.subjects.answers import Outputs, Scores
from pytest_unlearn.subjects.devices import Placement
from pytest_unlearn.subjects.local import LocalSubject
from pytest_unlearn.subjects.requests import Generate, Prompt, Score

PROMPTS = [Prompt.of(text) for text in ("What is the capital of France?", "Juba?", "Where does Jane Roe live?")]
ASKED = [Score(prompt, ("Paris", "Lyon", "Madrid")) for prompt in PROMPTS]
SPOKEN = [Generate(prompt, 8) for prompt in PROMPTS]

Adapt = Callable[..., Path]


@pytest.fixture
def adapt(tmp_path: Path, tiny: SimpleNamespace) -> Adapt:
    """Writes an adapter with random weights for the tiny Llama, or for `model`."""

    def make(name: str = "adapter", model: torch.nn.Module | None = None, scale: float = 0.1, **plan: object) -> Path:
        settings = {"r": 4, "target_modules": "all-linear", "task_type": "CAUSAL_LM", **plan}
        wrapped = get_peft_model(model or tiny.llama(), LoraConfig(**settings))
        generator = torch.Generator().manual_seed(0)
        for key, weight in sorted(wrapped.named_parameters()):
            if weight.requires_grad and "lora_A" not in key:
                weight.data += scale * torch.randn(weight.shape, generator=generator)
        wrapped.save_pretrained(tmp_path / name)
        return tmp_path / name

    return make


def scores(subject: LocalSubject) -> list[float]:
    return [p for answer in subject.answer(ASKED) for p in (answer.logp if isinstance(answer, Scores) else ())]


def texts(subject: LocalSubject) -> list[str]:
    return [answer.items[0].text for answer in subject.answer(SPOKEN) if isinstance(answer, Outputs)]


@pytest.mark.parametrize(
    "plan",
    [
        {},
        {"use_dora": True},
        {"use_rslora": True, "lora_alpha": 32},
        {"target_modules": ["q_proj"], "modules_to_save": ["norm"]},
    ],
)
def test_merging_changes_no_answer(
    plan: dict[str, object], adapt: Adapt, llama: LocalSubject, cpu: Placement, tmp_path: Path
) -> None:
    adapted = AdaptedSubject(llama, adapt(**plan))
    with adapted.open() as opened:
        opened.save(tmp_path / "merged")
    merged = LocalSubject(tmp_path / "merged", cpu)
    assert scores(merged) == pytest.approx(scores(adapted), abs=1e-4)
    assert texts(merged) == texts(adapted)
    assert max(abs(a - b) for a, b in zip(scores(adapted), scores(llama), strict=True)) > 0.1


def test_an_adapter_on_half_of_what_is_tied_is_asked_but_not_merged(adapt: Adapt, llama: LocalSubject) -> None:
    folder = adapt(target_modules=["embed_tokens", "up_proj"])
    adapted = AdaptedSubject(llama, folder)
    assert scores(adapted) != scores(llama)
    with pytest.raises(SubjectError) as caught, adapted.open():
        pass
    assert str(caught.value) == (
        f"the adapter {folder} changes the embedding of llama, or its head, but not both, and the two are one tensor: "
        "merged, it would be another model. Untie them (`tie_word_embeddings: false`) before the adapter is trained, "
        "or leave both out of its `target_modules`"
    )


def test_the_base_answers_as_before_once_the_adapter_is_off(adapt: Adapt, llama: LocalSubject) -> None:
    before = scores(llama)
    adapted = AdaptedSubject(llama, adapt())
    scores(adapted)
    assert adapted.base is llama
    assert scores(adapted.base) == before


def test_the_digest_is_of_base_weights_and_settings_and_nothing_else(
    adapt: Adapt, llama: LocalSubject, llama_folder: Path, cpu: Placement, tmp_path: Path
) -> None:
    one = adapt()
    digest = AdaptedSubject(llama, one).digest
    moved = shutil.copytree(one, tmp_path / "elsewhere")
    edit(moved, inference_mode=False, base_model_name_or_path="some-org/some-model", peft_version="0")
    (moved / "README.md").write_text("an adapter")
    assert AdaptedSubject(llama, moved).digest == digest != llama.digest
    edit(moved, lora_alpha=16)
    others = {
        AdaptedSubject(llama, moved).digest,
        AdaptedSubject(llama, adapt("other", scale=0.2)).digest,
        AdaptedSubject(LocalSubject(llama_folder, cpu, "Be brief."), one).digest,
    }
    assert len({digest, *others}) == 4


def test_its_weights_are_the_files_of_both(adapt: Adapt, llama: LocalSubject, tiny: SimpleNamespace) -> None:
    folder = adapt()
    assert AdaptedSubject(llama, folder).files == (*llama.files, folder / "adapter_model.safetensors")
    assert [path.name for path in llama.files] == ["model.safetensors"]
    assert LocalSubject.of(tiny.llama(), llama.tokenizer, llama.placement).files == ()


def test_an_adapter_that_is_still_zero_changes_nothing(adapt: Adapt, llama: LocalSubject) -> None:
    assert AdaptedSubject(llama, adapt("zero", scale=0.0)).change == "" == llama.change
    assert AdaptedSubject(llama, adapt()).change != ""
    assert AdaptedSubject(llama, adapt("whole", scale=0.0, modules_to_save=["norm"])).change != ""


def test_an_adapter_is_told_from_a_model(adapt: Adapt, llama_folder: Path) -> None:
    folder = adapt()
    assert is_adapter(folder) and not is_adapter(llama_folder)
    shutil.copy(llama_folder / "config.json", folder)
    assert not is_adapter(folder)


def test_an_adapter_for_other_shapes_is_refused(adapt: Adapt, llama: LocalSubject, tiny: SimpleNamespace) -> None:
    wide = adapt(model=tiny.llama(intermediate_size=256))
    with pytest.raises(SubjectError) as caught:
        AdaptedSubject(llama, wide)
    assert str(caught.value) == (
        f"the adapter {wide} does not fit the model llama: "
        "'base_model.model.model.layers.0.mlp.down_proj.lora_A.weight' has the shape [4, 256], and this model needs "
        "[4, 128]"
    )


def test_an_adapter_for_a_deeper_model_is_refused(adapt: Adapt, llama: LocalSubject, tiny: SimpleNamespace) -> None:
    deep = adapt(model=tiny.llama(num_hidden_layers=3), target_modules=["q_proj"])
    with pytest.raises(SubjectError) as caught:
        AdaptedSubject(llama, deep)
    assert str(caught.value) == (
        f"the adapter {deep} does not fit the model llama: it holds "
        "'base_model.model.model.layers.2.self_attn.q_proj.lora_A.weight', for which this model has no place"
    )


def test_an_adapter_that_lacks_weights_is_refused(adapt: Adapt, llama: LocalSubject) -> None:
    from safetensors.torch import load_file, save_file

    folder = adapt(target_modules=["q_proj"])
    weights = load_file(folder / "adapter_model.safetensors")
    gone = "base_model.model.model.layers.1.self_attn.q_proj.lora_B.weight"
    del weights[gone]
    save_file(weights, folder / "adapter_model.safetensors")
    with pytest.raises(SubjectError) as caught:
        AdaptedSubject(llama, folder)
    assert str(caught.value) == (
        f"the adapter {folder} does not fit the model llama: it lacks '{gone}', which its adapter_config.json asks for"
    )


def test_an_adapter_for_another_family_is_refused(adapt: Adapt, gpt2: LocalSubject) -> None:
    with pytest.raises(
        SubjectError, match=r"does not fit the model gpt2: NoMatchingPeftModuleError: Target modules .* not found"
    ):
        AdaptedSubject(gpt2, adapt(target_modules=["q_proj"]))


def test_an_adapter_for_another_model_of_the_same_shapes_is_refused(
    adapt: Adapt, llama: LocalSubject, tiny: SimpleNamespace, tmp_path: Path
) -> None:
    other = tiny.write(tmp_path / "other", tiny.llama(seed=1), tiny.tokenizer())
    folder = adapt()
    edit(folder, base_model_name_or_path=str(other))
    with pytest.raises(SubjectError) as caught:
        AdaptedSubject(llama, folder)
    assert str(caught.value) == (
        f"the adapter {folder} does not fit the model llama: it was made for {other}, whose weights are others"
    )
    edit(folder, base_model_name_or_path=str(shutil.copytree(llama.folder, tmp_path / "same")))
    AdaptedSubject(llama, folder)


def test_a_tokenizer_beside_an_adapter_must_number_words_alike(
    adapt: Adapt, llama: LocalSubject, tiny: SimpleNamespace
) -> None:
    folder = adapt()
    tokenizer = tiny.tokenizer()
    tokenizer.save_pretrained(folder)
    AdaptedSubject(llama, folder)
    content = json.loads((folder / "tokenizer.json").read_text())
    words = content["model"]["vocab"]
    words["a"], words["b"] = words["b"], words["a"]
    (folder / "tokenizer.json").write_text(json.dumps(content))
    with pytest.raises(SubjectError, match=r"does not fit the model llama: its tokenizer gives 'a' the id"):
        AdaptedSubject(llama, folder)


def test_an_adapter_that_is_gone_when_it_is_asked_is_told(adapt: Adapt, llama: LocalSubject) -> None:
    folder = adapt()
    adapted = AdaptedSubject(llama, folder)
    (folder / "adapter_model.safetensors").unlink()
    with pytest.raises(SubjectError) as caught:
        list(adapted.answer([Score(Prompt.of("Juba?"), ("Lyon",))]))
    assert str(caught.value) == (
        f"the adapter in {folder} cannot be loaded: FileNotFoundError: No such file or directory: "
        f"{folder}/adapter_model.safetensors"
    )


def test_a_folder_that_holds_no_adapter_says_what_to_do(adapt: Adapt, llama: LocalSubject, tmp_path: Path) -> None:
    with pytest.raises(SubjectError) as caught:
        AdaptedSubject(llama, tmp_path)
    assert str(caught.value) == (
        f"{tmp_path} has no adapter_config.json, so it is no adapter. Save one there with save_pretrained of a "
        "peft model"
    )
    folder = adapt()
    (folder / "adapter_model.safetensors").rename(folder / "adapter_model.bin")
    with pytest.raises(SubjectError) as caught:
        AdaptedSubject(llama, folder)
    assert str(caught.value) == (
        f"{folder} has no adapter_model.safetensors, only adapter_model.bin: a pickle, which is not opened. "
        "Save the adapter there with peft, which writes it"
    )


def test_an_adapter_of_invented_tokens_cannot_be_asked(
    llama: LocalSubject, tiny: SimpleNamespace, tmp_path: Path
) -> None:
    plan = PromptTuningConfig(num_virtual_tokens=4, task_type="CAUSAL_LM")
    get_peft_model(tiny.llama(), plan).save_pretrained(tmp_path / "p")
    with pytest.raises(SubjectError) as caught:
        AdaptedSubject(llama, tmp_path / "p")
    assert str(caught.value) == (
        f"{tmp_path}/p is an adapter of the kind PROMPT_TUNING, whose tokens are no weights of the model: it cannot be "
        "asked. Kinds that change weights can, such as LORA"
    )


def edit(folder: Path, **entries: object) -> None:
    path = folder / "adapter_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **entries}))
