"""Passes through a model that runs elsewhere, each of them a job that sends back a few numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from cotlens._core import control
from cotlens._core.errors import BackendError
from cotlens.models import tracing
from cotlens.models.architecture.layout import Layout
from cotlens.models.architecture.runner import ModelRunner
from cotlens.models.contract import Meter
from cotlens.models.contract.interventions import BlockAttention, Intervention
from cotlens.models.ndif.job import JobBackend
from cotlens.models.ndif.wire import OnLine, Wire

if TYPE_CHECKING:
    from torch import Tensor

    from cotlens.models.architecture.gradient_target import GradientTarget
    from cotlens.models.architecture.masks import Masks

Ints = NDArray[np.int64]
_AFTER = re.compile(r"logit|lm_head")  # settings of what a model does to its logits last
_SAMPLE = 256  # tokens that are compared
LOGITS = 2**30  # bytes of float32 logits that a job may hold; what it reduces at once is far less
_SLICE = 64 * 2**20


class RemoteRunner(ModelRunner):
    """A model on a server; masks for it are bool.

    Args:
        traced: its nnsight model, without weights.
        key: what the server knows it by.
    """

    def __init__(self, traced: Any, layout: Layout, meter: Meter, wire: Wire, key: str) -> None:
        super().__init__(layout, meter, torch.device("cpu"), torch.bool)
        self.traced = traced
        self.wire = wire
        self.key = key

    @cached_property
    def head(self) -> str:
        """Path of the output embedding; "" where the model caps or scales the logits that come out of it."""
        hf = self.traced._module
        config = hf.config.get_text_config(decoder=True).to_dict()
        changed = [name for name, value in config.items() if _AFTER.search(name) and value not in (None, False, 1, 1.0)]
        paths = {id(module): path for path, module in hf.named_modules()}
        return "" if changed else paths.get(id(hf.get_output_embeddings()), "")

    @cached_property
    def kind(self) -> torch.dtype:
        """Type of the model's activations, as it says itself in a first short job; its tokenizer is compared as well.

        Raises:
            BackendError: the server's tokenizer is another one than here.
        """
        size = min(self.layout.vocabulary, len(self.traced.tokenizer))
        ids = sorted({*range(0, size, max(1, size // _SAMPLE)), size - 1})
        inputs = self.inputs(self.tensor([0]), None, 1, None)
        said, theirs = tracing.probe_dtype_and_tokens(self.traced, self.layout, inputs, ids, self.job())
        ours = self.traced.tokenizer.convert_ids_to_tokens(ids)
        for token, mine, other in zip(ids, ours, theirs, strict=True):
            if mine != other:
                raise BackendError(
                    f"Token {token} is {mine!r} in the tokenizer here and {other!r} in that of the server; give files= "
                    "or revision= of the model that the server has."
                )
        found: torch.dtype = getattr(torch, str(said).removeprefix("torch."))
        return found

    def rows(self, batch: int = 1) -> int:
        """How many rows of logits of each of `batch` sequences fit into one job."""
        return max(16, LOGITS // (4 * self.layout.vocabulary * batch))

    def job(self, on_line: OnLine | None = None, **env: Any) -> JobBackend:
        """The backend of one job."""
        return JobBackend(self.wire, self.key, {**self.traced._remoteable_get_env(), **env}, on_line)

    def logits(
        self,
        ids: Tensor,
        positions: Ints | None,
        kept: Ints,
        ask: dict[str, Any],
        masks: Masks | None = None,
        interventions: Sequence[Intervention] = (),
    ) -> list[Any]:
        """One pass over int64 [batch, q], and what `ask` wants of the rows `kept` of its logits; see `reduced`."""
        keep = torch.from_numpy(kept)
        wanted = {**ask, "slice": max(1, _SLICE // (4 * self.layout.vocabulary * len(ids)))}
        return self.reduced(ids, positions, wanted, keep=keep, masks=masks, interventions=interventions)[0]

    def reduced(
        self,
        ids: Tensor,
        positions: Ints | None,
        ask: dict[str, Any],
        *,
        keep: Tensor | int = 1,
        masks: Masks | None = None,
        interventions: Sequence[Intervention] = (),
        sites: Sequence[str] = (),
    ) -> tuple[list[Any], dict[str, Tensor]]:
        """One pass; see `tracing.reduced` for what to ask and what comes back."""
        at = np.arange(ids.shape[1]) if positions is None else positions
        if masks is None and any(isinstance(item, BlockAttention) for item in interventions):
            masks = self.causal(at, 0, interventions)
        about = {"whole": self._whole(keep), "dtype": self.kind, **ask}
        inputs = self.inputs(ids, at if positions is not None or masks is not None else None, keep, masks)
        changes = tracing.compile_changes(interventions, self.layout, at, self.device)
        self.count(ids)
        return tracing.reduced(self.traced, self.layout, inputs, masks, about, changes, sites, self.job())

    def differentiate(
        self,
        goal: GradientTarget,
        sites: Sequence[str],
        *,
        embeddings: NDArray[np.float32] | None = None,
        interventions: Sequence[Intervention] = (),
    ) -> tuple[Tensor, dict[str, Tensor], dict[str, Tensor]]:
        """As `Engine.differentiate`."""
        keep, masks = torch.from_numpy(goal.keep), self.masks_of(goal, interventions)
        inputs = self.inputs(goal.ids, goal.positions, keep, masks)
        changes = tracing.compile_changes(interventions, self.layout, goal.positions, self.device)
        if embeddings is not None:
            whole = tracing.Change(-1, "embed", False, torch.arange(goal.n), torch.tensor(embeddings))
            changes = [whole, *changes]
        dtype = self.kind
        self.count(goal.ids)
        return tracing.gradients(
            self.traced, self.layout, inputs, masks, changes, sites, goal.n, self._whole(keep), goal.ask, dtype,
            self.job(),
        )  # fmt: skip

    def attend(
        self, ids: Tensor, heads: dict[int, Tensor], rows: Tensor | None, columns: Tensor | None
    ) -> dict[int, Tensor | None]:
        """Attention weights of one pass over int64 [1, q]; see `tracing.attention`."""
        inputs, _ = self.inputs(ids, None, 1, None), self.kind
        self.count(ids)
        backend = self.job(attn_implementation="eager")
        return tracing.attention(self.traced, self.layout, inputs, None, heads, rows, columns, backend)[0]

    def inputs(self, ids: Tensor, positions: Ints | None, keep: Tensor | int, masks: Masks | None) -> dict[str, Any]:
        """What the model's forward is given; masks find their way in a block."""
        accepts = self.layout.accepts
        inputs: dict[str, Any] = {"input_ids": ids}
        if positions is not None and "position_ids" in accepts:
            inputs["position_ids"] = torch.from_numpy(positions)[None].repeat(len(ids), 1)
        if "use_cache" in accepts:
            inputs["use_cache"] = False
        if "logits_to_keep" in accepts:
            inputs["logits_to_keep"] = keep
        if masks is None and "attention_mask" in accepts:
            inputs["attention_mask"] = torch.ones_like(ids)
        return inputs

    def count(self, ids: Tensor) -> None:
        """A pass over `ids` begins."""
        control.current().check()
        self.meter.tokens += ids.numel()
        self.meter.forwards += 1

    def _whole(self, keep: Tensor | int) -> Tensor | None:
        """The rows to keep where the model returns all."""
        if "logits_to_keep" in self.layout.accepts or isinstance(keep, int):
            return None
        return keep
