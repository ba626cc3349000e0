"""The model of a session that was opened again: what is known of it is said at once, and it is loaded when asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any, TypeVar

from cotlens._core import control
from cotlens._core.control import Control
from cotlens._core.errors import CotLensError, InputError
from cotlens.models.contract import Capability, Model
from cotlens.models.load import DECIDING, load
from cotlens.models.model_config import Defaults
from cotlens.models.owner import OwnerThread
from cotlens.results import Result
from cotlens.results.code import BY_OPTION, same_model, tokens_of
from cotlens.trace import Trace
from cotlens.trace.answers import reader_from_data, reader_to_data

T = TypeVar("T")
_PLAIN = (
    "name", "where", "backend", "revision", "commit", "state", "dtype", "context_length", "n_layers",
    "attention_layers", "hides_whole", "score_path", "slow",
)  # fmt: skip


def facts(model: Model) -> dict[str, Any]:
    """What a session keeps of a model, as JSON data: how to load it, and what its widgets show without it. No key."""
    said = {name: getattr(model, name) for name in _PLAIN if getattr(model, name, None) is not None}
    defaults = getattr(model, "defaults", None)
    form = getattr(model, "latent_format", None)
    if form is not None and form.name in BY_OPTION:
        said["latent"] = form.name
    asked = _sayable(getattr(model, "asked", {}))
    return {
        **said,
        **({"asked": asked} if asked else {}),
        "capabilities": model.capabilities.value,
        "defaults": None if defaults is None else defaults.data(),
        "reader": None if model.reader is None else reader_to_data(model.reader),
    }


def _sayable(asked: Mapping[str, Any]) -> dict[str, Any]:
    """The options of `cl.load` that JSON holds as they are; a format that is an object can only be given again."""
    return {name: value for name, value in asked.items() if not _is_object(value)}


def _is_object(value: Any) -> bool:
    try:
        json.dumps(value)
    except (TypeError, ValueError):
        return True
    return False


def options(known: Mapping[str, Any]) -> dict[str, Any]:
    """What `cl.load` has to be given beside the name of a model to load it as it was."""
    latent = {"latent": known["latent"]} if known.get("latent") in BY_OPTION else {}
    asked = {name: value for name, value in dict(known.get("asked") or {}).items() if name in DECIDING}
    if isinstance(asked.get("format"), list):  # two markers, of which JSON makes a list
        asked["format"] = tuple(asked["format"])
    return {**latent, **asked}


def check_model(model: Any) -> None:
    """Raise InputError unless it is a model."""
    if not isinstance(getattr(model, "capabilities", None), Capability):
        raise InputError(f"A session is of a model, as cl.load(name) gives one; a {type(model).__name__} was given.")


def check_same(known: Mapping[str, Any], model: Model) -> None:
    """Raise InputError unless a model is the one that these facts are of."""
    check_model(model)
    if known.get("state", "") != getattr(model, "state", "") or known["backend"] != model.backend:
        same = "another one of that name" if known["name"] == model.name else repr(model.name)
        raise InputError(
            f"This session was made with {known['name']!r} ({known['backend']}), and {same} was given: their numbers "
            "would be mixed; nothing in the session was changed."
        )


def check_made_with(known: Mapping[str, Any], thing: Trace | Result) -> None:
    """Raise InputError where a trace or a result is of another model than the one that these facts are of."""
    told = thing.meta if isinstance(thing, Trace) else vars(thing.provenance)
    name = tokens_of(thing) if isinstance(thing, Trace) else told["model"]
    if name and not same_model(told, known["name"], known.get("revision", "")):
        other = "another one of that name" if name == known["name"] else repr(name)
        raise InputError(
            f"This session is of {known['name']!r}, and this {'trace' if isinstance(thing, Trace) else 'result'} of "
            f"{other}: keep it in a session of its own; its text alone can be kept here in CoTEditor(None, trace)."
        )


def read_facts(known: Any, problems: list[str]) -> dict[str, Any] | None:
    """Facts that a file has; None where it has none, or damaged ones, which is then a problem."""
    if known is None:
        return None
    try:
        revived, _ = _revived(known), options(known)
        if isinstance(revived["name"], str) and isinstance(revived["backend"], str):
            return dict(known)
    except (AttributeError, InputError, KeyError, TypeError, ValueError):
        pass
    problems.append("What the file says of its model is damaged: give it to cl.Session.load, model=model.")
    return None


class LazyModel:
    """Stands in for a model until something is asked of it.

    Args:
        known: what `facts` said.
        trusted: ids of traces that are known to be of its tokens.

    Attributes:
        asleep: whether it isn't loaded yet.
    """

    def __init__(self, known: Mapping[str, Any], trusted: frozenset[str]) -> None:
        self._known = _revived(known)
        self._identity, self.trusted = dict(known), trusted
        self._model: Model | None = None
        self._loading = threading.RLock()
        self.owner, self.codec = _LazyOwner(self), _LazyCodec(self)

    @property
    def asked(self) -> Mapping[str, Any]:
        """The options by which it was loaded that decide its texts."""
        return options(self._identity)

    @property
    def asleep(self) -> bool:
        """Whether it isn't loaded yet."""
        return self._model is None

    def awake(self) -> Model:
        """The model itself, loaded where it isn't yet.

        Raises:
            InputError: it can't be loaded here, or is another one than the session was made with.
        """
        with self._loading:
            if self._model is None:
                # No progress is told meanwhile: who asked may hold the lock that telling needs.
                with control.using(Control()):
                    self._model = self._opened()
            return self._model

    def _opened(self) -> Model:
        name, backend = self._identity["name"], self._identity["backend"]
        try:
            revision, reader = self._identity.get("revision") or None, self._known["reader"]
            model = load(name, backend=backend, reader=reader, revision=revision, **options(self._identity))
        except CotLensError as error:
            raise InputError(
                f"The session's model {name!r} can't be loaded here ({error}): give it, "
                "cl.Session.load(path, model=model)."
            ) from error
        check_same(self._identity, model)
        return model

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or "_known" not in self.__dict__:
            raise AttributeError(name)
        if self._model is None and name in self._known:
            return self._known[name]
        if self._model is None and name == "slow":
            return ""
        return getattr(self.awake(), name)

    def __repr__(self) -> str:
        return f"<{self._known['name']}, {'not loaded yet' if self.asleep else 'loaded'}>"


class _LazyOwner:
    """The thread of a model that is loaded with the first job, on a thread of its own."""

    def __init__(self, model: LazyModel) -> None:
        self._model, self._loader = model, OwnerThread("cotlens-loading")

    def submit(self, fn: Callable[[], T], control: Control | None = None, priority: int = 0) -> Future[T]:
        """As the model's own owner."""
        if not self._model.asleep:
            return self._model.awake().owner.submit(fn, control, priority)
        return self._loader.submit(lambda: self._model.awake().owner.run(fn), control, priority)

    def run(self, fn: Callable[[], T], control: Control | None = None, priority: int = 0) -> T:
        """As the model's own owner."""
        return self._model.awake().owner.run(fn, control, priority)


class _LazyCodec:
    """The tokenizer of a model that is loaded with the first text."""

    def __init__(self, model: LazyModel) -> None:
        self._model = model

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._model.awake().codec, name)


def _revived(known: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **known,
        "capabilities": Capability(known["capabilities"]),
        "defaults": None if known["defaults"] is None else Defaults(**known["defaults"]),
        "reader": None if known["reader"] is None else reader_from_data(dict(known["reader"])),
    }
