"""What vectors in the residual stream say when they go through the end of the model: what every lens reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from cotlens.models.architecture.layout import RESIDUAL
from cotlens.models.contract import Decoded
from cotlens.models.contract.validation import check_ids
from cotlens.models.local.placement import present
from cotlens.models.whitebox import unembedding

if TYPE_CHECKING:
    from torch import Tensor

    from cotlens.models.local.engine import Engine

# Bytes of float32 logits at once; half a dozen tensors of that size are alive together. Above 32 MB, since what is less
# comes from glibc's heap, where aligned blocks of one size don't fit into the holes that others left: 4 GB for 2,000
# vectors and 152k tokens.
_SLICE = 48 * 2**20


def decode(
    engine: Engine, vectors: NDArray[np.float32], targets: NDArray[np.int64], k: int, normed: bool = False
) -> Decoded:
    """See `WhiteboxModel.decode`; with checked arguments, some vectors at a time.

    Args:
        normed: whether the vectors have passed the final norm.
    """
    engine.layout.check("decode", RESIDUAL)
    check_ids(engine.layout.vocabulary, targets.ravel(), "targets")
    best, step = min(k, engine.layout.vocabulary), max(1, _SLICE // (4 * engine.layout.vocabulary))
    found = []
    for start in range(0, len(vectors), step):
        part = (logits_after_norm if normed else logits)(engine, vectors[start : start + step])
        found.append(told(part, torch.from_numpy(targets[start : start + step]), best))
    if not found:
        unembedding.parts(engine.hf, engine, vectors)  # so that none of another width is refused as some are
    return joined(found, best, targets.shape[1])


def predict(engine: Engine, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """See `WhiteboxModel.predict`."""
    engine.layout.check("decode", RESIDUAL)
    return torch.log_softmax(logits(engine, vectors), -1).cpu().numpy()


def kl(
    engine: Engine, vectors: NDArray[np.float32], wanted: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """See `WhiteboxModel.decode_kl`; some vectors at a time."""
    engine.layout.check("decode", RESIDUAL)
    apart, slopes = np.empty(len(vectors), np.float32), np.empty(vectors.shape, np.float32)
    step = max(1, _SLICE // (4 * engine.layout.vocabulary))
    for start in range(0, len(vectors), step):
        part = slice(start, start + step)
        goal = torch.log_softmax(logits(engine, wanted[part]), -1)
        given, norm, head = unembedding.parts(engine.hf, engine, vectors[part])
        with torch.enable_grad(), present(norm), present(head):
            given.requires_grad_(True)
            said = torch.log_softmax(_through(engine, given, norm, head), -1)
            found = (goal.exp() * (goal - said)).sum(-1)
            # By this alone: the parameters keep no gradient.
            (slope,) = torch.autograd.grad(found.sum(), given)
        apart[part], slopes[part] = found.detach().cpu().numpy(), slope.cpu().numpy()
    if not len(vectors):
        unembedding.parts(engine.hf, engine, vectors)  # so that none of another width is refused as some are
    return apart, slopes


def logits(engine: Engine, vectors: NDArray[np.float32]) -> Tensor:
    """Logits float32 [n, vocabulary] of vectors [n, d_model], as the model makes them of its last stream."""
    given, norm, head = unembedding.parts(engine.hf, engine, vectors)
    with torch.no_grad(), present(norm), present(head):
        return _through(engine, given, norm, head)


def logits_after_norm(engine: Engine, hidden: NDArray[np.float32]) -> Tensor:
    """Logits float32 [n, vocabulary] of hidden states [n, d_model] that have passed the final norm."""
    given, _, head = unembedding.parts(engine.hf, engine, hidden)
    with torch.no_grad(), present(head):
        return _behind(engine, head(given.to(engine.dtype)))


def _through(engine: Engine, given: Tensor, norm: Any, head: Any) -> Tensor:
    # As in a pass, a row of one batch: some norms and kernels round other shapes differently.
    return _behind(engine, head(norm(given.to(engine.dtype)[None]))[0])


def _behind(engine: Engine, raw: Tensor) -> Tensor:
    factor, cap = ends(engine.hf.config)
    found = raw.float() * factor
    return cap * torch.tanh(found / cap) if cap else found


def ends(config: Any) -> tuple[float, float]:
    """What follows the output embedding: a factor on all logits, and the cap that bends them (0 for none)."""
    cap = getattr(config.get_text_config(decoder=True), "final_logit_softcapping", None)
    return unembedding.factor(config), float(cap or 0.0)


def told(logits: Tensor, targets: Tensor, k: int) -> list[Tensor]:
    """Best ids [n, k], their log-probabilities, entropy [n], log-probabilities and ranks of targets [n, m]."""
    scores = torch.log_softmax(logits, -1)
    best = torch.topk(scores, k, dim=-1)
    own = scores.gather(-1, targets.to(scores.device))
    # One target after the other, counted and not sorted: [n, m, vocabulary] would be large.
    above = [(scores > own[:, i : i + 1]).sum(-1) for i in range(own.shape[1])]
    entropy = -(scores.exp() * scores.clamp_min(-1e9)).sum(-1)  # 0 x -inf is 0 here
    ranks = torch.stack(above, -1) if above else torch.zeros_like(own).long()
    return [part.cpu() for part in (best.indices, best.values, entropy, own, ranks)]


def joined(found: Sequence[Sequence[Tensor]], k: int, m: int) -> Decoded:
    """What was told of all slices, frozen."""
    shapes, kinds = ((0, k), (0, k), (0,), (0, m), (0, m)), (np.int32, np.float32, np.float32, np.float32, np.int32)
    arrays = []
    for index, (shape, kind) in enumerate(zip(shapes, kinds, strict=True)):
        array = np.concatenate([np.empty(shape, kind), *(part[index].numpy().astype(kind) for part in found)])
        array.setflags(write=False)
        arrays.append(array)
    return Decoded(*arrays)
