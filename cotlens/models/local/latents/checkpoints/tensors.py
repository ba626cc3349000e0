"""From the tensors of a file to a model: prefixes, adapters, vocabularies that grew."""

from __future__ import annotations

import glob
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cotlens._core.errors import BackendError, InputError
from cotlens.models.model_config import auto_class

if TYPE_CHECKING:
    from torch import Tensor

Tensors = dict[str, "Tensor"]
_BUFFERS = re.compile(r"\.attn\.(bias|masked_bias)$|rotary_emb\.inv_freq$")  # of older versions of transformers
_LORA = re.compile(r"^(.*)\.lora_([AB])\.default\.weight$")
_SHARD = re.compile(r"^(.*)-\d+-of-(\d+)(\.\w+)$")  # one file of several that hold a model together
_NAMED = 3  # tensors that an error names


def candidates(folder: Path, own: str) -> list[Path]:
    """Files of a folder that may hold the checkpoint: safetensors, then those that `own` matches, the newest first."""
    numbered = sorted(folder.glob(own), key=lambda path: [int(n) for n in re.findall(r"\d+", path.name)], reverse=True)
    safe, *others = (sorted(folder.glob(f"*.{ending}")) for ending in ("safetensors", "bin", "pt"))
    more = [path for path in (*numbered, *(one for part in others for one in part)) if path not in safe]
    return [*safe, *dict.fromkeys(more)]


def read(path: Path) -> Tensors:
    """All tensors of a file of safetensors, or of one that torch's restricted loader takes; of all shards with one.

    Raises:
        InputError: it is missing, or another shard is.
        BackendError: it is damaged, or holds more than tensors.
    """
    if (shard := _SHARD.match(path.name)) is None:
        return _read(path)
    files = sorted(path.parent.glob(f"{glob.escape(shard[1])}-*-of-{shard[2]}{shard[3]}"))
    if len(files) != int(shard[2]):
        raise InputError(
            f"The checkpoint lies in {int(shard[2])} files, of which {len(files)} are in {path.parent}; fetch the rest."
        )
    return {name: part for file in files for name, part in _read(file).items()}


def _read(path: Path) -> Tensors:
    import torch
    from safetensors.torch import load_file

    try:
        if path.suffix == ".safetensors":
            found = load_file(path)
        else:
            found = torch.load(path, map_location="cpu", weights_only=True)  # noqa: TID251 -- the restricted loader
    except FileNotFoundError as error:
        raise InputError(f"There is no file {str(path)!r}; give the checkpoint's.") from error
    except Exception as error:  # torch raises many kinds for files that are something else
        raise BackendError(
            f"{path} holds more than tensors, or it is damaged, so it is not opened; save its state dict again."
        ) from error
    if not isinstance(found, Mapping) or not all(isinstance(part, torch.Tensor) for part in found.values()):
        raise BackendError(f"{path} holds no dict of tensors; save the model's state dict.")
    return dict(found)


def beneath(tensors: Mapping[str, Tensor], prefix: str) -> Tensors:
    """The tensors whose names begin with a prefix, without it."""
    return {name.removeprefix(prefix): part for name, part in tensors.items() if name.startswith(prefix)}


def model_of(config: Any, tensors: Tensors, rows: int, alpha: float = 0.0) -> Any:
    """A model of a base's config with these weights, its vocabulary grown to at least `rows` tokens.

    Args:
        alpha: of adapters (LoRA) that are merged into the weights: each adds alpha / rank times B A.

    Raises:
        InputError: tensors of another model, or without rows for all tokens.
    """
    import torch

    _check_numbers(tensors)
    hidden = int(getattr(config, "hidden_size", 0))
    with torch.device("meta"):
        shell = auto_class(config).from_config(config)
    name = next(path for path, part in shell.named_modules() if part is shell.get_input_embeddings()) + ".weight"
    table = tensors.get(name)
    if table is None or table.ndim != 2:
        raise InputError(
            f"The checkpoint has no tensor {name!r}, so it is none of a {type(shell).__name__}; give the model that it "
            "was made from."
        )
    if table.shape[1] != hidden:
        raise InputError(
            f"The checkpoint's hidden states are {table.shape[1]} wide and those of the config {hidden}; give the "
            "model that it was made from."
        )
    if len(table) < rows:
        raise InputError(
            f"The checkpoint has {len(table)} tokens and needs {rows} with its special tokens, so it was saved without "
            "them; give the checkpoint of the trained latent reasoner, not of its base."
        )
    config.get_text_config(decoder=True).vocab_size = len(table)
    model = auto_class(config).from_config(config, dtype=torch.float32)
    _fill(model, _merged(model, tensors, alpha))
    return model.eval()


def _merged(model: Any, tensors: Tensors, alpha: float) -> Tensors:
    """Weights with their adapters added; under the names that the model itself has."""
    adapters: dict[str, dict[str, Tensor]] = {}
    found: Tensors = {}
    for name, part in tensors.items():
        if (match := _LORA.match(name)) is not None:
            adapters.setdefault(match[1], {})[match[2]] = part.float()
        else:
            found[name.replace(".base_layer.", ".")] = part.float()
    for path, pair in adapters.items():
        if set(pair) != {"A", "B"} or f"{path}.weight" not in found:
            raise InputError(f"The adapter of {path!r} is not whole in this checkpoint; save the whole model.")
        across = type(model.get_submodule(path)).__name__ == "Conv1D"  # GPT-2 keeps its weights the other way round
        weight = found[f"{path}.weight"].T if across else found[f"{path}.weight"]
        a, b = pair["A"], pair["B"]
        if a.ndim != 2 or weight.shape != (len(b), a.shape[1]) or b.shape != (len(b), len(a)):
            raise InputError(
                f"The adapter of {path!r} has shapes {tuple(a.shape)} and {tuple(b.shape)}, and its weight takes "
                f"{weight.shape[-1]} to {len(weight)}; give the checkpoint of one training."
            )
        changed = weight + alpha / len(a) * (b @ a)
        found[f"{path}.weight"] = changed.T if across else changed
    return found


def _check_numbers(tensors: Mapping[str, Tensor]) -> None:
    """Raise InputError for weights that are no real numbers, which would be cut to such, or no finite ones."""
    odd = [name for name, part in tensors.items() if not part.is_floating_point() and not _BUFFERS.search(name)]
    if odd:
        raise InputError(
            f"{len(odd)} of the checkpoint's weights are no floating-point numbers ({_few(odd)}: "
            f"{str(tensors[odd[0]].dtype).removeprefix('torch.')}); save the model in float32, float16 or bfloat16."
        )
    lost = [name for name, part in tensors.items() if part.is_floating_point() and not bool(part.isfinite().all())]
    if lost:
        raise InputError(
            f"{len(lost)} of the checkpoint's weights hold NaN or infinite values ({_few(lost)}), so its training went "
            "astray; take one that was saved before."
        )


def _fill(model: Any, tensors: Tensors) -> None:
    try:
        missing, unexpected = model.load_state_dict(tensors, strict=False)
    except RuntimeError as error:
        raise InputError(
            f"The checkpoint's tensors have other shapes than the config says ({str(error).splitlines()[-1].strip()}); "
            "give the model that it was made from."
        ) from error
    tied = model.get_output_embeddings().weight is model.get_input_embeddings().weight
    if tied:
        _check_tied(model, tensors)
    lost = [name for name in missing if not (tied and name == "lm_head.weight")]
    odd = [name for name in unexpected if not _BUFFERS.search(name)]
    for names, what in ((lost, "leaves out"), (odd, "holds")):
        if names:
            raise InputError(
                f"The checkpoint {what} {len(names)} tensors ({_few(names)}) {'that' if what == 'holds' else 'which'} "
                f"the model {'has no place for' if what == 'holds' else 'needs'}; give the model that it was made from."
            )
    model.tie_weights()


def _check_tied(model: Any, tensors: Tensors) -> None:
    """Raise InputError where two tables of a checkpoint are one by its config: one of them would be lost."""
    shared = model.get_input_embeddings().weight
    names = [name for name, part in model.named_parameters(remove_duplicate=False) if part is shared]
    first, *others = [name for name in names if name in tensors]
    for other in others:
        if not bool((tensors[first] == tensors[other]).all()):
            raise InputError(
                f"The checkpoint's {first!r} and {other!r} are two tables, and the config ties them to one; set "
                "tie_word_embeddings to false in config.json where it was trained so."
            )


def _few(names: Sequence[str]) -> str:
    return ", ".join([*names[:_NAMED], *["..."] * (len(names) > _NAMED)])


def grown(tokenizer: Any, tokens: Sequence[str], first: int | None = None) -> list[int]:
    """Ids of special tokens that are added to a tokenizer where it hasn't got them.

    Args:
        first: the id of the first of them, where their ids are fixed by the model's vocabulary.

    Raises:
        InputError: the tokenizer has other tokens there.
    """
    from tokenizers import AddedToken

    known = tokenizer.get_vocab()
    new = [token for token in tokens if token not in known]
    if first is not None and new and len(tokenizer) < first:
        tokenizer.add_tokens([AddedToken(f"<|row {row}|>", special=True) for row in range(len(tokenizer), first)])
    tokenizer.add_tokens([AddedToken(token, special=True, normalized=False) for token in new])
    ids = [int(tokenizer.convert_tokens_to_ids(token)) for token in tokens]
    if first is not None and ids != list(range(first, first + len(tokens))):
        raise InputError(
            f"The special tokens of this checkpoint are {first} to {first + len(tokens) - 1}, where the tokenizer "
            "given has others; give the tokenizer of the model that it was made from."
        )
    return ids


__all__ = ["Tensors", "beneath", "candidates", "grown", "model_of", "read"]
