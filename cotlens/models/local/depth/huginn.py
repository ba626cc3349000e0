"""Huginn (Geiping et al. 2025, arXiv 2502.05171): a prelude, a block that is run again and again, and a coda.

Each step takes the state and what the prelude gave, side by side, through a linear map; the first state is drawn. Its
remote code isn't run; names of tensors and settings are those of its public checkpoint.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from transformers import LlamaConfig, PreTrainedConfig
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS
from transformers.models.llama.modeling_llama import LlamaRMSNorm, eager_attention_forward

from cotlens._core.errors import CapabilityError, InputError
from cotlens.models.contract.depth import Depth
from cotlens.models.local.depth.unrolled import Layer, Parts, Start, Stored, check_steps, norm_joint

if TYPE_CHECKING:
    from torch import Tensor

_DEEPEST = 4
"""Steps are drawn in training, and in one of a thousand cases there are more than so many times their mean."""


class HuginnConfig(PreTrainedConfig):
    """What its config.json says."""

    model_type = "huginn_raven"
    n_embd: int = 5280
    n_heads: int = 55
    num_attention_heads: int | None = None
    num_key_value_heads: int | None = None
    n_layers_in_prelude: int = 2
    n_layers_in_recurrent_block: int = 4
    n_layers_in_coda: int = 2
    intermediate_size: int = 17920
    vocab_size: int = 65536
    padded_vocab_size: int | None = None
    block_size: int = 4096
    rope_base: float = 50000.0
    norm_eps: float = 1e-6
    bias: bool = False
    qk_bias: bool = True
    tie_embeddings: bool = True
    mean_recurrence: int = 32
    test_time_noise: float = 0.0
    init_values: dict[str, float] | None = None
    bos_token_id: int | None = None
    eos_token_id: int | list[int] | None = None
    pad_token_id: int | None = None

    def __post_init__(self, **kwargs: Any) -> None:
        self.num_attention_heads = self.num_attention_heads or self.n_heads
        self.num_key_value_heads = self.num_key_value_heads or self.num_attention_heads
        self.padded_vocab_size = self.padded_vocab_size or self.vocab_size
        self.init_values = self.init_values or {}
        self.tie_word_embeddings = self.tie_embeddings
        super().__post_init__(**{**kwargs, "tie_word_embeddings": self.tie_embeddings})

    @property
    def stack(self) -> LlamaConfig:
        """The same in the words in which transformers has them."""
        return LlamaConfig(
            vocab_size=self.padded_vocab_size, hidden_size=self.n_embd, intermediate_size=self.intermediate_size,
            num_attention_heads=self.num_attention_heads, num_key_value_heads=self.num_key_value_heads,
            max_position_embeddings=self.block_size, rms_norm_eps=self.norm_eps,
            rope_parameters={"rope_type": "default", "rope_theta": float(self.rope_base)},
            tie_word_embeddings=self.tie_embeddings, bos_token_id=self.bos_token_id, eos_token_id=self.eos_token_id,
            pad_token_id=self.pad_token_id, architectures=self.architectures, dtype=self.dtype,
            attn_implementation=self._attn_implementation, name_or_path=self._name_or_path,
        )  # fmt: skip


class HuginnAttention(nn.Module):
    """Attention by one matrix for queries, keys and values, with a bias of the first two; neighbours turn as pairs."""

    def __init__(self, config: LlamaConfig, bias: bool) -> None:
        super().__init__()
        self.config, self.layer_idx, self.is_causal, self.attention_dropout = config, 0, True, 0.0
        self.heads, self.head_dim = config.num_attention_heads, int(config.head_dim or 0)
        self.num_key_value_groups = self.heads // int(config.num_key_value_heads or self.heads)
        self.sizes = [self.heads * self.head_dim, *[int(config.num_key_value_heads or self.heads) * self.head_dim] * 2]
        self.Wqkv = nn.Linear(config.hidden_size, sum(self.sizes), bias=False)
        self.qk_bias = nn.Parameter(torch.zeros(2, 1, self.heads, self.head_dim)) if bias else None
        self.proj = nn.Linear(self.sizes[0], config.hidden_size, bias=False)

    def forward(
        self,
        hidden_states: Tensor,
        *,
        attention_mask: Tensor | None,
        position_embeddings: tuple[Tensor, Tensor],
        past_key_values: Any = None,
        **kwargs: Any,
    ) -> tuple[Tensor, Tensor | None]:
        """What is attended to, and the weights where the implementation gives them."""
        shape = (*hidden_states.shape[:2], -1, self.head_dim)
        query, key, value = (part.view(shape) for part in self.Wqkv(hidden_states).split(self.sizes, -1))
        if self.qk_bias is not None:
            query, key = query + self.qk_bias[0], key + self.qk_bias[1]
        query, key, value = (
            part.transpose(1, 2)
            for part in (_turned(query, position_embeddings), _turned(key, position_embeddings), value)
        )
        if past_key_values is not None:
            key, value = past_key_values.update(key, value, self.layer_idx)
        attend = ALL_ATTENTION_FUNCTIONS.get_interface(self.config._attn_implementation, eager_attention_forward)
        scale = self.head_dim**-0.5
        found, weights = attend(self, query, key, value, attention_mask, scaling=scale, dropout=0.0, **kwargs)
        return self.proj(found.reshape(*hidden_states.shape[:2], -1)), weights


def _turned(vectors: Tensor, rotary: tuple[Tensor, Tensor]) -> Tensor:
    """[batch, q, heads, width] with each pair of neighbouring numbers turned by its position's angle."""
    cos, sin = (part[:, :, None, : part.shape[-1] // 2].float() for part in rotary)
    one, other = vectors.float().unflatten(-1, (-1, 2)).unbind(-1)
    return torch.stack([one * cos - other * sin, other * cos + one * sin], -1).flatten(-2).to(vectors.dtype)


class HuginnMlp(nn.Module):
    """Two halves of one matrix, the first through SiLU, multiplied."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.fc = nn.Linear(width, 2 * inner, bias=False)
        self.proj = nn.Linear(inner, width, bias=False)

    def forward(self, hidden: Tensor) -> Tensor:
        """What is added to the stream."""
        gate, value = self.fc(hidden).chunk(2, -1)
        found: Tensor = self.proj(nn.functional.silu(gate) * value)
        return found


class HuginnLayer(Layer):
    """Attention and MLP, each with a norm before it, and one behind it that the whole stream goes through."""

    def __init__(self, config: LlamaConfig, bias: bool) -> None:
        super().__init__()
        width = config.hidden_size
        self.norm_1, self.norm_2, self.norm_3, self.norm_4 = (
            LlamaRMSNorm(width, eps=config.rms_norm_eps) for _ in range(4)
        )
        self.attn, self.mlp = HuginnAttention(config, bias), HuginnMlp(width, config.intermediate_size)

    @property
    def attention(self) -> nn.Module:
        """See `Layer`."""
        return self.attn

    def forward(self, hidden_states: Tensor, *, start: Start | None = None, **kwargs: Any) -> Tensor:
        """The stream behind this layer."""
        hidden = self.joined(hidden_states, start)
        attended, _ = self.attn(self.norm_1(hidden), **kwargs)
        hidden = self.norm_2(hidden + attended)
        found: Tensor = self.norm_4(hidden + self.mlp(self.norm_3(hidden)))
        return found


class Adapter(nn.Module):
    """The state and what the prelude gave, side by side, through a linear map.

    Args:
        first: whether the state is the one that was drawn, since no step came before.
    """

    def __init__(self, linear: nn.Linear, first: bool = False) -> None:
        super().__init__()
        self.linear, self.first = linear, first

    def at(self, step: int) -> Adapter:
        """The same for a step."""
        found = copy.copy(self)
        found.first = step == 0
        return found

    def forward(self, hidden: Tensor, start: Start | None) -> Tensor:
        """What the step begins with."""
        assert start is not None, "a loop has begun"
        state = start.state if self.first else hidden
        assert state is not None, "its first state was drawn"
        found: Tensor = self.linear(torch.cat([state, start.before], -1))
        return found


class HuginnForCausalLM(Stored):
    """Its tensors by name."""

    config: HuginnConfig
    _tied_weights_keys = {"lm_head.weight": "transformer.wte.weight"}  # noqa: RUF012 -- transformers' own form
    _keys_to_ignore_on_load_unexpected = [r"freqs_cis"]  # noqa: RUF012 -- angles, which positions tell

    def __init__(self, config: HuginnConfig) -> None:
        super().__init__(config)
        _check(config)
        stack = config.stack

        def layers(count: int) -> nn.ModuleList:
            return nn.ModuleList(HuginnLayer(stack, config.qk_bias) for _ in range(count))

        self.transformer = nn.ModuleDict({
            "wte": nn.Embedding(stack.vocab_size, config.n_embd),
            "prelude": layers(config.n_layers_in_prelude),
            "adapter": nn.Linear(2 * config.n_embd, config.n_embd, bias=config.bias),
            "core_block": layers(config.n_layers_in_recurrent_block),
            "coda": layers(config.n_layers_in_coda),
            "ln_f": LlamaRMSNorm(config.n_embd, eps=config.norm_eps),
        })  # fmt: skip
        self.lm_head = nn.Linear(config.n_embd, stack.vocab_size, bias=False)
        self.post_init()

    def get_input_embeddings(self) -> nn.Module:
        """The token embedding."""
        return self.transformer["wte"]

    def parts(self) -> Parts:
        """See `Stored`."""
        own, config, stack = self.transformer, self.config, self.config.stack
        before, core, after = (list(own[name]) for name in ("prelude", "core_block", "coda"))
        core[0].joint, after[0].joint = Adapter(own["adapter"]), norm_joint(own["ln_f"])
        values = config.init_values or {}
        steps, scale = int(config.mean_recurrence), float(values.get("embed_scale", 1.0))
        depth = Depth("huginn", steps, _DEEPEST * steps, len(before), len(core), len(after), seed=0)
        state_std = float(values.get("std", 0.0))
        return Parts(stack, depth, own["wte"], before, core, after, own["ln_f"], self.lm_head, scale, state_std)


def _check(config: HuginnConfig) -> None:
    """Raise CapabilityError for what the published model doesn't have, and wouldn't be run right."""
    check_steps("mean_recurrence", config.mean_recurrence)
    if not isinstance(config.init_values, dict):
        raise InputError(
            f"This Huginn's init_values are {config.init_values!r:.60} in its config.json, where they say how its "
            "first state is drawn; give the file that came with it."
        )
    if config.test_time_noise:
        raise CapabilityError(
            "This Huginn adds noise at every step (test_time_noise), so that no two passes agree; set it to 0 in its "
            "config.json."
        )
    if min(config.n_layers_in_prelude, config.n_layers_in_recurrent_block, config.n_layers_in_coda) < 1:
        raise CapabilityError("A Huginn has layers in its prelude, its recurrent block and its coda; this one doesn't.")
    if config.qk_bias and config.num_key_value_heads != config.num_attention_heads:
        raise CapabilityError("This Huginn has fewer heads of keys than of queries and a bias for all; use another.")
