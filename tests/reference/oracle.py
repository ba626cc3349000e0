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


@torch.no_grad()
def branch_logprobs(hf, family, trunk, branch):
    """Log-probabilities of the branch's tokens, by the definition in `contract.Branch`.

    Args:
        family: of the table above, or the kinds of the layers that keep keys and values.
    """
    kinds = FULL_LAYERS.get(family, family)
    prefix, hidden = branch.prefix, {h for h in branch.hidden if h < branch.prefix}
    cache = DynamicCache()
    logits = hf(torch.tensor([trunk[:prefix]]), past_key_values=cache, use_cache=True).logits[0, -1]
    columns = [
        [(t, layer.keys[:, :, t : t + 1], layer.values[:, :, t : t + 1]) for t in range(prefix)]
        for layer in cache.layers
    ]
    if hidden:
        refed = max(set(range(prefix)) - hidden)
        seen = Seen([[entry for entry in layer if entry[0] < refed and entry[0] not in hidden] for layer in columns])
        logits = step(hf, kinds, seen, trunk[refed], refed)
    else:
        seen = Seen(columns)
    found = []
    for index, token in enumerate(branch.token_ids):
        found.append(float(torch.log_softmax(logits, -1)[token]))
        logits = step(hf, kinds, seen, token, prefix + index)
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
