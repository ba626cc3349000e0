"""Ouro (Zhu et al. 2025, arXiv 2510.25741): all layers again and again, with the final norm between; a gate.

Its remote code isn't run; names of tensors and settings are those of its public checkpoints.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import nn
from transformers import LlamaConfig
from transformers.models.llama.modeling_llama import LlamaAttention, LlamaMLP, LlamaRMSNorm

from cotlens._core.errors import CapabilityError
from cotlens.models.contract.depth import Depth, ExitGate
from cotlens.models.local.depth.unrolled import Layer, Parts, Start, Stored, check_steps, norm_joint

if TYPE_CHECKING:
    from torch import Tensor


class OuroConfig(LlamaConfig):
    """What its config.json says: a Llama's, how many steps, and when a token may stop."""

    model_type = "ouro"
    total_ut_steps: int = 4
    early_exit_threshold: float | None = 1.0


class OuroLayer(Layer):
    """Attention and MLP, each with a norm before and one behind, within the residual stream."""

    def __init__(self, config: OuroConfig) -> None:
        super().__init__()
        self.self_attn = LlamaAttention(config, 0)
        self.mlp = LlamaMLP(config)
        self.input_layernorm, self.input_layernorm_2, self.post_attention_layernorm, self.post_attention_layernorm_2 = (
            LlamaRMSNorm(config.hidden_size, eps=config.rms_norm_eps) for _ in range(4)
        )

    @property
    def attention(self) -> nn.Module:
        """See `Layer`."""
        return self.self_attn

    def forward(self, hidden_states: Tensor, *, start: Start | None = None, **kwargs: Any) -> Tensor:
        """The stream behind this layer."""
        hidden = self.joined(hidden_states, start)
        attended, _ = self.self_attn(self.input_layernorm(hidden), **kwargs)
        hidden = hidden + self.input_layernorm_2(attended)
        thought = self.mlp(self.post_attention_layernorm(hidden))
        found: Tensor = hidden + self.post_attention_layernorm_2(thought)
        return found


class OuroForCausalLM(Stored):
    """Its tensors by name."""

    config: OuroConfig
    _tied_weights_keys = {"lm_head.weight": "model.embed_tokens.weight"}  # noqa: RUF012 -- transformers' own form

    def __init__(self, config: OuroConfig) -> None:
        super().__init__(config)
        _check(config)
        self.model = nn.ModuleDict({
            "embed_tokens": nn.Embedding(config.vocab_size, config.hidden_size),
            "layers": nn.ModuleList(OuroLayer(config) for _ in range(config.num_hidden_layers)),
            "norm": LlamaRMSNorm(config.hidden_size, eps=config.rms_norm_eps),
            "early_exit_gate": nn.Linear(config.hidden_size, 1),
        })  # fmt: skip
        self.lm_head = nn.Linear(config.hidden_size, config.vocab_size, bias=False)
        self.post_init()

    def get_input_embeddings(self) -> nn.Module:
        """The token embedding."""
        return self.model["embed_tokens"]

    def parts(self) -> Parts:
        """See `Stored`."""
        norm, layers = self.model["norm"], list(self.model["layers"])
        layers[0].joint = norm_joint(norm)
        steps = int(self.config.total_ut_steps)
        depth = Depth("ouro", steps, steps, 0, len(layers), 0, gate=_gate(norm, self.model["early_exit_gate"]))
        return Parts(self.config, depth, self.model["embed_tokens"], (), layers, (), norm, self.lm_head)


def _gate(norm: Any, gate: Any) -> ExitGate | None:
    if gate.weight.is_meta:
        return None
    gain, weight = (part.detach().float().cpu().numpy() for part in (norm.weight, gate.weight[0]))
    return ExitGate(gain, norm.variance_epsilon, weight, float(gate.bias.detach()[0]))


def _check(config: OuroConfig) -> None:
    """Raise CapabilityError for what published models don't have, and wouldn't be run right."""
    check_steps("total_ut_steps", config.total_ut_steps)
    if "sliding_attention" in (getattr(config, "layer_types", None) or ()):
        raise CapabilityError("This Ouro has layers with a sliding window, which isn't read here; use one without.")
    threshold = config.early_exit_threshold
    if threshold is not None and threshold < 1:
        raise CapabilityError(
            f"This Ouro lets a token stop at its gate's threshold of {threshold:g}, and here all take every step; set "
            "early_exit_threshold to 1.0 in its config.json, and ask for fewer steps by model.at_depth(steps)."
        )
