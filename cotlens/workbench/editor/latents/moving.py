"""The editor's latents: what is shown of them, what is asked of the model about them, and branches of them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from cotlens._core import control
from cotlens._core.errors import InputError
from cotlens.models.contract import Capability, Model
from cotlens.results import Result
from cotlens.trace import Trace
from cotlens.trace.latents import name_of
from cotlens.widgets.protocol.shared import LatentControl
from cotlens.workbench.branches.node import Node
from cotlens.workbench.branches.tree import Tree
from cotlens.workbench.editor.latents.answers import Answers, answers
from cotlens.workbench.editor.latents.control import Control
from cotlens.workbench.editor.latents.move import Move, move_of, number_of, span_of
from cotlens.workbench.editor.latents.strip import strip
from cotlens.workbench.editor.latents.thoughts import Thoughts
from cotlens.workbench.editor.measure_runner import unmeasurable
from cotlens.workbench.editor.no_model import WHY
from cotlens.workbench.editor.plans import BranchPlan
from cotlens.workbench.shared.origin import origin

SOFT = "these latents are mixtures of tokens, and nothing lies on a line between two of them"
UNABLE = "this model can't be asked to think with other latents"
OWN_MEAN = "np.broadcast_to(trace.latents.mean(0), trace.latents.shape)"
_KEPT = 64  # moves whose answers are known by name


class Moving:
    """Moves latents of an editor's traces.

    Args:
        thoughts: where means and donors come from.
        lock: guards the tree.
        show: sets some of the view's traits.
    """

    def __init__(
        self, model: Model, tree: Tree, thoughts: Thoughts, lock: threading.RLock, show: Callable[..., None]
    ) -> None:
        self._model, self._tree, self._lock, self._show = model, tree, lock, show
        self.thoughts = thoughts
        self._control = Control(model.name)
        self._named: dict[Any, list[str]] = {}

    def strip(self, trace: Trace, lens: Result | None, why: str | None) -> dict[str, Any]:
        """The view's `latents`; `why` nothing can be read, None where it can."""
        donors = self.thoughts.donors(trace, self._tree.nodes.values())
        mean = self.thoughts.mean_words(trace)
        return {**strip(trace, lens, "" if lens is not None else why or "", self._off(trace), mean, donors)}

    def _off(self, trace: Trace) -> str:
        if not self._model.capabilities:
            return WHY
        if Capability.LATENT not in self._model.capabilities:
            return UNABLE
        if trace.awaits_rerun:
            return "the edit was not rerun: rerun it before another latent is moved"
        form = None if getattr(self._model, "asleep", False) else self._model.latent_format
        return unmeasurable(trace) or (SOFT if form is not None and not form.feedback.continuous else "")

    def move(self, trace: Trace, request: Any) -> Move:
        """What a request asks for; raises InputError where it can't be."""
        move = move_of(trace, request)
        move.span(trace)
        self._donor(trace, move)
        return move

    def ask(self, node: Node, move: Move) -> str:
        """Ask what is answered then, and show it, and then the same of the control; what was done, in words."""
        trace, donor = node.trace, self._donor(node.trace, move)
        vectors = self._vectors(trace, move, donor)
        before, key = self._model.meter.snapshot(), (trace.id, move.steps, move.effect, move.donor)
        said = None if donor is None else donor.read_answer()
        known = [*([said.surface.strip()] if said else []), *self._named.get(key, ())]
        found = answers(self._model, trace, dict(zip(move.steps, vectors, strict=True)), move.effect, known)
        spent = self._model.meter.since(before)
        self._remember(key, found.named)
        cost = f"{spent.tokens:,} tokens in {spent.forwards} passes"
        self._tell(node, move, vectors, found, cost, None)
        control.current().check()
        if self._control.name:
            beside = self._control.told(trace, move, donor, self.thoughts.fitting(trace))
            control.current().check()
            self._tell(node, move, vectors, found, cost, beside)
        return f"answered with {name_of(trace, move.span(trace))} moved"

    def put(self, trace: Trace, request: Any, options: dict[str, Any]) -> BranchPlan:
        """A branch with latents put where they were moved to."""
        move = self.move(trace, request)
        donor, span = self._donor(trace, move), move.span(trace)
        edited = trace.replace(span, self._vectors(trace, move, donor))
        held = {} if move.effect == "total" else {"at": int(trace.latent_tokens[-1]) + 1}
        lines = [*self._code(trace, move, donor), move.code(), f"span = {span!r}"]
        return BranchPlan(
            trace, edited, {**options, **held}, move.label(trace), "trace.replace(span, vectors)",
            before=("import numpy as np", "from cotlens.trace import Span", *lines),
        )  # fmt: skip

    def take_out(self, trace: Trace, request: Any, options: dict[str, Any]) -> BranchPlan:
        """A branch without some latents."""
        first, last = number_of(trace, request.token), number_of(trace, request.last - 1)
        if last < first:
            raise InputError(f"Latents {first} to {last} are none: give the first before the last.")
        span = span_of(trace, range(first, last + 1))
        left = len(trace.latents) - (last - first + 1)
        form = self._model.latent_format
        if form is not None:
            form.count(trace.prompt, left)  # a number that the model wasn't trained with is refused
        label, lines = f"− {name_of(trace, span)}", ("from cotlens.trace import Span", f"span = {span!r}")
        return BranchPlan(trace, trace.delete(span), options, label, "trace.delete(span)", before=lines)

    def forget(self) -> None:
        """Drop what was answered: the model is another one now."""
        self._named.clear()

    def _donor(self, trace: Trace, move: Move) -> Trace | None:
        return self.thoughts.donor(trace, move.donor, list(self._tree.nodes.values())) if move.gives else None

    def _vectors(self, trace: Trace, move: Move, donor: Trace | None) -> Any:
        return move.vectors(trace.latents, self.thoughts.mean(trace), None if donor is None else donor.latents)

    def _remember(self, key: Any, named: list[str]) -> None:
        if len(self._named) >= _KEPT:
            self._named.clear()
        self._named[key] = named[1:]

    def _tell(
        self, node: Node, move: Move, vectors: Any, found: Answers, cost: str, beside: LatentControl | None
    ) -> None:
        told = {
            "document": node.trace.id, "token": int(node.trace.latent_tokens[move.first]),
            "places": list(move.places), "effect": move.effect, "donor": move.donor,
            "norms": np.linalg.norm(vectors, axis=1).tolist(), "answer": found.answer, "was": found.was,
            "now": found.now, "floor": found.floor, "rows": found.rows, "cost": cost, "control": beside,
        }  # fmt: skip
        with self._lock:
            if self._tree.current_id == node.id:
                self._show(moved=told)

    def _code(self, trace: Trace, move: Move, donor: Trace | None) -> list[str]:
        """Lines that make the mean and the donor, as far as they are needed."""
        lines = []
        if any(place < 0 for place in move.places):
            others = [self._expression(one) for one in self.thoughts.fitting(trace)]
            mean = "np.mean([one.latents for one in others], 0)" if others else OWN_MEAN
            given = [f"others = [{', '.join(map(str, others))}]"] if others and None not in others else []
            lines += [*given, f"mean = {mean}{'' if given or not others else '  # others: as they were given'}"]
        if donor is not None:
            made = self._expression(donor)
            known = f"donor = {made}" if made else "# donor: as it was given; keep it with donor.save(path)"
            lines += self._branch_code(donor) or [known]
        return lines

    def _expression(self, trace: Trace) -> str | None:
        """Python that makes a thought that was given; None where that isn't known."""
        _, code = origin(self._model, trace)
        return code.removeprefix("trace = ") if code.startswith("trace = ") else None

    def _branch_code(self, donor: Trace) -> list[str]:
        held = [node.id for node in self._tree.nodes.values() if node.trace.id == donor.id]
        return ["base = trace", *self._tree.script(held[0]), "donor, trace = trace, base"] if held else []
