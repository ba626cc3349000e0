"""From starts to rollouts: those that the store has are taken from there, the others are written and kept."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from cotlens._core import control
from cotlens._core.errors import BackendError, Cancelled, CotLensError
from cotlens.models.contract.start import OnRollout, Start
from cotlens.models.generation import sample_store, writing
from cotlens.models.generation.jobs import WritingJob, resuming
from cotlens.models.generation.sample_store import Store
from cotlens.models.generation.samples import OpenRollout, Sample
from cotlens.models.generation.sampling import Sampling, rollout_seed
from cotlens.models.generation.traces import build
from cotlens.models.generation.writing import GenerationContext, TextRequest
from cotlens.trace import Trace


@dataclass(frozen=True)
class _Asked:
    """One start as it is worked on: its settings, and what identifies its rollouts in the store."""

    start: Start
    job: WritingJob
    sampling: Sampling
    question: bytes


def write(
    setting: GenerationContext,
    starts: Sequence[Start],
    request: TextRequest,
    kept: Store | None,
    on_rollout: OnRollout | None,
) -> list[list[Trace]]:
    """The rollouts of every start, in the order of its indices.

    Raises:
        CotLensError: as in the contract; `error.partial` holds what there was so far in the same shape.
    """
    jobs = [resuming(setting.form, start.trace, start.at, False) for start in starts]
    jobs = writing.thought(setting, jobs, request.interventions)
    asked = [_ask(setting, *one, request) for one in zip(starts, jobs, strict=True)]
    kept = kept if setting.identity else None  # a model without an identity doesn't use the store
    arrivals = _Arrivals(setting, request, asked, kept, on_rollout)
    try:
        missing = arrivals.recall()
        if request.interventions or setting.rolls is None:
            _one_by_one(setting, request, asked, missing, arrivals)
        else:
            setting.rolls([_roll(setting, asked, *one) for one in missing], setting.form.stop_ids, arrivals.take)
    except CotLensError as error:
        if isinstance(error, (Cancelled, BackendError)):
            error.partial = arrivals.rollouts()  # type: ignore[union-attr]
        raise
    return arrivals.rollouts()


def _ask(setting: GenerationContext, start: Start, job: WritingJob, request: TextRequest) -> _Asked:
    sampling = writing.sampling_of(setting, job, request)
    # The prefix is part of the seed, or rollouts from two places would be drawn with the same random numbers.
    sampling = dataclasses.replace(sampling, seed=rollout_seed(request.seed, job.ids))
    settings = {
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "top_k": sampling.top_k,
        "max_new_tokens": sampling.max_new_tokens,
        "stop_ids": sorted(setting.form.stop_ids),
    }
    model = (setting.identity, str(setting.about["dtype"]))
    changes = (*writing.inputs_of(setting, job), *request.interventions)
    question = sample_store.question(job.ids, model, settings, changes, int(request.seed))
    return _Asked(start, job, sampling, question)


def _roll(setting: GenerationContext, asked: Sequence[_Asked], place: int, index: int) -> OpenRollout:
    one = asked[place]
    latents = next(iter(writing.inputs_of(setting, one.job)), None)
    text = one.start.trace.token_ids if latents is None else tuple(one.job.ids)
    return OpenRollout(index, text=text, at=len(one.job.ids), start=place, sampling=one.sampling, latents=latents)


def _one_by_one(
    setting: GenerationContext,
    request: TextRequest,
    asked: Sequence[_Asked],
    missing: Sequence[tuple[int, int]],
    arrivals: _Arrivals,
) -> None:
    """One start after the other: for models that can't mix prefixes, and for interventions, which name positions."""
    current = control.current()
    for place, one in enumerate(asked):
        samples = [Sample(index) for where, index in missing if where == place]
        if not samples:
            continue
        try:
            with control.using(current.silent()):
                setting.samples(
                    one.job.ids,
                    samples,
                    one.sampling,
                    setting.form.stop_ids,
                    interventions=(*writing.inputs_of(setting, one.job), *request.interventions),
                )
        finally:
            ended = [sample for sample in samples if sample.finish]
            arrivals.take_samples(place, ended)


class _Arrivals:
    """Where finished rollouts arrive: they are kept, made into traces, and handed on."""

    def __init__(
        self,
        setting: GenerationContext,
        request: TextRequest,
        asked: Sequence[_Asked],
        kept: Store | None,
        on_rollout: OnRollout | None,
    ) -> None:
        self._setting, self._request, self._asked = setting, request, asked
        self._kept, self._on_rollout = kept, on_rollout
        self._found: list[dict[int, Trace]] = [{} for _ in asked]
        self._done, self._total = 0, sum(len(one.start.indices) for one in asked)

    def recall(self) -> list[tuple[int, int]]:
        """Hand on what the store has; (start, index) of what is missing."""
        missing = []
        for place, one in enumerate(self._asked):
            control.current().check()
            found = self._kept.find(one.question, one.start.indices) if self._kept is not None else {}
            for index in one.start.indices:
                if index in found:
                    self._give(place, index, *found[index], stored=True)
                else:
                    missing.append((place, int(index)))
        return missing

    def take(self, rolls: Sequence[OpenRollout]) -> None:
        """Rollouts that have just ended."""
        self._take([(one.start, one.index, one.ids, one.finish) for one in rolls])

    def take_samples(self, place: int, samples: Sequence[Sample]) -> None:
        """The same, of one start whose samples were written by themselves."""
        self._take([(place, one.index, one.ids, one.finish) for one in samples])

    def rollouts(self) -> list[list[Trace]]:
        """What has arrived so far."""
        return [
            [found[index] for index in one.start.indices if index in found]
            for one, found in zip(self._asked, self._found, strict=True)
        ]

    def _take(self, ended: Sequence[tuple[int, int, list[int], str]]) -> None:
        if self._kept is not None:
            self._kept.keep((self._asked[place].question, index, ids, end) for place, index, ids, end in ended)
        for place, index, ids, finish in ended:
            self._give(place, index, ids, finish, stored=False)

    def _give(self, place: int, index: int, ids: list[int], finish: str, stored: bool) -> None:
        one, setting = self._asked[place], self._setting
        meta = writing.described(setting, one.job, self._request, one.sampling, index, finish)
        trace = build(
            setting.form,
            setting.reader,
            [*one.job.ids, *ids],
            one.job.prompt,
            one.job.begin,
            {**meta, "stored": stored},
            known=one.job.known,
            **writing.latent_parts(one.job),
            **one.job.parts,
        )
        self._found[place][index] = trace
        self._done += 1
        if self._on_rollout is not None:
            self._on_rollout(place, trace)
        control.current().report(self._done, self._total, "rollouts")
