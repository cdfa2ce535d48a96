"""A quantised file becomes a folder with its own weights, or none."""

from __future__ import annotations

from pathlib import Path

import numpy
import pytest
import torch
from gguf import GGUFWriter

from pytest_unlearn.errors import SubjectError
from pytest_unlearn.subjects.gguf import dequantise
from pytest_unlearn.subjects.identity import weight_files
from pytest_unlearn.subjects.load import check

TOKENS = ["<s>", "<unk>", "</s>", "a", "b", "ab", "c", "d"]
WIDTH = 32


def written(path: Path, rows: int) -> Path:
    """A Llama of one layer with an embedding of `rows`; the loader adds one token to those of the file."""
    writer, draw = GGUFWriter(str(path), "llama"), numpy.random.default_rng(0)
    writer.add_context_length(64)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(1)
    writer.add_feed_forward_length(2 * WIDTH)
    writer.add_head_count(2)
    writer.add_head_count_kv(2)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(WIDTH // 2)
    writer.add_vocab_size(rows)
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(TOKENS)
    writer.add_token_types([1] * len(TOKENS))
    writer.add_token_merges(["a b"])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(2)
    shapes = {"token_embd": (rows, WIDTH), "blk.0.ffn_gate": (2 * WIDTH, WIDTH), "blk.0.ffn_up": (2 * WIDTH, WIDTH)}
    shapes |= {f"blk.0.attn_{name}": (WIDTH, WIDTH) for name in ("q", "k", "v", "output")}
    shapes |= {"blk.0.ffn_down": (WIDTH, 2 * WIDTH)}
    for name, shape in shapes.items():
        writer.add_tensor(f"{name}.weight", draw.normal(size=shape).astype(numpy.float32))
    for name in ("blk.0.attn_norm", "blk.0.ffn_norm", "output_norm"):
        writer.add_tensor(f"{name}.weight", numpy.ones(WIDTH, numpy.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def test_a_file_becomes_a_folder_with_its_weights_that_can_be_loaded(tmp_path: Path) -> None:
    from safetensors.torch import load_file

    folder = tmp_path / "made"
    folder.mkdir()
    dequantise(written(tmp_path / "m.gguf", rows=9), folder)
    check(folder)
    (file,) = weight_files(folder)
    expected = numpy.random.default_rng(0).normal(size=(9, WIDTH)).astype(numpy.float32)
    assert torch.equal(load_file(file)["model.embed_tokens.weight"], torch.from_numpy(expected))


def test_a_file_whose_tokenizer_has_more_tokens_than_its_model_has_rows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SubjectError) as caught:
        dequantise(written(tmp_path / "m.gguf", rows=8), tmp_path)
    assert str(caught.value) == (
        "m.gguf: the tokenizer (end token 2, 9 tokens) does not fit the model (end token 2, 8 rows)"
    )
