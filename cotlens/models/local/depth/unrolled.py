"""A loop of layers, run as the stack that it comes to."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import torch
from safetensors import safe_open
from torch import nn
from transformers import DynamicCache, GenerationMixin, LlamaConfig
from transformers.masking_utils import create_causal_mask
from transformers.modeling_outputs import BaseModelOutputWithPast, CausalLMOutputWithPast
from transformers.models.llama.modeling_llama import LlamaPreTrainedModel, LlamaRMSNorm, LlamaRotaryEmbedding

from cotlens._core.errors import InputError
from cotlens.models.contract.depth import Depth
from cotlens.models.local.depth.state import DrawnState

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Parts:
    """What a loop is made of, every layer once.

    Args:
        config: of the stack; its number of layers is set where it is made.
        depth: with the number of steps it is meant for.
        before, core, after: layers.
        norm, head: behind them.
        scale: of the embedding's output.
        state_std: of the state that the loop begins with; None where it begins with what came before.
    """

    config: LlamaConfig
    depth: Depth
    embed: nn.Embedding
    before: Sequence[Layer]
    core: Sequence[Layer]
    after: Sequence[Layer]
    norm: LlamaRMSNorm
    head: nn.Linear
    scale: float = 1.0
    state_std: float | None = None


@dataclass(frozen=True)
class Start:
    """What a loop begins with: what came before it, and the state that was drawn; float32 [batch, q, d_model]."""

    before: Tensor
    state: Tensor | None


class Joint(Protocol):
    """What the stream goes through at the beginning of a part of the stack."""

    def __call__(self, hidden: Tensor, start: Start | None) -> Tensor:
        """The stream that the part begins with."""
        ...

    def at(self, step: int) -> Joint | None:
        """The same at the beginning of a step, counted from 0; None where the stream goes on as it is."""
        ...


class Layer(nn.Module):
    """What all layers of a stack have beside attention and MLP.

    Attributes:
        joint: of the first layer of a step, or of the coda; None elsewhere.
    """

    joint: Joint | None

    def __init__(self) -> None:
        super().__init__()
        self.joint = None

    def joined(self, hidden: Tensor, start: Start | None) -> Tensor:
        """What this layer begins with."""
        found: Tensor = hidden if self.joint is None else self.joint(hidden, start)
        return found

    @property
    def attention(self) -> nn.Module:
        """Its attention, which has the number of its cache as `layer_idx`."""
        raise NotImplementedError


class NormJoint(LlamaRMSNorm):
    """The final norm, between two steps or before the coda."""

    def forward(self, hidden_states: Tensor, start: Start | None = None) -> Tensor:
        """The stream, normed."""
        found: Tensor = super().forward(hidden_states)
        return found

    def at(self, step: int) -> NormJoint | None:
        """Nothing before the first step, which begins with what came before."""
        return self if step else None


def norm_joint(norm: LlamaRMSNorm) -> NormJoint:
    """A joint that shares a norm's weight."""
    with torch.device("meta"):
        found = NormJoint(len(norm.weight), norm.variance_epsilon)
    found.weight = norm.weight
    return found


class UnrolledModel(LlamaPreTrainedModel):
    """The stack; see `UnrolledForCausalLM`."""

    def __init__(self, config: LlamaConfig, parts: Parts, layers: Sequence[Layer]) -> None:
        super().__init__(config)
        depth = parts.depth
        self.embed_tokens, self.norm = parts.embed, parts.norm
        self.layers = nn.ModuleList(layers)
        self.rotary_emb = LlamaRotaryEmbedding(config)
        self.scale, self.loop = parts.scale, depth.before
        self.drawn = None
        if parts.state_std is not None and depth.seed is not None:
            self.drawn = DrawnState(config.hidden_size, parts.state_std, parts.scale, depth.seed)

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Any = None,
        position_ids: Tensor | None = None,
        past_key_values: Any = None,
        inputs_embeds: Tensor | None = None,
        use_cache: bool | None = None,
        **kwargs: Any,
    ) -> BaseModelOutputWithPast:
        """A pass, as through any model of transformers."""
        given: Tensor = self.embed_tokens(input_ids) if inputs_embeds is None else inputs_embeds
        if use_cache and past_key_values is None:
            past_key_values = DynamicCache(config=self.config)
        if position_ids is None:
            behind = past_key_values.get_seq_length() if past_key_values is not None else 0
            position_ids = (torch.arange(given.shape[1], device=given.device) + behind)[None]
        kwargs |= {"past_key_values": past_key_values, "position_ids": position_ids}
        mask = create_causal_mask(
            config=self.config,
            inputs_embeds=given,
            attention_mask=attention_mask,
            past_key_values=past_key_values,
            position_ids=position_ids,
        )
        hidden, start = given * self.scale if self.scale != 1 else given, None
        rotary = self.rotary_emb(hidden, position_ids)
        for index, layer in enumerate(self.layers):
            if index == self.loop:
                start = Start(hidden, self._state(position_ids, hidden))
            hidden = layer(hidden, start=start, attention_mask=mask, position_embeddings=rotary, **kwargs)
        return BaseModelOutputWithPast(last_hidden_state=self.norm(hidden), past_key_values=past_key_values)

    def _state(self, positions: Tensor, like: Tensor) -> Tensor | None:
        return None if self.drawn is None else self.drawn(positions).to(like).expand_as(like)


class UnrolledForCausalLM(LlamaPreTrainedModel, GenerationMixin):
    """A causal LM whose loop is run a fixed number of times.

    Args:
        parts: what it is made of; weights are shared with them, and so between the steps.
    """

    def __init__(self, parts: Parts) -> None:
        depth = parts.depth
        config = copy.deepcopy(parts.config)
        config.num_hidden_layers = depth.before + depth.steps * depth.layers + depth.after
        if getattr(config, "layer_types", None):  # of a Llama that names them, which are all alike
            config.layer_types = ["full_attention"] * config.num_hidden_layers
        super().__init__(config)
        rounds = [*parts.before, *(layer for _ in range(depth.steps) for layer in parts.core), *parts.after]
        layers = [_again(layer, index, self.config) for index, layer in enumerate(rounds)]
        for step in range(depth.steps):
            first = layers[depth.before + step * depth.layers]
            first.joint = first.joint and first.joint.at(step)
        self.model = UnrolledModel(self.config, parts, layers)
        self.lm_head = parts.head
        self.post_init()
        self.all_tied_weights_keys = _tied(self)
        self.parts, self.depth = parts, depth

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Any = None,
        position_ids: Tensor | None = None,
        past_key_values: Any = None,
        inputs_embeds: Tensor | None = None,
        use_cache: bool | None = None,
        logits_to_keep: int | Tensor = 0,
        **kwargs: Any,
    ) -> CausalLMOutputWithPast:
        """A pass, as through any model of transformers."""
        out = self.model(
            input_ids=input_ids,
            attention_mask=attention_mask,
            position_ids=position_ids,
            past_key_values=past_key_values,
            inputs_embeds=inputs_embeds,
            use_cache=use_cache,
            **kwargs,
        )
        kept = slice(-logits_to_keep, None) if isinstance(logits_to_keep, int) else logits_to_keep
        logits = self.lm_head(out.last_hidden_state[:, kept])
        return CausalLMOutputWithPast(logits=logits, past_key_values=out.past_key_values)


class Stored(LlamaPreTrainedModel, GenerationMixin):
    """A family's tensors under the names that they have on disk, where transformers fills them; it isn't run."""

    def parts(self) -> Parts:
        """What the loop is made of."""
        raise NotImplementedError

    @classmethod
    def from_pretrained(cls, *args: Any, **kwargs: Any) -> Any:
        """What runs, and with `output_loading_info` what transformers says about the loading."""
        check_floats(str(args[0]))
        kwargs["output_loading_info"] = True
        stored, told = super().from_pretrained(*args, **kwargs)
        return _run_form(stored), told

    @classmethod
    def from_config(cls, config: Any, **kwargs: Any) -> Any:
        """What runs, with weights that nobody trained."""
        return _run_form(cls._from_config(config, **kwargs))


def check_steps(name: str, steps: Any) -> None:
    """Raise InputError where a config names no number of steps."""
    if isinstance(steps, bool) or not isinstance(steps, int) or steps < 1:
        raise InputError(f"This model's config.json says {name}={steps!r:.40}; give a whole number of steps from 1.")


def check_floats(where: str) -> None:
    """Raise InputError where the safetensors of a folder hold weights that are no real numbers."""
    for file in sorted(Path(where).glob("*.safetensors")):
        with safe_open(file, "pt") as held:
            for name in held.keys():  # noqa: SIM118 -- it is no mapping
                if not held.get_slice(name).get_dtype().startswith(("F", "BF")):
                    raise InputError(
                        f"{name!r} in {file.name} is no floating-point numbers ({held.get_slice(name).get_dtype()}); "
                        "save the model in float32, float16 or bfloat16."
                    )


def _run_form(stored: Stored) -> UnrolledForCausalLM:
    found = UnrolledForCausalLM(stored.parts())
    found.generation_config = stored.generation_config
    return found.eval()


def at_depth(hf: UnrolledForCausalLM, steps: int, seed: int | None) -> UnrolledForCausalLM:
    """The same weights, another number of times through the loop, or from another first state."""
    found = UnrolledForCausalLM(replace(hf.parts, depth=replace(hf.depth, steps=steps, seed=seed)))
    found.generation_config = hf.generation_config
    found.model.rotary_emb = hf.model.rotary_emb
    return found.eval()


def _again(layer: Layer, index: int, config: LlamaConfig) -> Layer:
    """A layer as number `index` of a stack: modules of its own, the same weights."""
    shared: dict[int, Any] = {id(one): one for one in (*layer.parameters(), *layer.buffers())}
    found = copy.deepcopy(layer, shared)
    for module in found.modules():
        if hasattr(module, "config"):
            module.config = config
    found.attention.layer_idx = index
    return found


def _tied(model: nn.Module) -> dict[str, str]:
    """Names of weights that stand in several places -> the first of their names."""
    first: dict[int, str] = {}
    named = list(model.named_parameters(remove_duplicate=False))
    return {name: first[id(one)] for name, one in named if first.setdefault(id(one), name) != name}
