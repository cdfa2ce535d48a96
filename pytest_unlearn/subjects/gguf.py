"""From a quantised GGUF file to a folder with plain weights.

The loader of transformers knows how to read such a file, but what it makes cannot be saved, and in some versions it
comes out with a random output head or without the right end token. Both are checked here.
"""

from __future__ import annotations

from pathlib import Path

from pytest_unlearn.errors import SubjectError
from pytest_unlearn.lazy import torch, transformers
from pytest_unlearn.subjects.quiet import quiet

CONVERSION = "v1"  # raised when the same file would be converted to something else


def dequantise(gguf: Path, folder: Path) -> None:
    """Write model (float32 safetensors) and tokenizer of `gguf` to `folder`; raises SubjectError if they do not fit."""
    with quiet():
        tokenizer = transformers.AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
        read = transformers.AutoModelForCausalLM.from_pretrained(gguf.parent, gguf_file=gguf.name, dtype=torch.float32)
        plain = {key: value for key, value in read.config.to_dict().items() if key != "quantization_config"}
        config = type(read.config).from_dict({**plain, "_name_or_path": ""})
        model = transformers.AutoModelForCausalLM.from_config(config, dtype=torch.float32)
        model.load_state_dict(read.state_dict())
        model.generation_config = read.generation_config
        embedding, head = read.get_input_embeddings().weight, read.get_output_embeddings().weight
        if config.tie_word_embeddings and not torch.equal(embedding, head):
            raise SubjectError(
                f"{gguf.name}: the output head is not that of the file. Use another version of transformers"
            )
        if tokenizer.eos_token_id != config.eos_token_id or len(tokenizer) > len(embedding):
            raise SubjectError(
                f"{gguf.name}: the tokenizer (end token {tokenizer.eos_token_id}, {len(tokenizer)} tokens) does not "
                f"fit the model (end token {config.eos_token_id}, {len(embedding)} rows)"
            )
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
