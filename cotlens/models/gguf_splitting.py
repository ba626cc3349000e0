"""How the tokenizer of a GGUF cuts a text into pieces before it joins them to tokens.

The file only names a way ("smollm"). transformers knows some of the names; for all others it cuts as GPT-2 did, without
a word. Texts then become other tokens than those that the model was trained on, most often around numbers.
"""

from __future__ import annotations

import json
import warnings
from typing import Any

from cotlens.models.gguf import Header

# Names of llama.cpp's, by what stands behind them in its vocabulary.
_GPT2 = {
    "exaone4", "gigachat", "gpt-2", "granite-docling", "jais", "jina-de", "jina-es", "mpt", "olmo", "phi-2",
    "roberta-bpe", "trillion",
}  # fmt: skip
_SINGLE_DIGITS = {"codeshell", "command-r", "exaone", "minerva-7b", "refact", "smollm", "starcoder"}  # then as GPT-2


def mend(tokenizer: Any, header: Header, file: str) -> None:
    """Let a tokenizer cut texts as its file says; warn where nobody here knows how that is."""
    if header.splits is None or header.splits in _GPT2 or not _as_gpt2(tokenizer):
        return
    if header.splits in _SINGLE_DIGITS:
        from tokenizers import pre_tokenizers

        as_gpt2 = pre_tokenizers.ByteLevel(add_prefix_space=False)
        parts = [pre_tokenizers.Digits(individual_digits=True), as_gpt2]
        tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(parts)
        return
    said = (
        f"cuts texts in a way ({header.splits[:40]!r}) that"
        if header.splits
        else "doesn't say how it cuts texts, which"
    )
    warnings.warn(
        f"The tokenizer of {file!r} {said} transformers takes for GPT-2's: some texts may become other tokens than "
        "those the model was trained on; load the model with its own tokenizer and give load((model, tokenizer)).",
        stacklevel=2,
    )


def _as_gpt2(tokenizer: Any) -> bool:
    """Whether a tokenizer cuts texts as GPT-2 did."""
    found = json.loads(tokenizer.backend_tokenizer.to_str())["pre_tokenizer"] or {}
    return found.get("type") == "ByteLevel" and bool(found.get("use_regex"))
