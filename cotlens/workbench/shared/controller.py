"""What the controllers of all widgets do alike.

A controller listens to its view, validates what it asks for, answers at once, and hands all computing to the model's
thread. A request that fails says why in the view and changes nothing. Messages may arrive on any thread, also while a
cell runs: one lock guards what is shown and every write to the view.
"""

from __future__ import annotations

import dataclasses
import threading
import traceback
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

from cotlens._core.errors import CotLensError, InputError
from cotlens.models.contract import Capability, Model
from cotlens.trace import Trace
from cotlens.trace.editing import reads
from cotlens.trace.parts.carrying import check_verbatim
from cotlens.workbench.shared.interrupts import follow
from cotlens.workbench.shared.jobs import Jobs, JobState

LONGEST = 600  # characters of an error in a view
LOCK = threading.RLock()
"""One for all widgets: what is picked in one is told to others, and two locks could wait for each other. Nothing that
takes long is done while it is held."""


class Controller(ABC):
    """The Python side of one widget.

    A message of kind "x" becomes a request by `_request` and is done by `_do_x`, which may return parts of the reply.
    It stands wherever its widget may: it is drawn, laid out, linked and observed like any, and `close` takes it away.

    Attributes:
        word: what the widget is called in a sentence, and a variable that holds it in code.
    """

    word: ClassVar[str]

    def __init__(self, model: Model, view: Any) -> None:
        self.model, self.view = model, view
        self._lock = LOCK
        self._jobs = Jobs(model.owner, self._show_job, self._lock, remedy=self._remedy, before=self._look)
        self._state: str | None = None
        self._fault = ""
        follow(self.cancel)
        view.observe(self._closed, "comm")
        if getattr(view, "comm", None) is not None:
            view.comm.on_close(self._closed)

    @property
    def error(self) -> str:
        """The traceback of the last failure, "" if there was none."""
        return self._jobs.last_error.traceback if self._jobs.last_error else self._fault

    def wait(self, timeout: float | None = None) -> bool:
        """Block until all work that was started has ended; False where `timeout` seconds were not enough."""
        return self._jobs.wait(timeout)

    def cancel(self) -> None:
        """Stop all work; what was finished is kept."""
        self._jobs.cancel()

    def _closed(self, _: Any = None) -> None:
        """The widget is gone, and with it whoever waits for its work."""
        self.cancel()

    # A controller stands wherever its widget may: in a cell's last line, and among the children of ipywidgets' boxes,
    # which ask for an instance of Widget, its model_id and sometimes its layout.

    def _repr_mimebundle_(self, **options: Any) -> Any:
        bundle = self.view._repr_mimebundle_(**options)
        if bundle is not None:
            bundle[0].update({"text/plain": self.summary(), "text/markdown": self.summary(markdown=True)})
        return bundle

    def summary(self, *, markdown: bool = False) -> str:
        """What a person would see, in words: at most 2,000 characters, and how to get the rest.

        Args:
            markdown: whether signs of Markdown and HTML in texts are made harmless.
        """
        return str(self.view.summary(markdown=markdown))

    def _display_(self) -> Any:
        return self.view

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        """The class of the view, for `isinstance`; `type(controller)` is the controller's own."""
        return type(self.__dict__.get("view", self))

    @property
    def model_id(self) -> str:
        """The id of the view's model."""
        return self.view.model_id

    @property
    def layout(self) -> Any:
        """The view's place among others: ipywidgets' Layout, to be read and set."""
        return self.view.layout

    @layout.setter
    def layout(self, layout: Any) -> None:
        self.view.layout = layout

    # What a notebook does with any widget is done to the view: a controller has the view's methods and traits, too.

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """What a controller lacks, its view may have: observe, add_class, traits (so that ipywidgets links it)."""
            if name.startswith("_") or "view" not in self.__dict__:
                raise AttributeError(f"{type(self).__name__} has no attribute {name!r}.")
            return getattr(self.view, name)

        def __setattr__(self, name: str, value: Any) -> None:
            view = self.__dict__.get("view")
            forwarded = view is not None and not hasattr(type(self), name) and name not in self.__dict__
            object.__setattr__(view if forwarded and view.has_trait(name) else self, name, value)

    def close(self) -> None:
        """Stop all work and remove the widget from every cell it is shown in."""
        self.cancel()
        self.view.close()

    @property
    def _remedy(self) -> str:
        return f"This is a fault in CoTLens; {self.word}.error has the details."

    def _open(self, **traits: Any) -> None:
        """Begin to show and to listen."""
        self._set(**traits)
        self.view.on_msg(self._on_message)
        self._publish()

    def _on_message(self, _: Any, content: Any, __: Any = None) -> None:
        number = content.get("request_id") if isinstance(content, dict) else None
        status, parts = "error", dict[str, Any]()
        try:
            with self._lock:
                request = self._request(content)
                status, parts = "ok", getattr(self, f"_do_{request.kind}")(request) or {}
        except CotLensError as error:
            parts = {"error": {"message": brief(str(error)), "remedy": None}}
        except Exception as error:
            self._fault = traceback.format_exc()
            parts = {"error": {"message": brief(f"{type(error).__name__}: {error}"), "remedy": self._remedy}}
        if isinstance(number, int):
            self.view.reply(number, status, **parts)

    @abstractmethod
    def _request(self, content: Any) -> Any:
        """A message of the view, validated, with its `kind`. Raises InputError."""

    @abstractmethod
    def _publish(self) -> None:
        """Show everything about what is chosen now."""

    def _look(self) -> None:
        """Before a job: see whether the model's weights were changed since the last one, whoever did it."""
        before, self._state = self._state, getattr(self.model, "state", "")
        if before not in (None, self._state):
            with self._lock:
                self._forget()

    @abstractmethod
    def _forget(self) -> None:
        """Drop what was measured of a model that is another one now; what was written stays."""

    def _do_cancel(self, request: Any) -> None:
        self._jobs.cancel(upto=request.job)

    def _set(self, **traits: Any) -> None:
        """Write traits as one batch: ipywidgets' own batches are not safe from several threads."""
        with self._lock, self.view.hold_sync():
            for name, value in traits.items():
                setattr(self.view, name, value)

    def _show_job(self, state: JobState) -> None:
        self._set(job=state.payload())


def brief(message: str) -> str:
    """A message for the view: one that quotes a whole text keeps its beginning and its end, where the remedy is."""
    return message if len(message) <= LONGEST else f"{message[: LONGEST // 2]} ... {message[-LONGEST // 2 :]}"


def with_codec(model: Model, trace: Trace) -> Trace:
    """The trace with a codec, the model's where it has none."""
    return trace if trace.codec is not None else dataclasses.replace(trace, codec=model.codec)


def check_trace(model: Model | None, trace: Any, does: str, *, without_model: bool = False) -> None:
    """Raise InputError unless `trace` is a trace of this model; `does` says what it is for ("CoTEditor shows")."""
    looked_at = without_model and model is None
    if not looked_at and not isinstance(getattr(model, "capabilities", None), Capability):
        given = "a trace" if isinstance(model, Trace) else repr(model)[:40]
        raise InputError(
            f"{does} a Trace with its model, the model first; {given} was given as the model: load one with cl.load, "
            "or look at a trace without any by cl.show(trace)."
        )
    if not isinstance(trace, Trace):
        raise InputError(f"{does} a Trace; {type(trace).__name__} was given: make one with model.reason(prompt).")
    known = getattr(model, "trusted", ())  # of a session: its tokens were seen to be the model's when it was kept
    if model is not None and trace.id not in known and not reads(model.codec, trace):
        check_verbatim(trace)
        raise InputError(f"The tokens of this trace are not those of {model.name!r}: make the trace with this model.")
