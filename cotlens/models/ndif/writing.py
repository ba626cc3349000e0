"""Writing text on a server: a few samples of one prefix per job, so that a lost job is a small loss.

The random numbers go along, so the text is the one that the local backend writes. What has been written so far arrives
while the job runs.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from cotlens._core import control
from cotlens._core.errors import OutOfMemory
from cotlens.models import tracing
from cotlens.models.architecture.logits import check_finite
from cotlens.models.contract.interventions import BlockAttention, Intervention
from cotlens.models.generation.samples import TOP, OpenRollout, Sample, TokenMeasurements, once_per_token
from cotlens.models.generation.sampling import Sampling
from cotlens.models.ndif.passes import RemoteRunner
from cotlens.models.ndif.reading import noted

_TOGETHER = 16  # samples per job
_TOKENS = 2**16  # per job, all samples together
_EVERY = 16  # tokens between two lines of progress where there is no on_token


@dataclass
class _Text:
    """Rows of text as they arrive.

    Args:
        mark: what lines of this job begin with.
        ids: per row the tokens so far.
    """

    mark: str
    ids: list[list[int]]

    def receive(self, line: str) -> bool:
        """Take in a line of the job; whether it was one of ours."""
        try:
            said = json.loads(line)
            rows, end = said["tokens"], int(said["at"])
            if said["mark"] != self.mark or len(rows) != len(self.ids):
                return False
            for known, row in zip(self.ids, rows, strict=True):
                del known[end - len(row) :]
                known += [int(token) for token in row if token >= 0]
        except (ValueError, KeyError, TypeError):
            return False
        return True


def write(
    remote: RemoteRunner,
    prefix: Sequence[int],
    samples: list[Sample],
    sampling: Sampling,
    stop_ids: frozenset[int],
    *,
    unknown: Sequence[int] = (),
    interventions: Sequence[Intervention] = (),
    on_token: Callable[[int, int], None] | None = None,
) -> None:
    """Fill in `samples`; as `decoding.write`."""
    known = TokenMeasurements()
    if len(unknown):
        known = noted(remote, prefix, np.asarray(unknown, np.int64), TOP, interventions)
    tell = once_per_token(on_token)
    every = _EVERY if on_token is None else 1
    waiting, together = list(samples), _together(len(prefix), sampling)
    while waiting:
        group = waiting[:together]

        def show(text: _Text, group: list[Sample] = group) -> None:
            for sample, ids in zip(group, text.ids, strict=True):
                sample.ids[:] = ids
            if group[0].index == 0:
                for at in range(len(group[0].ids)):
                    tell(len(prefix) + at, group[0].ids[at])

        numbers = [sample.index for sample in group]
        try:
            found = _job(remote, prefix, numbers, sampling, stop_ids, TOP, every, interventions, show)
        except OutOfMemory:
            if len(group) == 1:
                raise
            together = max(1, len(group) // 2)
            continue
        for row, sample in enumerate(group):
            sample.ids[:] = _ids(found[0][row])
            sample.finish = _finish(sample.ids, stop_ids)
            sample.notes = _copy(known)
            n = len(sample.ids)
            values = (part[row, :n].numpy() for part in found[1:4])
            logprobs, tops, best = values
            at = range(len(prefix), len(prefix) + n)
            sample.notes.add(list(at), (logprobs, tops.astype(np.int32), best))
        show(_Text("", [sample.ids for sample in group]))
        _check(found[4], len(prefix))
        waiting = waiting[len(group) :]


def write_rollouts(
    remote: RemoteRunner,
    rolls: Sequence[OpenRollout],
    stop_ids: frozenset[int],
    tell: Callable[[list[OpenRollout]], None],
) -> None:
    """Write `rolls`, those of one start together; as `batched_decoding.roll`."""
    for group in _groups(rolls):
        _write_group(remote, group, stop_ids, tell)


def _write_group(
    remote: RemoteRunner, group: list[OpenRollout], stop_ids: frozenset[int], tell: Callable[[list[OpenRollout]], None]
) -> None:
    prefix, sampling = group[0].text[: group[0].at], group[0].sampling
    most = _together(len(prefix), sampling)
    for start in range(0, len(group), most):
        mine = group[start : start + most]
        numbers = [one.index for one in mine]
        try:
            found = _job(remote, prefix, numbers, sampling, stop_ids, 0, _EVERY, (), None)
        except OutOfMemory:
            if len(mine) == 1:
                raise
            half = len(mine) // 2
            _write_group(remote, mine[:half], stop_ids, tell)
            _write_group(remote, mine[half:], stop_ids, tell)
            continue
        _check(found[4], len(prefix))
        for row, one in enumerate(mine):
            one.ids[:] = _ids(found[0][row])
            one.finish = _finish(one.ids, stop_ids)
        tell(mine)


def _job(
    remote: RemoteRunner,
    prefix: Sequence[int],
    numbers: Sequence[int],
    sampling: Sampling,
    stop_ids: frozenset[int],
    top: int,
    every: int,
    interventions: Sequence[Intervention],
    on_text: Callable[[_Text], None] | None,
) -> list[torch.Tensor]:
    """Samples `numbers` of a prefix; see `tracing.write` for what comes back."""
    whole = np.arange(len(prefix) + sampling.max_new_tokens)
    masks = None
    if any(isinstance(item, BlockAttention) for item in interventions):
        masks = remote.causal(whole, 0, interventions)
    text = _Text(secrets.token_hex(8), [[] for _ in numbers])

    def receive(line: str) -> None:
        if text.receive(line):
            control.current().report(max(map(len, text.ids)), None, "writing")
            if on_text is not None:
                on_text(text)

    rows = remote.tensor(prefix).repeat(len(numbers), 1)
    chances = [
        torch.rand(sampling.max_new_tokens, generator=sampling.source(number), dtype=torch.float64)
        for number in numbers
    ]
    dtype = remote.kind
    remote.count(rows)
    found = tracing.write(
        remote.traced,
        remote.layout,
        rows,
        torch.stack(chances),
        sorted(stop_ids),
        sampling.temperature,
        sampling.top_p,
        sampling.top_k,
        top=min(top, remote.layout.vocabulary),
        head=remote.head,
        mark=text.mark,
        every=every,
        masks=masks,
        changes=tracing.compile_changes(interventions, remote.layout, whole, remote.device),
        dtype=dtype,
        backend=remote.job(receive),
    )
    steps = int((found[0] >= 0).any(0).sum())
    remote.meter.tokens += max(0, steps - 1) * len(numbers)
    remote.meter.forwards += max(0, steps - 1)
    return found


def _together(prefix: int, sampling: Sampling) -> int:
    return max(1, min(_TOGETHER, _TOKENS // (prefix + sampling.max_new_tokens)))


def _groups(rolls: Sequence[OpenRollout]) -> Iterator[list[OpenRollout]]:
    """Those that go on after the same tokens and are sampled alike."""
    groups: dict[tuple[tuple[int, ...], Sampling], list[OpenRollout]] = {}
    for one in rolls:
        groups.setdefault((one.text[: one.at], one.sampling), []).append(one)
    yield from groups.values()


def _ids(row: torch.Tensor) -> list[int]:
    return [token for token in row.tolist() if token >= 0]


def _finish(ids: Sequence[int], stop_ids: frozenset[int]) -> str:
    return "stop" if ids and ids[-1] in stop_ids else "length"


def _copy(notes: TokenMeasurements) -> TokenMeasurements:
    return TokenMeasurements(list(notes.at), list(notes.logprobs), list(notes.top_ids), list(notes.top_logprobs))


def _check(broken: torch.Tensor, prefix: int) -> None:
    at = int(broken)
    if at >= 0:
        check_finite(torch.tensor([torch.nan]), np.array([prefix + at - 1]))
