"""What branches should score, computed another way: transformers only, no custom masks, one token at a time.

Hiding is physical here: a token attends to a cache that holds nothing but the keys and values it may see, picked per
layer. Windows are stated per family in a table, not read off the model.
"""

import torch
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer

from tests.model.tiny import FAMILIES, WINDOW

FULL_LAYERS = {
    "qwen3": "FFF",
    "llama": "FFF",
    "gpt2": "FFF",
    "gemma3": "SFS",
    "gpt_oss": "SFS",
    "olmo3": "SFS",
    "mistral": "SSS",
    "phi3": "SSS",
    "qwen3_moe": "FFF",
}
assert set(FULL_LAYERS) == set(FAMILIES)
NAMES = {"F": "full_attention", "S": "sliding_attention"}


class Seen:
    """Keys and values of the tokens so far, with their positions."""

    def __init__(self, layers):
        self.layers = layers  # per layer: list of (position, key [1,h,1,d], value)

    def cache(self, kinds, position):
        cache = DynamicCache()
        for kind, entries in zip(kinds, self.layers, strict=True):
            near = [(k, v) for at, k, v in entries if kind == "F" or position - at < WINDOW]
            layer = DynamicLayer()
            if near:
                layer.update(torch.cat([k for k, _ in near], 2), torch.cat([v for _, v in near], 2))
            cache.layers.append(layer)
        return cache

    def add(self, cache, position):
        for entries, layer in zip(self.layers, cache.layers, strict=True):
            entries.append((position, layer.keys[:, :, -1:], layer.values[:, :, -1:]))


def branch_logprobs(hf, family, trunk, branch):
    """Log-probabilities of the branch's tokens, by the definition in `contract.Branch`; NaN for those only read.

    Args:
        family: of the table above, or the kinds of the layers that keep keys and values.
    """
    rows = branch_rows(hf, family, trunk, branch)
    own = [float(row[token]) for row, token in zip(rows, branch.token_ids, strict=False)]
    return [float("nan")] * branch.given + own[branch.given :]


@torch.no_grad()
def branch_rows(hf, family, trunk, branch):
    """Log-probabilities of the whole vocabulary in place of each token of the branch, and after its last one."""
    kinds = FULL_LAYERS.get(family, family)
    prefix, hidden = branch.prefix, {h for h in branch.hidden if h < branch.prefix}
    cache = DynamicCache()
    logits = hf(torch.tensor([trunk[:prefix]]), past_key_values=cache, use_cache=True).logits[0, -1]
    columns = [
        [(t, layer.keys[:, :, t : t + 1], layer.values[:, :, t : t + 1]) for t in range(prefix)]
        for layer in cache.layers
    ]
    seen = Seen([[entry for entry in layer if entry[0] not in hidden] for layer in columns])
    if hidden and not branch.given:
        refed = max(set(range(prefix)) - hidden)
        seen = Seen([[entry for entry in layer if entry[0] < refed] for layer in seen.layers])
        logits = step(hf, kinds, seen, trunk[refed], refed)
    found = [torch.log_softmax(logits, -1)]
    for index, token in enumerate(branch.token_ids):
        found.append(torch.log_softmax(step(hf, kinds, seen, token, prefix + index), -1))
    return found


def step(hf, kinds, seen, token, position):
    cache = seen.cache(kinds, position)
    widths = {NAMES[kind]: layer.get_seq_length() + 1 for kind, layer in zip(kinds, cache.layers, strict=True)}
    nothing = {kind: torch.zeros(1, 1, 1, width) for kind, width in widths.items()}
    logits = hf(
        torch.tensor([[token]]),
        position_ids=torch.tensor([[position]]),
        attention_mask=nothing if len(nothing) > 1 else next(iter(nothing.values())),
        past_key_values=cache,
        use_cache=True,
    ).logits[0, -1]
    seen.add(cache, position)
    return logits
