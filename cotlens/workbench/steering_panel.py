"""SteeringPanel: turn a steering vector up, and see at once what the model writes instead.

The controller listens to the view, validates, and hands all computing to the model's thread. Moving a slider cancels
what it made obsolete; what came to its end is a try to go back to. Messages may arrive on any thread: one lock guards
what is shown and every write to the view.
"""

from __future__ import annotations

import dataclasses
import threading
import traceback
from collections.abc import Mapping
from typing import Any

from cotlens._core.errors import Cancelled, CotLensError, InputError
from cotlens.measure.steering.judging import SteeredRun
from cotlens.models.contract import Model
from cotlens.trace import Trace
from cotlens.trace.align import char_offsets
from cotlens.widgets.steering_panel import SteeringView
from cotlens.workbench import steering_tries as tries
from cotlens.workbench.jobs import Jobs, JobState
from cotlens.workbench.steering_dials import Dial, Rack
from cotlens.workbench.steering_runs import Rerun, Start, Stream, Writer
from cotlens.workbench.steering_tries import Tries, Try
from cotlens.workbench.steering_words import findings, unwritten


class SteeringPanel:
    """Sliders for steering vectors, with the baseline and the steered trace side by side.

        panel = cl.SteeringPanel(model, trace, [vector])

    A text is rewritten from the first token that the vectors change, greedily, so that a difference is their doing.

    Args:
        model: what wrote the trace.
        trace: the baseline.
        vectors: one `cl.steering.Vector` or several.
        control: seed of the random vectors that stand beside as a control.
        max_new_tokens: of a rerun; by default about twice what it replaces.

    Attributes:
        trace: the baseline.
        steered: the steered trace that is shown; None at the baseline.
        run: what was measured of it (`SteeredRun`); None while there is nothing.
        code: Python that makes it again.
        view: the widget itself.

    Raises:
        InputError: `trace` is no trace of this model, or a vector doesn't fit it.
    """

    def __init__(
        self, model: Model, trace: Trace, vectors: Any, *, control: int = 0, max_new_tokens: int | None = None
    ) -> None:
        _check(model, trace)
        able = trace if trace.codec is not None else dataclasses.replace(trace, codec=model.codec)
        self.model, self.trace = model, able
        self._rack = Rack(model, able, vectors)
        self._writer = Writer(model, self._rack, able, max_new_tokens)
        self._lock = threading.RLock()
        self._tries = Tries(model, self._rack, able, max_new_tokens)
        self._beside, self._seed = False, control
        self._newest: object = None
        self._plain: SteeredRun | None = None
        self._fault = ""
        self.view = SteeringView()
        self._jobs = Jobs(model.owner, self._show_job, self._lock)
        self._set(
            head={"model": model.name, "where": model.where, "note": model.score_path},
            vectors=self._rack.payload(),
            **tries.document("baseline", able),
        )
        self.view.on_msg(self._on_message)
        self._publish()
        self._jobs.start("reading the baseline", self._measure_plain, lane="plain")

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
    def code(self) -> str:
        """Python that makes the shown trace again."""
        with self._lock:
            return self._tries.code(self._seed if self._beside else None)

    @property
    def error(self) -> str:
        """The traceback of the last failure, "" if there was none."""
        return self._jobs.last_error.traceback if self._jobs.last_error else self._fault

    def steer(self, *coefficients: float) -> None:
        """Turn the vectors, as the sliders do; `wait` for what follows.

        Raises:
            InputError: there isn't one finite coefficient per vector.
        """
        dials = [dial.payload() for dial in self._tries.current.dials]
        if len(coefficients) != len(dials):
            raise InputError(f"{len(dials)} coefficients are needed, one per vector; {len(coefficients)} were given.")
        given = [{**dial, "coefficient": one} for dial, one in zip(dials, coefficients, strict=True)]
        self._begin(self._tries.current.start, self._rack.parse(given))

    def wait(self, timeout: float | None = None) -> bool:
        """Block until all work that was started has ended; False where `timeout` seconds were not enough."""
        return self._jobs.wait(timeout)

    def cancel(self) -> None:
        """Stop all work; what was written is kept."""
        self._jobs.cancel()

    def __repr__(self) -> str:
        names = ", ".join(repr(vector.name) for vector in self._rack.vectors)
        return f"SteeringPanel({self.model!r}, {self.trace!r}, [{names}])"

    def _repr_mimebundle_(self, **options: Any) -> Any:
        return self.view._repr_mimebundle_(**options)

    # requests: validated here, answered at once

    def _on_message(self, _: Any, content: Any, __: Any = None) -> None:
        message = content if isinstance(content, Mapping) else {}
        number, kind = message.get("request_id"), message.get("kind")
        acts = {
            "steer": self._do_steer, "rerun": self._do_rerun, "control": self._do_control, "goto": self._do_goto,
            "cancel": self._do_cancel,
        }  # fmt: skip
        status, error = "ok", dict[str, Any]()
        try:
            if kind not in acts:
                raise InputError(f"The panel got a message it doesn't know ({str(content)[:80]!r}): update cotlens.")
            acts[kind](message)
        except CotLensError as failed:
            status, error = "error", {"error": {"message": str(failed), "remedy": None}}
        except Exception as failed:
            self._fault = traceback.format_exc()
            remedy = "This is a fault in CoTLens; panel.error has the details."
            status, error = "error", {"error": {"message": f"{type(failed).__name__}: {failed}", "remedy": remedy}}
        if isinstance(number, int):
            self.view.reply(number, status, **error)

    def _do_steer(self, message: Mapping[str, Any]) -> None:
        self._begin(self._tries.current.start, self._rack.parse(message.get("dials")))

    def _do_rerun(self, message: Mapping[str, Any]) -> None:
        with self._lock:
            source = self._tries.holding(message.get("document"))
            token, n = message.get("token"), len(source.token_ids)
            if isinstance(token, bool) or not isinstance(token, int) or not 0 <= token < n:
                raise InputError(f"Token {token!r} is not in this trace: it has the tokens 0 to {n - 1}.")
            self._begin(Start(source, token), self._tries.current.dials)

    def _do_control(self, message: Mapping[str, Any]) -> None:
        on, seed = message.get("on"), message.get("seed")
        if not isinstance(on, bool) or isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
            raise InputError(f"A control needs on (true or false) and a seed from 0; {on!r} and {seed!r} were given.")
        with self._lock:
            if seed != self._seed:
                self._tries.forget_controls()
            self._beside, self._seed = on, seed
            self._publish()
        self._ask_control()

    def _do_goto(self, message: Mapping[str, Any]) -> None:
        with self._lock:
            self._newest = None
            self._tries.go(message.get("try"))
            self._publish(stream={}, job=JobState().payload())
        self._jobs.cancel("write")
        self._ask_control()

    def _do_cancel(self, message: Mapping[str, Any]) -> None:
        job = message.get("job")
        self._jobs.cancel(upto=job if isinstance(job, int) else None)

    # work, and what is shown

    def _begin(self, start: Start, dials: tuple[Dial, ...]) -> None:
        """Show what these dials write; whatever was being written for others stops."""
        idle = start.source is self.trace and not any(dial.coefficient for dial in dials)
        with self._lock:
            mine = self._newest = object()
            if idle:
                self._tries.home(dials)
                self._publish(stream={}, job=JobState().payload())
            else:
                asked = [dial.payload() for dial in dials]
                self._set(current={**self.view.current, "dials": asked}, findings=unwritten(self._plain))
        self._jobs.cancel("control")
        if idle:
            self._jobs.cancel("write")
        else:
            self._jobs.start(
                "steering",
                lambda: self._write(mine, start, dials),
                lane="write",
                priority=1,
                then=self._ask_control,
            )

    def _write(self, mine: object, start: Start, dials: tuple[Dial, ...]) -> None:
        """Write, show, measure, show again. What was stopped by hand is kept; what a newer wish replaced is not."""
        stream = Stream("steered", lambda now: self._show_if(mine, stream=now))
        entry = None
        try:
            made = self._writer.write(start, dials, None, stream)
            entry = self._keep(mine, Try(start, dials, made))
            measured = self._writer.measured(made)
        except CotLensError as error:
            partial = getattr(error, "partial", None)
            if entry is None:
                kept = partial if isinstance(error, Cancelled) and isinstance(partial, Rerun) else None
                self._keep(mine, Try(start, dials, kept, failed=not isinstance(error, Cancelled)))
            raise
        self._learn(entry, steered=measured)

    def _ask_control(self) -> None:
        """Let the random vectors write, where they are wanted and haven't yet."""
        with self._lock:
            shown, seed = self._tries.current, self._seed
            wanted = self._beside and shown.steered is not None and shown.control is None
        if wanted:
            self._jobs.start("random control", lambda: self._write_control(shown, seed), lane="control")

    def _write_control(self, shown: Try, seed: int) -> None:
        stream = Stream("control", lambda now: self._show_at(shown, stream=now))
        try:
            made = self._writer.write(shown.start, shown.dials, seed, stream)
            self._learn(shown, control=self._writer.measured(made))
        finally:
            self._show_at(shown, stream={})

    def _measure_plain(self) -> None:
        self._plain = self._writer.plain()
        self._publish()

    def _keep(self, mine: object, entry: Try) -> Try:
        """A try is shown if nothing newer was asked for; one that was replaced is forgotten."""
        with self._lock:
            if self._newest is mine:
                self._tries.add(entry)
                self._publish(stream={})
        return entry

    def _learn(self, entry: Try, **parts: Any) -> None:
        with self._lock:
            entry.learn(**parts)
            if self._tries.current is entry:
                self._publish()

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
                    "places": self._rack.places,
                },
                **tries.rewritten("steered", shown.steered),
                **tries.rewritten("control", control),
                findings=unwritten(self._plain) if shown.failed else findings(self._plain, shown.steered, control),
                tries=self._tries.payload(),
                code=self.code,
                **more,
            )

    def _show_if(self, mine: object, **traits: Any) -> None:
        with self._lock:
            if self._newest is mine:
                self._set(**traits)

    def _show_at(self, entry: Try, **traits: Any) -> None:
        with self._lock:
            if self._tries.current is entry:
                self._set(**traits)

    def _set(self, **traits: Any) -> None:
        """Write traits as one batch: ipywidgets' own batches are not safe from several threads."""
        with self._lock, self.view.hold_sync():
            for name, value in traits.items():
                setattr(self.view, name, value)

    def _show_job(self, state: JobState) -> None:
        self._set(job=state.payload())


def _check(model: Model, trace: Trace) -> None:
    if not isinstance(trace, Trace):
        raise InputError(f"SteeringPanel steers a Trace; {type(trace).__name__} was given: use model.reason(prompt).")
    text, _ = char_offsets(model.codec.pieces(trace.token_ids))
    if text != trace.text:
        raise InputError(f"The tokens of this trace are not those of {model.name!r}: make the trace with this model.")
