"""What a causal LM is made of: where its layers are, which kinds of attention they use, which arguments it takes.

Everything is read off the loaded module and its config, so no architecture has to be listed by name. Whether masks
are really obeyed is not taken for granted but tried, in `local.scoring.verification`.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cotlens._core.errors import CapabilityError, InputError, did_you_mean
from cotlens.models.contract.interventions import SITES

if TYPE_CHECKING:
    from torch import nn
    from transformers import PreTrainedModel

FULL, SLIDING = "full_attention", "sliding_attention"
INDEXED = "indexed_attention"
ATTENDING = {FULL: FULL, SLIDING: SLIDING, INDEXED: FULL, "hybrid": FULL, "hybrid_sliding": SLIDING}
"""Kinds of layers that look back at tokens, in transformers' words -> how far they do."""

RECURRENT = ("linear_attention", "conv")
"""Kinds of layers that keep a state instead; what they are given as a mask only says what pads a text."""

EMBED, RESIDUAL, HEADS = "embed", "resid_post", "heads"
KINDS = SITES
"""Kinds of places: what the token embedding, a layer, its attention and its MLP give; and what the attention's heads
give, side by side, which is what goes into the projection that mixes them."""

Refusals = dict[tuple[str, str], str]
"""(use, kind of place) -> why this model can't be asked that; uses are those of `USES`."""

USES = {
    "read": "{kind} can't be read in this model",
    "write": "{kind} can't be changed in this model",
    "gradient": "No gradient can be taken at {kind} in this model",
    "unembed": "Directions can't be read as logits in this model",
    "decode": "Vectors can't be decoded in this model",
}
ANY_LENGTH = 2**31  # context of a model that names none
_NO_CACHE = "dummy"
_CACHES = ("past_key_values", "cache_params", "state")
_MASKED = {"attention_mask": "attention mask", "position_ids": "positions", "past_key_values": "cache"}
_ATTENTION = ("self_attn", "attn", "attention", "self_attention", "mixer")
_MLP = ("mlp", "feed_forward", "block_sparse_moe", "ffn", "moe")
_PROJECTION = ("o_proj", "out_proj", "dense", "c_proj", "wo", "proj")
_SITE = re.compile(rf"({'|'.join(KINDS[1:])})\.(\d+)")


@dataclass(frozen=True)
class Layout:
    """Where things are in one model.

    Args:
        decoder, embed: dotted paths of the module that takes the mask and of the token embedding.
        layers, attention, mlp: dotted paths, one per layer; "" where a layer has none.
        kinds: kind of attention per layer, in transformers' words.
        window: how many positions back a sliding layer sees, itself included; None without sliding layers.
        no_mask: why masks can't be given, "" if they can.
        accepts: argument names of the model's forward.
        d_model, vocabulary, heads, context: sizes; `context` is the largest number of tokens in a sequence.
        projections: dotted paths of what mixes the heads of a layer's attention, one per layer; "" where none is known.
        head_width: how many numbers all heads of a layer give; 0 where that isn't known.
        latent: an id beyond the vocabulary that stands for latents: what is read in its place is a vector.
        refused: what was tried and didn't hold, see `trial`.
    """

    decoder: str
    embed: str
    layers: tuple[str, ...]
    attention: tuple[str, ...]
    mlp: tuple[str, ...]
    kinds: tuple[str, ...]
    window: int | None
    no_mask: str
    accepts: frozenset[str]
    d_model: int
    vocabulary: int
    heads: int
    context: int
    projections: tuple[str, ...] = ()
    head_width: int = 0
    latent: int | None = None
    refused: Mapping[tuple[str, str], str] = field(default_factory=dict)

    @property
    def cache(self) -> str:
        """Name of the argument, and of the output, that is what the model remembers between passes; "" if none is."""
        return next((name for name in _CACHES if name in self.accepts), "")

    @property
    def mixed(self) -> bool:
        """Whether masks are a dict with one entry per kind of layer."""
        return len(set(self.kinds)) > 1

    def site(self, name: str, use: str = "read") -> tuple[str, int]:
        """Module path and layer (-1 for the embedding) of a site such as "resid_post.3", for a use that is made of it.

        Raises:
            InputError: there is no such site or layer.
            CapabilityError: this model has no such part, or can't be used that way there.
        """
        if name == EMBED:
            return self.module(EMBED, 0, use), -1
        match = _SITE.fullmatch(name)
        if match is None:
            known = ["embed", *(f"{kind}.{self.n_layers - 1}" for kind in KINDS[1:])]
            raise InputError(f"There is no site {name!r}. {did_you_mean(name, known)}")
        return self.module(match[1], int(match[2]), use), int(match[2])

    def module(self, kind: str, layer: int, use: str = "read") -> str:
        """Path of the module whose output is `kind` in `layer`, for a use that is made of it; raises as `site`."""
        if kind != EMBED and not 0 <= layer < self.n_layers:
            raise InputError(f"Layer {layer} doesn't exist: this model has layers 0 to {self.n_layers - 1}.")
        path = self.path(kind, layer)
        if not path:
            raise CapabilityError(f"Layer {layer} of this model has no part known as {kind}; {self._instead(kind)}.")
        self.check(use, kind)
        return path

    def path(self, kind: str, layer: int) -> str:
        """The same whatever it is for; "" where the layer has no such part."""
        if kind == EMBED:
            return self.embed
        if kind == HEADS:
            return self.projections[layer] if self.projections else ""
        return {RESIDUAL: self.layers, "attn_out": self.attention, "mlp_out": self.mlp}[kind][layer]

    def _instead(self, kind: str) -> str:
        """Where a kind of part is, or which kinds every layer has."""
        having = [str(layer) for layer in range(self.n_layers) if self.path(kind, layer)]
        if having:
            return f"choose of the layers that have one: {', '.join(having)}"
        everywhere = [one for one in KINDS[1:] if all(self.path(one, layer) for layer in range(self.n_layers))]
        return f"use {' or '.join(one for one in everywhere if one != HEADS)} instead"

    def width(self, kind: str) -> int:
        """How many numbers stand at a place of a kind, or at a site, for each token."""
        return self.head_width if kind.split(".")[0] == HEADS else self.d_model

    def usable(self, use: str) -> list[str]:
        """The kinds of places that can be used that way; none where heads alone can, which no measure stands on."""
        there = [kind for kind in KINDS if any(self.path(kind, layer) for layer in range(self.n_layers))]
        found = [kind for kind in there if (use, kind) not in self.refused]
        return found if found != [HEADS] else []

    def check(self, use: str, kind: str) -> None:
        """Raise CapabilityError where that use of that kind of place was tried and didn't hold."""
        why = self.refused.get((use, kind))
        if why is None:
            return
        others = self.usable(use) if use not in ("unembed", "decode") else []
        instead = f"use {' or '.join(others)} instead" if others else "use another model"
        raise CapabilityError(f"{USES[use].format(kind=kind)}: {why}; {instead}.")

    @property
    def n_layers(self) -> int:
        """How many layers there are."""
        return len(self.layers)


def describe(hf: PreTrainedModel) -> Layout:
    """Read the layout off a loaded model.

    Raises:
        CapabilityError: no stack of layers was found.
    """
    config = hf.config.get_text_config(decoder=True)
    paths = {id(module): path for path, module in hf.named_modules()}
    stack, layers = _stack(hf, config)
    stack_path = paths[id(stack)]
    kinds, window, why = _kinds(config, len(layers))
    accepts = frozenset(inspect.signature(hf.forward).parameters)
    missing = [words for name, words in _MASKED.items() if name not in accepts]
    if not why and missing:
        why = f"its forward takes no {' and no '.join(missing)}"
    attention = tuple(_child(f"{stack_path}.{i}", layer, _ATTENTION) for i, layer in enumerate(layers))
    heads = int(getattr(config, "num_attention_heads", 1) or 1)
    projections, head_width = _projections(hf, attention, kinds, heads)
    return Layout(
        decoder=stack_path.rpartition(".")[0],
        embed=paths[id(hf.get_input_embeddings())],
        layers=tuple(f"{stack_path}.{i}" for i in range(len(layers))),
        attention=attention,
        mlp=tuple(_child(f"{stack_path}.{i}", layer, _MLP) for i, layer in enumerate(layers)),
        kinds=kinds,
        window=window,
        no_mask=why,
        accepts=accepts,
        d_model=int(getattr(config, "hidden_size", None) or hf.get_input_embeddings().weight.shape[1]),
        vocabulary=int(hf.get_input_embeddings().weight.shape[0]),
        heads=heads,
        context=_context(config),
        projections=projections,
        head_width=head_width,
    )


def _stack(hf: PreTrainedModel, config: object) -> tuple[nn.ModuleList, list[nn.Module]]:
    from torch import nn

    count = int(getattr(config, "decoder_layers", 0) or getattr(config, "num_hidden_layers", 0) or 0)
    for _, module in (hf.get_decoder() or hf).named_modules():
        if isinstance(module, nn.ModuleList) and len(module) == count > 0:
            return module, list(module)
    raise CapabilityError(f"No stack of {count} layers was found in {type(hf).__name__}; this model can't be used.")


def _kinds(config: object, count: int) -> tuple[tuple[str, ...], int | None, str]:
    """Kinds of attention per layer, the window, and why masks can't be given ("" if they can)."""
    from transformers.cache_utils import get_layer_types_and_kwargs

    try:
        kinds, details = get_layer_types_and_kwargs(config)
    except (AttributeError, TypeError, KeyError):
        return (FULL,) * count, None, ""
    kinds = _attended(config, kinds)
    strange = sorted(set(kinds) - {FULL, SLIDING})
    windows = {detail["sliding_window"] for detail in details if "sliding_window" in detail}
    window = int(windows.pop()) if len(windows) == 1 else None
    if strange:
        return tuple(kinds), window, f"it has {', '.join(strange).replace('_', ' ')} layers"
    return tuple(kinds), window, "its sliding layers have different windows" if windows else ""


def _attended(config: object, kinds: Sequence[str]) -> list[str]:
    """Kinds without "dummy", which means no cache: a layer that reuses another's keys is masked by its own kind.

    A layer without attention takes whatever mask there is.
    """
    named = getattr(config, "layer_types", None) or [FULL] * len(kinds)
    own = [name if name in (FULL, SLIDING) else FULL for name in named]
    return [name if kind == _NO_CACHE else kind for kind, name in zip(kinds, own, strict=True)]


def _context(config: object) -> int:
    """The most tokens in a sequence.

    Under "longrope" the positions of all tokens depend on whether there are more than the model was first trained on;
    then what a token's keys are would depend on what follows it, so longer sequences are not taken.
    """
    most = int(getattr(config, "max_position_embeddings", None) or ANY_LENGTH)
    rope = getattr(config, "rope_parameters", None) or {}
    if rope.get("rope_type") == "longrope":
        most = min(most, int(rope.get("original_max_position_embeddings") or most))
    return most


def _projections(
    hf: PreTrainedModel, attention: Sequence[str], kinds: Sequence[str], heads: int
) -> tuple[tuple[str, ...], int]:
    """Paths of what mixes the heads, and how much goes in: as much in all layers, and as much of each head."""
    paths = [
        _child(path, hf.get_submodule(path), _PROJECTION) if path and kind not in RECURRENT else ""
        for path, kind in zip(attention, kinds, strict=True)
    ]
    widths = {_taken(hf.get_submodule(path)) for path in paths if path}
    if len(widths) != 1 or not (width := widths.pop()) or width % heads:
        return (), 0
    return tuple(paths), width


def _taken(module: nn.Module) -> int:
    """How many numbers a projection takes, 0 where it doesn't say: GPT-2's keeps its weight the other way round."""
    weight = getattr(module, "weight", None)
    across = 0 if hasattr(module, "nf") else -1
    return int(getattr(module, "in_features", 0) or (weight.shape[across] if weight is not None else 0))


def _child(path: str, layer: nn.Module, names: tuple[str, ...]) -> str:
    for name in names:
        if getattr(layer, name, None) is not None:  # a layer of a hybrid may have the name and no such part
            return f"{path}.{name}"
    return ""
