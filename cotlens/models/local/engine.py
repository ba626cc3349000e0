"""Passes through a loaded model; all of them are made here. Used on the owner thread only.

Without interventions a pass is the plain module's forward; with them, or to read activations, it is an nnsight trace.
Both are counted by the meter, run without autograd, and turn running out of memory into `OutOfMemory`.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from cotlens.models.architecture.layout import describe
from cotlens.models.architecture.runner import ModelRunner
from cotlens.models.contract import Meter
from cotlens.models.contract.interventions import Intervention
from cotlens.models.identity import Identity
from cotlens.models.local import passes, placement, skipping

if TYPE_CHECKING:
    from torch import Tensor

    from cotlens.models.architecture.gradient_target import GradientTarget
    from cotlens.models.architecture.masks import Masks

# Engine -> its state once somebody has asked, of work that takes a model to stay as it is: of no other thread's work.
_HELD: ContextVar[Mapping[int, list[str]]] = ContextVar("cotlens_held", default=MappingProxyType({}))
_CHUNK = 64  # tokens that chunked recurrent layers of transformers fill a pass up to


@dataclass(frozen=True)
class Forking:
    """That what a model remembers can be copied and gone on from several times, as was tried when it was loaded.

    Args:
        side_by_side: whether copies behind texts of different lengths may go into one pass.
        masked: whether a mask has to hide what pads the keys of shorter texts there.
        by_one: whether all has to be fed a token at a time, because a pass over several begins anew.
    """

    side_by_side: bool
    masked: bool = False
    by_one: bool = False


class Engine(ModelRunner):
    """A loaded causal LM and what is needed to run it.

    Args:
        hf: the transformers module, in eval mode.
        tokenizer: its tokenizer (nnsight wants it).
        meter: counts tokens and passes.
        budget: bytes that one scoring pass may take; None for a share of what is free.

    Attributes:
        forking: None where it can't be, or where nothing needs it.
        short_chunks: whether recurrent layers that work on chunks of 64 tokens are told to work on shorter ones where a
            pass has fewer, as was tried when the model was loaded: else they fill it up.
    """

    def __init__(self, hf: Any, tokenizer: Any, meter: Meter, budget: int | None = None) -> None:
        super().__init__(describe(hf), meter, placement.input_device(hf), hf.dtype)
        self.hf = hf
        placement.unpacked(hf)
        self.tokenizer = tokenizer
        self.devices = placement.devices(hf)
        self._home = self.device if len(self.devices) == 1 else torch.device("cpu")  # of what layers anywhere are given
        self.budget = budget
        self.trunk: Any = None  # the last one that was scored packed; see `trunk.Trunk`
        self.streams: Any = None  # residual streams of one trunk; see `scoring.from_layer`
        # Whether passes can begin at a later layer, None until tried: not in a loop that reads what came before it.
        self.starts: bool | None = False if getattr(getattr(hf, "depth", None), "before", 0) else None
        self.takes_gaps: bool | None = None  # whether a pass may leave out positions, as `whitebox.gaps`; None as above
        self.takes_holes: bool | None = None  # the same behind a cache, as `whitebox.without`
        self.forks: Any = None  # the same of forked scoring: its cache is piece -> state after it
        self.forking: Forking | None = None
        self.short_chunks = False
        self.identity = Identity(hf)
        self._wrapped: tuple[list[Any], Any] = ([], None)

    def state(self) -> str:
        """As `identity.Identity.state`, and within `held` as it was when first asked for there."""
        known = _HELD.get().get(id(self), [])
        if not known:
            known.append(self.identity.state())
        return known[0]

    @contextmanager
    def held(self) -> Iterator[None]:
        """Within, all passes are taken to be one model's: its weights are read once for all that ask for its state."""
        token = _HELD.set({id(self): [], **_HELD.get()})  # what it was for whoever holds it already
        try:
            yield
        finally:
            _HELD.reset(token)

    def deepened(self, steps: int, seed: int | None) -> Engine:
        """An engine of the same loop with another number of steps; what was tried of one holds of the other."""
        from cotlens.models.local.depth.unrolled import at_depth

        found = Engine(at_depth(self.hf, steps, seed), self.tokenizer, self.meter, self.budget)
        found.layout = replace(found.layout, accepts=self.layout.accepts, refused=self.layout.refused)
        found.obeys_masks, found.no_skip = self.obeys_masks, self.no_skip
        found.attending = tuple(range(found.layout.n_layers)) if self.attending else ()
        return found

    @property
    def in_pieces(self) -> bool:
        """Whether a long text may be run in several passes; a recurrent model only where that was tried."""
        return not self.layout.no_mask or (self.forking is not None and not self.forking.by_one)

    @property
    def traced(self) -> Any:
        """The nnsight model, wrapped when first needed, and again where modules were exchanged since."""
        from cotlens.models import tracing

        modules, wrapped = list(self.hf.modules()), self._wrapped
        if len(modules) != len(wrapped[0]) or not all(map(operator.is_, modules, wrapped[0])):
            self._wrapped = wrapped = modules, tracing.wrap(self.hf, self.tokenizer)
        return wrapped[1]

    def forward(
        self,
        ids: Tensor,
        positions: NDArray[np.int64] | None = None,
        *,
        masks: Masks | None = None,
        cache: Any = None,
        keep: Tensor | int = 0,
        interventions: Sequence[Intervention] = (),
        own: Sequence[tuple[NDArray[np.int64], Sequence[Intervention]]] = (),
        sites: Sequence[str] = (),
        before: tuple[int, Tensor] | None = None,
    ) -> tuple[Tensor, dict[str, Tensor], Any]:
        """One pass.

        Args:
            ids: int64 [batch, q].
            positions: int64 [q], or [batch, q] without interventions; None leaves them to the model.
            masks: None leaves them to the model.
            cache: extended in place; True asks the model for one of its own kind.
            keep: rows of logits wanted: an index tensor, or the last k (0: all).
            interventions: those that the masks don't hold already.
            own: (rows, interventions) that act at those rows of the pass alone, whatever else stands at the positions.
            sites: activations to return.
            before: the first layer that is run, at least 1, and the stream before it, [batch, q, d_model]; see
                `skipping`.

        Returns:
            logits [batch, kept, vocabulary], site -> [batch, q, d_model], the cache (None if the model has none).
        """
        inputs = self._inputs(ids, positions, cache, keep)
        changes: list[Any] = []
        if interventions or own:
            from cotlens.models import tracing

            at = np.arange(ids.shape[1]) if positions is None else positions
            changes = tracing.compile_changes(interventions, self.layout, at, self._home)
            for rows, items in own:
                changes += tracing.compile_changes(items, self.layout, at, self._home, rows)
        inside = bool(changes or sites or (masks is not None and masks.per_layer))
        traced = self.traced if inside else None  # wrapped while all layers are in their places
        first = before[0] if before else 0
        self.meter.tokens += skipping.share(ids.numel(), first, self.layout.n_layers)
        self.meter.forwards += 1
        with passes.running(self.hf, ids), skipping.starting(self.hf, self.layout, before):
            if inside:
                from cotlens.models import tracing

                if masks is None and "attention_mask" in self.layout.accepts:
                    behind = 0 if positions is None else int(positions.flat[0])
                    inputs["attention_mask"] = _ones(ids, behind if self.layout.cache == "past_key_values" else 0)
                # Masks that differ from layer to layer can't be an argument of the model, so they too go through a
                # trace.
                logits, seen, cache = tracing.run(traced, self.layout, inputs, masks, changes, sites)
                return self._kept(logits, keep), seen, cache
            if masks is not None:
                inputs["attention_mask"] = masks.base
            with torch.no_grad():
                out = self.hf(**inputs)
            return self._kept(out.logits, keep), {}, getattr(out, self.layout.cache, None)

    def hidden(self, inputs: Tensor, positions: NDArray[np.int64], masks: Masks, cache: Any) -> Tensor:
        """One pass over vectors in place of embeddings, up to what the output embedding is applied to.

        Args:
            inputs: [batch, q, d_model], as the token embedding gives them.
            positions: int64 [q], or [batch, q].
            cache: extended in place.

        Returns:
            hidden states after the final norm, [batch, q, d_model].
        """
        rows, n = inputs.shape[:2]
        at = torch.from_numpy(np.atleast_2d(positions)).to(self.device).expand(rows, -1)
        given = {"position_ids": at, "attention_mask": masks.base, "past_key_values": cache, "use_cache": True}
        self.meter.tokens += rows * n
        self.meter.forwards += 1
        with passes.running(self.hf, inputs), torch.no_grad():
            found: Tensor = self.hf.get_decoder()(inputs_embeds=inputs.to(self.dtype), **given).last_hidden_state
        return found

    def differentiate(
        self,
        goal: GradientTarget,
        sites: Sequence[str],
        *,
        embeddings: NDArray[np.float32] | None = None,
        interventions: Sequence[Intervention] = (),
    ) -> tuple[Tensor, dict[str, Tensor], dict[str, Tensor]]:
        """One pass in this process, and back."""
        from cotlens.models import tracing

        ids, keep = goal.ids, torch.from_numpy(goal.keep).to(self.device)
        inputs = self._inputs(ids, goal.positions, None, keep)
        masks = self.masks_of(goal, interventions)
        if masks is None and "attention_mask" in self.layout.accepts:
            inputs["attention_mask"] = _ones(ids, 0)
        changes = tracing.compile_changes(interventions, self.layout, goal.positions, self._home)
        if embeddings is not None:
            every = torch.arange(goal.n, device=self.device)
            changes = [
                tracing.Change(-1, "embed", False, every, torch.tensor(embeddings, device=self.device)),
                *changes,
            ]
        self.meter.tokens += ids.numel()
        self.meter.forwards += 1
        rows = None if "logits_to_keep" in self.layout.accepts else keep
        with passes.running(self.hf, ids), passes.frozen(self.hf):
            return tracing.gradients(self.traced, self.layout, inputs, masks, changes, sites, goal.n, rows, goal.ask)

    def attend(
        self,
        ids: Tensor,
        positions: NDArray[np.int64],
        cache: Any,
        heads: dict[int, Tensor],
        rows: Tensor | None,
        columns: Tensor | None,
        embedded: Tensor | None = None,
    ) -> tuple[dict[int, Tensor | None], Any]:
        """Attention weights of tokens at `positions` behind `cache`, which is extended; see `tracing.attention`.

        Args:
            embedded: what the tokens read, [1, q, d_model], where that isn't their embedding.
        """
        from cotlens.models import tracing

        inputs, before = self._inputs(ids, positions, cache, 1), int(positions[0])
        masks = self.causal(positions, before) if self.obeys_masks else None
        if masks is None:
            inputs["attention_mask"] = _ones(ids, before)
        if embedded is not None:
            del inputs["input_ids"]
            inputs["inputs_embeds"] = embedded
        self.meter.tokens += ids.numel()
        self.meter.forwards += 1
        with passes.running(self.hf, ids):
            return tracing.attention(self.traced, self.layout, inputs, masks, heads, rows, columns)

    def embeddable(self, ids: Tensor) -> Tensor:
        """Ids that the embedding has rows for: any of them where a vector will stand in its place."""
        return ids if self.layout.latent is None else ids.masked_fill(ids == self.layout.latent, 0)

    def _inputs(self, ids: Tensor, positions: Any, cache: Any, keep: Tensor | int) -> dict[str, Any]:
        accepts = self.layout.accepts
        inputs: dict[str, Any] = {"input_ids": self.embeddable(ids)}
        if positions is not None and "position_ids" in accepts:
            inputs["position_ids"] = torch.from_numpy(np.atleast_2d(positions)).to(self.device).expand(len(ids), -1)
        if "use_cache" in accepts:
            inputs["use_cache"] = cache is not None
        if cache is not None and cache is not True and self.layout.cache:
            inputs[self.layout.cache] = cache
        if self.short_chunks and 1 < ids.shape[1] <= _CHUNK // 2:
            inputs["chunk_size"] = 1 << (ids.shape[1] - 1).bit_length()
        if "logits_to_keep" in accepts:
            inputs["logits_to_keep"] = keep
            if isinstance(keep, int) and keep:  # told a number, Gemma 4 runs its last layers on those tokens only
                inputs["logits_to_keep"] = torch.arange(ids.shape[1] - keep, ids.shape[1], device=self.device)
        return inputs

    def _kept(self, logits: Tensor, keep: Tensor | int) -> Tensor:
        if "logits_to_keep" in self.layout.accepts:
            return logits
        return logits[:, keep] if isinstance(keep, torch.Tensor) else logits[:, -keep:]


def _ones(ids: Tensor, before: int) -> Tensor:
    """A mask over everything: nnsight would otherwise make one that is too narrow behind `before` cached tokens."""
    return torch.ones(len(ids), before + ids.shape[1], dtype=torch.long, device=ids.device)
