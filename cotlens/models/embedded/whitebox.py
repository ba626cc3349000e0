"""What is read and changed in the engine, and whether that is what it seems."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from cotlens._core.errors import BackendError
from cotlens.models import tracing
from cotlens.models.architecture.layout import Layout
from cotlens.models.contract.interventions import Intervention
from cotlens.models.contract.validation import chosen_positions
from cotlens.models.embedded.client import EngineClient
from cotlens.models.whitebox import unembedding

Floats = NDArray[np.float32]
_CLOSE = 0.02  # how far, relative to its norm, a sum of parts may be from the stream in half precision


@dataclass(frozen=True)
class EngineWhitebox:
    """Reads and changes activations of a model in the engine. On the thread that owns the model.

    Args:
        skeleton: the model as transformers has it, without weights.
        layout: its.
    """

    client: EngineClient
    name: str
    skeleton: Any
    layout: Layout

    @contextmanager
    def installed(self, changes: Sequence[Intervention], sites: Sequence[str] = ()) -> Iterator[str]:
        """The name by which requests ask for these changes, and for these sites to be kept."""
        # Rows of the whole sequence: which of them a pass holds is known only inside the block.
        everywhere = np.arange(self.layout.context)
        compiled = tracing.compile_changes(changes, self.layout, everywhere, self.device)
        name = uuid.uuid4().hex
        handle = tracing.install(self.client.engine, self.layout, compiled, sites, name)
        try:
            yield name
        finally:
            handle.clear()

    def read(
        self, ids: Sequence[int], sites: Sequence[str], positions: Sequence[int] | None, changes: Sequence[Intervention]
    ) -> dict[str, Floats]:
        """Activations float32 [positions, d_model] per site."""
        for site in sites:
            self.layout.site(site)
        chosen, wanted = chosen_positions(ids, positions), list(dict.fromkeys(sites))
        with self.installed(changes, wanted) as name:
            kept = self._asked(ids, name)["kept"]
        order = sorted(wanted, key=self._rank)
        return {site: kept[order.index(site)].numpy()[chosen] for site in wanted}

    def unembed(self, vectors: Floats) -> Floats:
        """As `whitebox.unembedding.unembed`."""
        runner: Any = SimpleNamespace(device="cpu", layout=self.layout)
        given, norm, head = unembedding.parts(self.skeleton, runner, vectors)
        paths = {id(module): path for path, module in self.skeleton.named_modules()}
        name = uuid.uuid4().hex
        handle = tracing.install_lens(self.client.engine, paths[id(norm)], paths[id(head)], given.to(self.device), name)
        try:
            found: Floats = self._asked([0], name)["found"].numpy()[:, : self.layout.vocabulary]
            return found
        finally:
            handle.clear()

    def holds(self, ids: Sequence[int]) -> bool:
        """Whether the engine's modules are the sites they are called: each layer adds its parts to the stream."""
        n = self.layout.n_layers
        kinds = ("resid_post", "attn_out", "mlp_out")
        try:
            seen = self.read(ids, ["embed", *(f"{kind}.{layer}" for layer in range(n) for kind in kinds)], None, ())
        except (BackendError, AttributeError, IndexError, KeyError, TypeError, ValueError):
            return False
        stream = seen["embed"]
        for layer in range(n):
            after, attention, mlp = (seen[f"{kind}.{layer}"] for kind in kinds)
            if after.shape != (len(ids), self.layout.d_model):
                return False
            if np.linalg.norm(stream + attention + mlp - after) > _CLOSE * np.linalg.norm(after):
                return False
            stream = after
        return True

    @cached_property
    def device(self) -> torch.device:
        """Where activations are."""
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")

    def _asked(self, ids: Sequence[int], name: str) -> dict[str, Any]:
        body = {"model": self.name, "prompt": list(ids), "max_tokens": 1, "temperature": 0, "edits": [name]}
        saves: dict[str, Any] = self.client.ask(body)["saves"]
        return saves

    def _rank(self, site: str) -> tuple[int, int]:
        return self.layout.site(site)[1], ("attn_out", "mlp_out", "resid_post", "embed").index(site.split(".")[0])
