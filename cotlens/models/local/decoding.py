"""Writing text: a sampling loop over a stream, with log-probabilities and alternatives of every token as it goes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from cotlens._core import control
from cotlens._core.errors import OutOfMemory
from cotlens.models.architecture.logits import alternatives, check_finite
from cotlens.models.generation.samples import TOP, Sample, TokenMeasurements, once_per_token
from cotlens.models.generation.sampling import Sampling, choose
from cotlens.models.local.incremental import STEP, IncrementalSequence, fitting, pieces

if TYPE_CHECKING:
    from torch import Tensor

    from cotlens.models.contract.interventions import Intervention
    from cotlens.models.local.engine import Engine

_TOGETHER = 32  # samples that are written side by side


def write(
    engine: Engine,
    prefix: Sequence[int],
    samples: list[Sample],
    sampling: Sampling,
    stop_ids: frozenset[int],
    *,
    unknown: Sequence[int] = (),
    interventions: Sequence[Intervention] = (),
    on_token: Callable[[int, int], None] | None = None,
) -> None:
    """Fill in `samples`; on an error they hold what was written so far.

    Args:
        unknown: tokens of the prefix whose log-probabilities are wanted too (rising, from 1).
        on_token: called with (index in the sequence, id) for sample 0.

    Raises:
        Cancelled: between two tokens.
        BackendError: logits are NaN.
        OutOfMemory: not even one sample fits.
    """
    alone = bool(engine.layout.no_mask) and engine.forking is None  # what it remembers can't be copied, as was tried
    together = 1 if alone else _TOGETHER
    waiting = list(samples)
    tell = once_per_token(on_token)
    while waiting:
        group = waiting[:together]
        try:
            _write_group(engine, prefix, group, sampling, stop_ids, unknown, interventions, tell)
        except OutOfMemory:
            if len(group) == 1:
                raise
            together = max(1, len(group) // 2)
            for sample in group:  # seeds make the same text again
                sample.ids.clear()
                sample.notes = TokenMeasurements()
            continue
        waiting = waiting[len(group) :]


def _write_group(
    engine: Engine,
    prefix: Sequence[int],
    group: list[Sample],
    sampling: Sampling,
    stop_ids: frozenset[int],
    unknown: Sequence[int],
    interventions: Sequence[Intervention],
    tell: Callable[[int, int], None],
) -> None:
    stream, logits, known = fitting(engine, STEP, lambda most: prefill(engine, prefix, unknown, interventions, most))
    for sample in group:
        sample.notes.add(known.at, _as_found(known))
    stream.repeat(len(group))
    logits = logits.expand(len(group), -1)
    live = list(group)
    sources = {sample.index: sampling.source(sample.index) for sample in group}
    for step in range(sampling.max_new_tokens):
        control.current().check()
        at = len(prefix) + step
        check_finite(logits.amax(-1), np.full(len(live), at - 1))
        chances = [torch.rand((), generator=sources[sample.index], dtype=torch.float64).item() for sample in live]
        chosen = choose(logits, range(len(live)), chances, sampling)
        new = torch.tensor(chosen, device=engine.device)
        ids, tops, values = alternatives(logits, new, TOP, np.full(len(live), at - 1))
        for i, sample in enumerate(live):
            sample.ids.append(chosen[i])
            sample.notes.add([at], (ids[i : i + 1], tops[i : i + 1], values[i : i + 1]))
            sample.finish = "stop" if chosen[i] in stop_ids else "length" if step + 1 == sampling.max_new_tokens else ""
            if sample.index == 0:
                tell(at, chosen[i])
        control.current().report(step + 1, None, "writing")
        rows = [i for i, sample in enumerate(live) if not sample.finish]
        if not rows:
            return
        if len(rows) < len(live):
            stream.select(rows)
            live = [live[i] for i in rows]
        logits = stream.feed(new[rows][:, None])[0][:, -1].float()


def prefill(
    engine: Engine, prefix: Sequence[int], unknown: Sequence[int], interventions: Sequence[Intervention], most: int
) -> tuple[IncrementalSequence, Tensor, TokenMeasurements]:
    """Run `prefix` with at most `most` tokens per pass.

    Returns:
        the stream behind it, the last logits as float32 [1, vocabulary], and notes of the tokens `unknown`.
    """
    stream, notes, ids = IncrementalSequence(engine, interventions), TokenMeasurements(), engine.tensor(prefix)
    wanted = np.asarray(unknown, dtype=np.int64)
    logits = torch.empty(0)
    for start, stop in pieces(engine, len(prefix), most):
        rows = wanted[(wanted > start) & (wanted <= stop)] - 1 - start  # token t is predicted by row t - 1
        keep = torch.from_numpy(np.append(rows, stop - start - 1)).to(engine.device)
        logits = stream.feed(ids[:, start:stop], keep)[0][0]
        at = rows + 1 + start
        notes.add(at.tolist(), alternatives(logits[:-1], ids[0, at], TOP, at - 1))
    return stream, logits[-1:].float(), notes


def _as_found(notes: TokenMeasurements) -> tuple[NDArray[np.float32], NDArray[np.int32], NDArray[np.float32]]:
    tops = notes.top_ids, notes.top_logprobs
    return np.asarray(notes.logprobs, np.float32), np.asarray(tops[0], np.int32), np.asarray(tops[1], np.float32)
