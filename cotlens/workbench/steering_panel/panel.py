"""SteeringPanel: turn a steering vector up, and see at once what the model writes instead.

Moving a slider cancels what it made obsolete; what came to its end is a try to go back to.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from cotlens._core.errors import InputError
from cotlens.measure.steering.judging import SteeredRun
from cotlens.measure.steering.sweeping import Sweep
from cotlens.measure.steering.vector import Vector
from cotlens.measure.steering.where import Ends, interventions
from cotlens.models.contract import Model
from cotlens.results import Result
from cotlens.trace import Trace
from cotlens.widgets.protocol.shared import Empty
from cotlens.widgets.protocol.steering_panel import Findings
from cotlens.widgets.shared.names import shown_name
from cotlens.widgets.steering_panel import SteeringView
from cotlens.workbench.shared.controller import Controller, check_trace, with_codec
from cotlens.workbench.shared.jobs import JobState
from cotlens.workbench.shared.tree_controller import TreeController, is_tree, shown
from cotlens.workbench.steering_panel import history, sweeps
from cotlens.workbench.steering_panel.history import History, HistoryEntry
from cotlens.workbench.steering_panel.requests import SteeringRequest, parse
from cotlens.workbench.steering_panel.runs import Rerun, RerunStart, RerunWriter
from cotlens.workbench.steering_panel.sources import of_latent, of_stretch, of_token
from cotlens.workbench.steering_panel.summary import tell
from cotlens.workbench.steering_panel.sweeps import Sweeps
from cotlens.workbench.steering_panel.vector_settings import VectorSetting, VectorSettings
from cotlens.workbench.steering_panel.words import findings, unwritten
from cotlens.workbench.steering_panel.work import SteeringWork

if TYPE_CHECKING:
    from cotlens.measure.features.autoencoder.sae import SAE


class SteeringPanel(Controller):
    """Sliders for steering vectors, with the baseline and the steered trace side by side.

        panel = cl.SteeringPanel(model, trace, [vector])

    A text is rewritten from the first token that the vectors change, greedily, and read against what the model writes
    from that token without vectors, so that a difference is their doing.

    Args:
        model: what wrote the trace.
        trace: the baseline; or an editor: the branch that it shows is the baseline, and every run is a branch of it.
        vectors: one `cl.steering.Vector` or several.
        control: seed of the random vectors that stand beside as a control.
        max_new_tokens: of a rerun; by default about twice what it replaces. The head shows and changes it.
        sae: an autoencoder, to add its latents as vectors.
        norms: mean norm of the residual stream after each layer along the baseline, where it was measured before.

    Attributes:
        trace: the baseline.
        source: the editor that has every run as a branch, None where a trace was given.
        steered: the steered trace that is shown; None at the baseline.
        run: what was measured of it (`SteeredRun`), the unsteered rewrite beside it; None while there is nothing.
        vectors: those of the sliders, also those that were added in the panel.
        swept, sweep: the last sweep (`Result`), and what was asked for (`Sweep`); None while there is none.
        code: Python that makes it again.
        view: the widget itself.

    Raises:
        InputError: `trace` is no trace of this model, or a vector doesn't fit it.
    """

    word = "panel"

    def __init__(
        self,
        model: Model,
        trace: Trace | TreeController,
        vectors: Any,
        *,
        control: int = 0,
        max_new_tokens: int | None = None,
        sae: SAE | None = None,
        norms: Sequence[float] | None = None,
    ) -> None:
        baseline = shown(model, trace, "SteeringPanel steers")
        check_trace(model, baseline, "SteeringPanel steers")
        super().__init__(model, SteeringView())
        self.source = trace if is_tree(trace) else None
        self.trace = with_codec(model, baseline)
        self._settings = VectorSettings(model, self.trace, vectors, norms)
        self._writer = RerunWriter(model, self._settings, self.trace)
        self._tries = History(model, self._settings, self.trace)
        self._beside, self._seed, self._most = False, control, max_new_tokens
        self._work = SteeringWork(self._writer, self._tries, self._lock, self._publish, self._set, self._record)
        self._sweeps = Sweeps(model, self.trace, self._publish)
        self._sae = sae
        latents = 0 if sae is None else sae.config.d_sae
        self._open(
            head={
                "model": shown_name(model.name),
                "where": model.where,
                "note": model.score_path,
                "latents": latents,
                **self._limits(),
            },
            vectors=self._settings.payload(),
            **history.document("baseline", self.trace),
        )
        if norms is None:
            self._jobs.start("reading the baseline", self._work.measure_plain, slot="plain")

    @property
    def steered(self) -> Trace | None:
        """The steered trace that is shown; None at the baseline."""
        made = self._tries.current.steered
        return None if made is None else made.trace

    @property
    def run(self) -> SteeredRun | None:
        """What was measured of the steered trace, its control included; None while there is nothing."""
        shown = self._tries.current
        if shown.steered is None or shown.steered.run is None:
            return None
        beside = shown.control.run if shown.control is not None else None
        return dataclasses.replace(shown.steered.run, control=beside)

    @property
    def vectors(self) -> list[Vector]:
        """The vectors of the sliders."""
        return list(self._settings.vectors)

    @property
    def swept(self) -> Result | None:
        """The last sweep; None while there is none."""
        return self._sweeps.result

    @property
    def sweep(self) -> Sweep | None:
        """What the last sweep was asked to measure; None while there is none."""
        return self._sweeps.planned

    @property
    def code(self) -> str:
        """Python that makes the shown trace again."""
        with self._lock:
            return self._tries.code(self._seed if self._beside else None)

    @property
    def lock(self) -> Any:
        """Guards all that is shown."""
        return self._lock

    def steer(self, *coefficients: float) -> None:
        """Turn the vectors, as the sliders do; `wait` for what follows.

        Raises:
            InputError: there isn't one finite coefficient per vector.
        """
        dials = [dial.payload() for dial in self._tries.current.dials]
        if len(coefficients) != len(dials):
            raise InputError(f"{len(dials)} coefficients are needed, one per vector; {len(coefficients)} were given.")
        given = [{**dial, "coefficient": one} for dial, one in zip(dials, coefficients, strict=True)]
        self._begin(self._tries.current.start, self._settings.parse(given))

    def add(self, vector: Vector) -> None:
        """One more slider, at 0.

        Raises:
            InputError: the vector doesn't fit the model.
        """
        fitting = self._settings.fitting(vector)  # not with the lock held, which work on the model's thread may want
        with self._lock:
            self._settings.add(fitting)
            self._tries.widen()
            self._publish(vectors=self._settings.payload())

    def summary(self, *, markdown: bool = False) -> str:
        """The dials, the texts and what came of them, in words."""
        with self._lock:
            return tell(self.view, markdown)

    def __repr__(self) -> str:
        names = ", ".join(repr(vector.name) for vector in self._settings.vectors)
        return f"SteeringPanel({self.model!r}, {self.trace!r}, [{names}])"

    # requests: validated here, answered at once

    def _request(self, content: Any) -> SteeringRequest:
        return parse(content)

    def _do_steer(self, request: SteeringRequest) -> None:
        self._begin(self._tries.current.start, self._settings.parse(request.dials))

    def _do_rerun(self, request: SteeringRequest) -> None:
        source = self._tries.holding(request.document)
        self._begin(RerunStart(source, _inside(source, request.token)), self._tries.current.dials)

    def _do_control(self, request: SteeringRequest) -> None:
        if request.seed != self._seed:
            self._tries.forget_controls()
        self._beside, self._seed = request.on, request.seed
        self._publish()
        self._ask_control()

    def _do_goto(self, request: SteeringRequest) -> None:
        self._work.newest = None
        self._tries.go(request.to)
        self._publish(stream={}, job=JobState().payload())
        self._jobs.cancel("write")
        self._ask_control()

    def _do_limits(self, request: SteeringRequest) -> None:
        """What is written from now on keeps to it; what was written stays."""
        self._most = min(request.max_new_tokens, self.model.context_length) or None
        self._set(head={**self.view.head, **self._limits()})

    def _limits(self) -> dict[str, Any]:
        """The limit of a rerun that was chosen, 0 for none, and what a rollout of a sweep has at most."""
        return {"limit": self._most or 0, "most": RerunStart(self.trace, most=self._most).limit(0)}

    def _do_stream(self, request: SteeringRequest) -> dict[str, Any]:
        stream = self._work.stream
        return {"stream": stream.whole() if stream is not None and stream.id == request.of else {}}

    def _do_token(self, request: SteeringRequest) -> None:
        source = self._tries.holding(request.document)
        token_id = source.token_ids[_inside(source, request.token)]
        self._add_soon(lambda: of_token(self.model, self.trace, token_id))

    def _do_stretch(self, request: SteeringRequest) -> None:
        source = self._tries.holding(request.document)
        self._add_soon(lambda: of_stretch(self.model, source, request.token, request.last))

    def _do_latent(self, request: SteeringRequest) -> None:
        self._add_soon(lambda: of_latent(self.model, self.trace, self._sae, request.latent))

    def _do_sweep(self, request: SteeringRequest) -> None:
        if not 0 <= request.vector < len(self._settings.vectors):
            raise InputError(f"There is no vector {request.vector}; this panel has {len(self._settings.vectors)}.")
        dial = self._tries.current.dials[request.vector]
        most = RerunStart(self.trace, most=self._most).limit(0)
        planned = sweeps.plan(
            self.trace, self._settings.at(request.vector, dial.layer), dial, request.strength, request.rollouts, most
        )
        self._jobs.start("sweeping", lambda: self._sweeps.run(planned), slot="sweep")

    # work, and what is shown

    def _forget(self) -> None:
        self._writer.forget()

    def _begin(self, start: RerunStart, dials: tuple[VectorSetting, ...]) -> None:
        """Show what these dials write; whatever was being written for others stops."""
        start = dataclasses.replace(start, most=self._most)
        idle = start.source is self.trace and not any(dial.coefficient for dial in dials)
        with self._lock:
            mine = self._work.newest = object()
            if idle:
                self._tries.home(dials)
                self._publish(stream={}, job=JobState().payload())
            else:
                asked = [dial.payload() for dial in dials]
                self._set(current={**self.view.current, "dials": asked}, findings=unwritten(self._work.plain))
        # What a sweep has written is kept in the model's store: asked for again, it goes on from there.
        self._jobs.cancel("sweep")
        self._jobs.cancel("control")
        if idle:
            self._jobs.cancel("write")
        else:
            self._jobs.start(
                "steering",
                lambda: self._work.write(mine, start, dials),
                slot="write",
                priority=1,
                then=self._ask_control,
            )

    def _record(self, made: HistoryEntry) -> None:
        """Let the editor have a run as a branch; where no token changed, there is no other text."""
        rerun = made.steered
        if self.source is None or rerun is None or rerun.same:
            return
        thought = rerun.trace.roles.get("thought")
        ends = None if thought is None else Ends(thought.end, thought.end)
        changes = interventions(rerun.steerings, rerun.trace, rerun.at, ends)
        source, label = made.start.source, self._tries.label(made)
        self.source.record(rerun.trace, source, label, self._tries.alone(made), "steer", changes)

    def _ask_control(self) -> None:
        """Let the random vectors write, where they are wanted and haven't yet."""
        with self._lock:
            shown, seed = self._tries.current, self._seed
            wanted = self._beside and shown.steered is not None and shown.control is None
        if wanted:
            self._jobs.start("random control", lambda: self._work.write_control(shown, seed), slot="control")

    def _add_soon(self, make: Callable[[], Vector]) -> None:
        self._jobs.start("making a vector", lambda: self.add(make()), slot="vector", priority=1)

    def _publish(self, **more: Any) -> None:
        """Show everything about the current try."""
        with self._lock:
            shown = self._tries.current
            control = shown.control if self._beside else None
            self._set(
                current={
                    "dials": [dial.payload() for dial in shown.dials],
                    "control": self._beside,
                    "seed": self._seed,
                    "places": self._settings.places,
                },
                **history.rewritten("steered", shown.steered),
                **history.rewritten("control", control),
                **history.unsteered(shown.steered),
                findings=self._findings(shown, control),
                tries=self._tries.payload(),
                code=self.code,
                **more,
            )

    def _findings(self, shown: HistoryEntry, control: Rerun | None) -> Findings | Empty:
        if shown.failed:
            return unwritten(self._work.plain)
        written = shown.steered
        swept = self._sweeps.at(written.steerings) if written is not None else ""
        return findings(self._work.plain, written, control, swept)


def _inside(source: Trace, token: int) -> int:
    if not 0 <= token < len(source.token_ids):
        raise InputError(f"Token {token} is not in this trace: it has the tokens 0 to {len(source.token_ids) - 1}.")
    return token
