"""One cell at a time: from the store where it is there, else measured and kept at once."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cotlens._core import files
from cotlens._core.errors import BackendError, Cancelled, CapabilityError, CotLensError, InputError, OutOfMemory
from cotlens._core.registry import resolve
from cotlens.measure.survey.named import loaded, method_of
from cotlens.measure.survey.plan import Cell
from cotlens.models.contract import Model, Start
from cotlens.results.provenance import versions
from cotlens.trace import Trace, storage
from cotlens.trace.editing import reads
from cotlens.trace.parts.carrying import check_verbatim
from cotlens.trace.parts.part import thoughts

OPEN_STORE = "cotlens.models.generation.sample_store:open_store"  # named, not imported, as the models are
VERSION = 1  # of what a cell is known by
_LONGEST = 500  # characters of a reason


@dataclass(frozen=True)
class CellOutcome:
    """What became of a cell.

    Args:
        number: of the cell.
        key: under which its result is in the store, "" where it has none.
        status: "ok", or why there is no result.
        again: whether another try may help: a server or a worker failed, not the question.
        stored: whether the store had it before.
        seconds: it took, loading of the model included.
        worker: who measured it.
        result: its JSON, where the store of whoever asked doesn't have it yet.
        tries: how many times it was tried.
    """

    number: int
    key: str = ""
    status: str = "ok"
    again: bool = False
    stored: bool = False
    seconds: float = 0.0
    worker: str = ""
    result: str = ""
    tries: int = 1


class Worker:
    """Measures cells; it holds one model, which it changes only where the next cell is of another.

    Args:
        store: path of the sample store, for rollouts and finished cells.
        name: by which it is known in outcomes.
    """

    def __init__(self, store: str, name: str = "") -> None:
        self._path, self._name = store, name
        self._store = resolve(OPEN_STORE)(store)
        self._held: tuple[str, Model | CotLensError] | None = None

    def do(self, cell: Cell) -> CellOutcome:
        """Measure a cell; whatever goes wrong is the status of its outcome.

        Raises:
            Cancelled: the work was cancelled meanwhile.
        """
        began = time.monotonic()
        try:
            key, stored, held = self._do(cell)
        except Cancelled:
            raise
        except Exception as error:  # one cell of thousands: its row says so, the others go on
            again = isinstance(error, BackendError) and not isinstance(error, OutOfMemory)
            status = reason(type(error).__name__, str(error))
            return CellOutcome(cell.number, "", status, again, False, time.monotonic() - began, self._name)
        return CellOutcome(cell.number, key.hex(), "ok", False, stored, time.monotonic() - began, self._name, held)

    def result(self, key: str) -> str:
        """The JSON of a cell that was measured here."""
        return str(self._store.find_cell(bytes.fromhex(key)))

    def _do(self, cell: Cell) -> tuple[bytes, bool, str]:
        """The key of a cell, whether the store had its result, and that where the store can't keep it."""
        model = self._model(cell.model)
        key = key_of(cell, model)
        if self._store.find_cell(key) is not None:
            return key, True, ""
        result = method_of(cell.method).run(_trace(cell, model), model, cell.seed)
        told = json.dumps(result.data(), allow_nan=False)
        return key, False, "" if self._store.keep_cell(key, told) else told

    def _model(self, data: Mapping[str, Any]) -> Model:
        named = json.dumps(data, sort_keys=True)
        if self._held is None or self._held[0] != named:
            self._held = None  # let go of the one before, or both are in memory for a while
            try:
                self._held = named, loaded(data, self._path)
            except (InputError, CapabilityError, OutOfMemory) as error:  # it would be the same for every cell
                self._held = named, error
        found = self._held[1]
        if isinstance(found, CotLensError):
            raise found
        return found


def reason(kind: str, said: str) -> str:
    """A failure as a status: what kind, and its sentence on one line."""
    told = f"{kind}: {' '.join(said.split())}"
    return told if len(told) <= _LONGEST else f"{told[: _LONGEST - 1]}…"


def key_of(cell: Cell, model: Model) -> bytes:
    """What decides the result of a cell: text and tokens, settings, seed, the model's state, and who measures."""
    if isinstance(cell.source, Trace):
        about = storage.described(cell.source)
        asked: Any = [list(cell.source.token_ids), about["id"], about["roles"], about["reader"]]
    else:
        asked = [cell.source, cell.max_new_tokens]
    # A model whose state can't be known is told by how it was opened: good enough to go on with one plan.
    state = model.state or files.plain(cell.model, "models")
    told = [VERSION, versions()["cotlens"], asked, dict(cell.method), cell.seed, state, model.dtype]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).digest()


def _trace(cell: Cell, model: Model) -> Trace:
    """What is measured, in the tokens of the model: the trace, or what it writes after the prompt."""
    if isinstance(cell.source, Trace):
        return fitted(cell.source, model)
    if model.latent_format is not None:  # a rollout would begin behind the latents that are to be thought
        return model.reason(cell.source, seed=cell.seed, max_new_tokens=cell.max_new_tokens)
    opened = model.compose(cell.source, "", None)
    start = Start(opened, len(opened.token_ids))  # as a rollout, which the store keeps: methods share it
    return model.rollouts([start], seed=cell.seed, max_new_tokens=cell.max_new_tokens)[0][0]


def fitted(trace: Trace, model: Model) -> Trace:
    """A trace in a model's tokens: as it is where they are its own, else what was read elsewhere, tokenised anew.

    Raises:
        InputError: its thought isn't what a model wrote, its tokens are another model's, or the format can't hold it.
    """
    check_verbatim(trace)
    if not reads(model.codec, trace) and trace.given_parts and trace.focus_order is not None:
        number = [part.order for part in thoughts(trace.parts)].index(trace.focus_order)
        return trace.focus(number, model=model)
    return storage.with_model(trace, model)
