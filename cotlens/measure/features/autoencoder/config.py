"""What a sparse autoencoder is, in the words of its `cfg.json`: SAELens 6, and the flat files of versions before it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cotlens._core.errors import InputError, did_you_mean
from cotlens._core.frozen import FrozenDict
from cotlens.measure.features.autoencoder.sites import hook_of, site_of

ARCHITECTURES = ("standard", "topk", "jumprelu", "gated")
NORMALIZATIONS = ("none", "layer_norm", "constant_norm_rescale")
FORMAT_VERSION = "6.0.0"  # of SAELens, whose layout of cfg.json this is
_WIDEST = 1 << 28  # far beyond any autoencoder there is
_RENAMED = {"hook_point": "hook_name", "activation_fn_str": "activation_fn"}
_METADATA = ("model_name", "hook_name", "context_size", "dataset_path", "prepend_bos", "neuronpedia_id")


@dataclass(frozen=True)
class Config:
    """The shape and the rules of one autoencoder.

    Args:
        architecture: "standard" (ReLU), "topk", "jumprelu" or "gated".
        d_in, d_sae: widths of the activations and of the latents.
        site: where it reads, as `Model.read` names it ("resid_post.2").
        k: how many latents may be active per token; topk only.
        apply_b_dec_to_input: whether the decoder's bias is taken off before encoding.
        normalize_activations: "none", or how each activation is scaled before encoding and back after decoding.
        rescale_acts_by_decoder_norm: topk only: the k are chosen by activation times norm of the decoder row.
        metadata: what else is known (model_name, hook_name, ...), as data.
    """

    architecture: str
    d_in: int
    d_sae: int
    site: str
    k: int = 0
    apply_b_dec_to_input: bool = True
    normalize_activations: str = "none"
    rescale_acts_by_decoder_norm: bool = False
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "metadata", FrozenDict(self.metadata))
        if self.architecture not in ARCHITECTURES:
            raise InputError(
                f"A SAE of the architecture {self.architecture!r} can't be read here. "
                f"{did_you_mean(self.architecture, ARCHITECTURES)}"
            )
        if self.normalize_activations not in NORMALIZATIONS:
            raise InputError(
                f"This SAE wants activations normalised by {self.normalize_activations!r}, with figures that its files "
                "don't hold: load it as a release, or fold the factor into its weights with SAELens."
            )
        if not (1 <= self.d_in <= _WIDEST and 1 <= self.d_sae <= _WIDEST):
            raise InputError(f"A SAE can't be {self.d_in} wide and hold {self.d_sae} latents; is its cfg.json damaged?")
        if self.architecture == "topk" and not 1 <= self.k <= self.d_sae:
            raise InputError(f"A TopK SAE of {self.d_sae} latents can't keep k={self.k}; k must be 1 to {self.d_sae}.")

    @property
    def model_name(self) -> str:
        """Name of the model it was trained on; "" where its files don't say."""
        return str(self.metadata.get("model_name") or "")

    @classmethod
    def read(cls, raw: Mapping[str, Any], site: str | None = None) -> Config:
        """The configuration in a `cfg.json`. `site` is where it reads, in place of its hook point.

        Raises:
            InputError: a field is missing or says what isn't known here.
        """
        data = dict(raw) if isinstance(raw.get("metadata"), Mapping) else _modern(raw)
        metadata = dict(data["metadata"])
        if data.get("reshape_activations", "none") not in ("none", None):
            raise InputError(
                f"This SAE reads {metadata.get('hook_name')!r}, the heads of attention before they are mixed, which is "
                "no site here; use one of the residual stream, attn_out or mlp_out."
            )
        hook = site or metadata.get("hook_name")
        if not hook:
            raise InputError("The files of this SAE don't say which hook point it reads; pass site='resid_post.2'.")
        try:
            return cls(
                architecture=str(data.get("architecture", "standard")),
                d_in=int(data["d_in"]),
                d_sae=int(data["d_sae"]),
                site=site_of(str(hook)),
                k=int(data.get("k") or 0),
                apply_b_dec_to_input=bool(data.get("apply_b_dec_to_input", True)),
                normalize_activations=str(data.get("normalize_activations") or "none"),
                rescale_acts_by_decoder_norm=bool(data.get("rescale_acts_by_decoder_norm", False)),
                metadata=metadata,
            )
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise InputError(
                f"The cfg.json of this SAE is damaged ({_named(error)}); get the files of the SAE again."
            ) from error

    def data(self) -> dict[str, Any]:
        """The configuration as SAELens writes it; the weights are to be computed with in float32."""
        metadata = {"hook_name": hook_of(self.site), **self.metadata, "sae_lens_version": FORMAT_VERSION}
        topk = {"k": self.k, "rescale_acts_by_decoder_norm": self.rescale_acts_by_decoder_norm}
        return {
            "architecture": self.architecture,
            "d_in": self.d_in,
            "d_sae": self.d_sae,
            "dtype": "float32",
            "device": "cpu",
            "apply_b_dec_to_input": self.apply_b_dec_to_input,
            "normalize_activations": self.normalize_activations,
            "reshape_activations": "none",
            **(topk if self.architecture == "topk" else {}),
            "metadata": metadata,
        }


def _named(error: Exception) -> str:
    return f"{error} is missing" if isinstance(error, KeyError) else str(error)


def _modern(raw: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration of SAELens before 6, all fields at one level, in today's layout."""
    data = {_RENAMED.get(key, key): value for key, value in raw.items()}
    options = data.get("activation_fn_kwargs") or {}
    if data.get("activation_fn") == "topk" and "k" in options:
        data |= {"architecture": "topk", "k": options["k"]}
    elif data.get("activation_fn", "relu") != "relu":
        raise InputError(f"A SAE with the activation {data['activation_fn']!r} can't be read here, only relu and topk.")
    if isinstance(data.get("normalize_activations"), bool):
        data["normalize_activations"] = "expected_average_only_in" if data["normalize_activations"] else "none"
    if "hook_z" in str(data.get("hook_name")):
        data["reshape_activations"] = "hook_z"
    data["metadata"] = {key: data[key] for key in _METADATA if data.get(key) is not None}
    return data
