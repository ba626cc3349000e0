"""How near lenses come to the model itself, layer by layer, on traces that they weren't fitted on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from cotlens._core import check, control
from cotlens._core.errors import InputError
from cotlens._core.fingerprint import fingerprint
from cotlens.measure.lenses import reading
from cotlens.measure.lenses.affine import AffineLens
from cotlens.measure.lenses.logit import LogitLens
from cotlens.measure.method import Cost, RunRecord, check_needs, check_one_model, traces_of
from cotlens.measure.probes.fitting import over_problems
from cotlens.models.contract import Capability, Model
from cotlens.results import Result
from cotlens.trace import Trace

Lens = LogitLens | AffineLens


@dataclass(frozen=True)
class _Traces:
    """Traces as one thing that was measured: `id` is a fingerprint of all of them."""

    given: tuple[Trace, ...]

    @property
    def id(self) -> str:
        """Of all traces."""
        return fingerprint(*(one.id for one in self.given))


@dataclass(frozen=True, kw_only=True)
class Fidelity:
    """How far is what a lens reads at a layer from what the model goes on to say?

    A row per lens and layer: estimate = mean KL(model || lens) over the tokens of the thoughts, nats, with a 95 %
    interval by drawing prompts again; 0 at the last layer. `agreement`: at how many tokens both have the same best
    token. `control`: the same KL where the lens reads another token of the trace; `floor` the same: above it nothing
    about the place is read. A tuned lens that was fitted on one of these prompts has the status "fitted on ...".

    Args:
        lenses: a `LogitLens`, and lenses of `fit`, `load_lens` or `read_jacobian`.
    """

    needs: ClassVar[Capability] = Capability.READ | Capability.DECODE | Capability.GRADIENT
    edit_type: ClassVar[str] = "none"
    unit: ClassVar[str] = "layer"

    lenses: tuple[Any, ...] = (LogitLens(),)

    def __post_init__(self) -> None:
        given = self.lenses if isinstance(self.lenses, tuple | list) else (self.lenses,)
        for one in given:
            if not isinstance(one, Lens):
                raise InputError(
                    f"Fidelity compares a LogitLens and lenses of one map per layer; {one!r:.60} was given."
                )
        if not given:
            raise InputError("Fidelity was given no lens; give LogitLens(), or a lens of cl.lenses.fit beside it.")
        object.__setattr__(self, "lenses", tuple(given))

    def cost(self, trace: Trace) -> Cost:
        """Of one trace: a pass, and three decodings of its tokens per lens."""
        return Cost(8 * len(trace.token_ids), 8)

    def run(self, traces: Sequence[Trace], model: Model, seed: int = 0) -> Result:
        """Read each trace once.

        Raises:
            InputError: no trace, traces of different models, one without a thought, a lens made on other weights.
            CapabilityError: the model can't be read, decoded or differentiated.
            Cancelled: between two traces.
        """
        check_needs(self, model)
        given = tuple(traces_of(traces, "Fidelity"))
        if not given:
            raise InputError("There is no trace to measure lenses on; give one or more.")
        check_one_model(given)
        for lens in self.lenses:
            if isinstance(lens, AffineLens):
                lens.check(model)
        record = RunRecord(self, _Traces(given), model, seed)
        found, problems = self._apart(given, model, check.seed(seed))
        rows = []
        for (number, layer), (own, moved, same) in found.items():
            low, high = over_problems(own, problems, seed)
            floor = float(moved.mean())
            rows.append({
                "start": layer, "end": layer + 1, "text": f"{self._name(number)}, place {layer}",
                "estimate": float(own.mean()), "low": low, "high": high, "n": len(own),
                "status": _fitted_on(self.lenses[number], given), "layer": layer, "lens": self._name(number),
                "agreement": float(same.mean()), "control": floor, "floor": floor,
            })  # fmt: skip
        columns: dict[str, Any] = {name: [row[name] for row in rows] for name in rows[0]}
        return Result(
            "fidelity", "Fidelity", "KL(model || lens) per token", "layer", columns,
            "the nearer to 0, the more of what the model says is read there", "as the model itself", "nats",
            record.provenance(), {"traces": len(given), "prompts": int(problems.max()) + 1},
        )  # fmt: skip

    def _apart(self, given: Sequence[Trace], model: Model, seed: int) -> tuple[dict[Any, Any], Any]:
        """(lens, layer) -> KL, KL at other places, and agreement, [tokens]; and the problem of each token."""
        parts: dict[tuple[int, int], list[Any]] = {}
        names = {prompt: i for i, prompt in enumerate(dict.fromkeys(one.prompt for one in given))}
        problems, current = [], control.current()
        for done, trace in enumerate(given):
            current.check()
            current.report(done, len(given), "reading")
            start, end = reading.extent(trace, None)
            at = list(range(start - 1, end - 1))
            streams = dict(reading.residuals(model, trace, at))
            last = streams[model.n_layers]
            best = model.decode(last, k=1).top_ids[:, 0]
            moved = int(np.random.default_rng(seed).integers(1, len(at)))
            problems += [names[trace.prompt]] * len(at)
            for number, lens in enumerate(self.lenses):
                for layer in lens.read_layers(model) if isinstance(lens, AffineLens) else range(model.n_layers + 1):
                    said = lens.through(layer, streams[layer]) if isinstance(lens, AffineLens) else streams[layer]
                    same = model.decode(said, k=1).top_ids[:, 0] == best
                    two = [model.decode_kl(one, last)[0] for one in (said, np.roll(said, moved, 0))]
                    parts.setdefault((number, layer), []).append((*two, same))
        current.report(len(given), len(given), "reading")
        joined = {
            key: tuple(np.concatenate(one).astype(np.float64) for one in zip(*each, strict=True))
            for key, each in parts.items()
        }
        return joined, np.array(problems, np.int64)

    def _name(self, number: int) -> str:
        """What a lens is called: its kind, numbered where there are several of it."""
        kinds = [type(one).__name__ for one in self.lenses]
        before = kinds[:number].count(kinds[number])
        return kinds[number] + (f" {before + 1}" if kinds.count(kinds[number]) > 1 else "")


def _fitted_on(lens: Any, given: Sequence[Trace]) -> str:
    seen = {fingerprint(one.prompt) for one in given} & set(getattr(lens, "prompts", ()))
    return f"fitted on {len(seen)} of these prompts" if seen else "ok"
