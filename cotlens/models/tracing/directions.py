"""What the model's own parts say without a pass of interest: directions as logits, type of the weights, tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import nnsight
import torch

from cotlens.models.architecture.layout import Layout
from cotlens.models.tracing.places import envoy

if TYPE_CHECKING:
    from torch import Tensor


def unembed(
    traced: Any,
    layout: Layout,
    inputs: dict[str, Any],
    norm: str,
    head: str,
    vectors: Tensor,
    centred: float | None,
    dtype: torch.dtype,
    backend: Any = None,
) -> Tensor:
    """Logits float32 [n, vocabulary] of `vectors` [n, d_model] times the gain of the final norm.

    Args:
        inputs: of a pass, which a trace has to hold.
        norm, head: paths of the final norm and the output embedding.
        centred: epsilon of a norm that centres; None for an RMS norm, which gives its gain when it is fed ones.
        dtype: of the model.
    """
    decoder, last, output = (envoy(traced, path) for path in (layout.decoder, norm, head))
    with torch.no_grad(), traced.trace(**inputs, backend=backend):
        args, kwargs = decoder.inputs
        given = vectors.to((kwargs["input_ids"] if "input_ids" in kwargs else args[0]).device)
        ones = torch.ones_like(given[:1])
        if centred is None:
            gain = last(ones).float()
        else:
            ones[:, ::2] = -1  # mean 0, variance 1: what comes out is the gain and the bias
            signs = ones.to(dtype)
            gain = (last(signs).float() - last(-signs).float()) / 2 * ones * (1 + centred) ** 0.5
            given = given - given.mean(-1, keepdim=True)
        scaled = (given * gain).to(dtype)
        found = nnsight.save((output(scaled).float() - output(torch.zeros_like(scaled[:1])).float()).cpu())
    return found


def decode(
    traced: Any,
    layout: Layout,
    inputs: dict[str, Any],
    norm: str,
    head: str,
    vectors: Tensor,
    targets: Tensor,
    k: int,
    ends: tuple[float, float],
    dtype: torch.dtype,
    backend: Any = None,
) -> list[Tensor]:
    """What `vectors` [n, d_model] say through norm and output embedding: the five tensors of `whitebox.decoding.told`.

    Args:
        inputs, norm, head, dtype: as for `unembed`.
        targets: int64 [n, m].
        ends: what logits are multiplied by, and the cap that bends them, 0 for none.
    """
    decoder, last, output = (envoy(traced, path) for path in (layout.decoder, norm, head))
    with torch.no_grad(), traced.trace(**inputs, backend=backend):
        args, kwargs = decoder.inputs
        given = vectors.to((kwargs["input_ids"] if "input_ids" in kwargs else args[0]).device).to(dtype)
        logits = output(last(given[None]))[0].float() * ends[0]
        if ends[1]:
            logits = ends[1] * torch.tanh(logits / ends[1])
        # The lines of `whitebox.decoding.told`, which says what they give.
        scores = torch.log_softmax(logits, -1)
        best = torch.topk(scores, k, dim=-1)
        own = scores.gather(-1, targets.to(scores.device))
        above = [(scores > own[:, i : i + 1]).sum(-1) for i in range(own.shape[1])]
        entropy = -(scores.exp() * scores.clamp_min(-1e9)).sum(-1)
        ranks = torch.stack(above, -1) if above else torch.zeros_like(own).long()
        found = nnsight.save([part.cpu() for part in (best.indices, best.values, entropy, own, ranks)])
    return found


def decode_kl(
    traced: Any,
    layout: Layout,
    inputs: dict[str, Any],
    norm: str,
    head: str,
    vectors: Tensor,
    wanted: Tensor,
    ends: tuple[float, float],
    dtype: torch.dtype,
    backend: Any = None,
) -> list[Tensor]:
    """KL(what `wanted` decode to || what `vectors` do) float32 [n], and its gradient by the vectors [n, d_model].

    Arguments as of `decode`; the lines are those of `whitebox.decoding.kl`.
    """
    decoder, last, output = (envoy(traced, path) for path in (layout.decoder, norm, head))
    with torch.enable_grad(), traced.trace(**inputs, backend=backend):
        args, kwargs = decoder.inputs
        where = (kwargs["input_ids"] if "input_ids" in kwargs else args[0]).device
        given, goals = vectors.to(where).requires_grad_(True), wanted.to(where)
        said = output(last(given.to(dtype)[None]))[0].float() * ends[0]
        told = output(last(goals.to(dtype)[None]))[0].float() * ends[0]
        if ends[1]:
            said, told = ends[1] * torch.tanh(said / ends[1]), ends[1] * torch.tanh(told / ends[1])
        said, told = torch.log_softmax(said, -1), torch.log_softmax(told, -1).detach()
        apart = (told.exp() * (told - said)).sum(-1)
        slopes = torch.autograd.grad(apart.sum(), given)[0]
        found = nnsight.save([apart.detach().cpu(), slopes.cpu()])
    return found


def probe_dtype_and_tokens(
    traced: Any, layout: Layout, inputs: dict[str, Any], ids: list[int], backend: Any = None
) -> list[Any]:
    """Type of a model's activations ("torch.bfloat16"), and what its tokenizer calls `ids`."""
    embedding = envoy(traced, layout.embed)
    with torch.no_grad(), traced.trace(**inputs, backend=backend):
        found = nnsight.save([str(embedding.output.dtype), traced.tokenizer.convert_ids_to_tokens(ids)])
    return found
