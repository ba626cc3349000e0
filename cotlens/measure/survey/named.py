"""Methods and models as data: what a plan's file holds and what travels to a worker."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from cotlens._core import check
from cotlens._core.errors import InputError, OutOfMemory, did_you_mean
from cotlens._core.registry import resolve
from cotlens.measure.importance import METHODS
from cotlens.measure.method import Method
from cotlens.models.contract import Model

# Named, not imported: measures know models by their contract alone, and a survey is given names of them.
LOAD = "cotlens.models.load:load"


def method_data(method: Method) -> dict[str, Any]:
    """A method as its name and those settings that aren't the defaults.

    Raises:
        InputError: it is none of `cl.importance`, or a setting is something that a file can't hold.
    """
    name = type(method).__name__
    if name not in METHODS or not isinstance(method, METHODS.get(name)):
        raise InputError(f"A survey runs the methods of cl.importance; {type(method).__name__} is none of them.")
    data: dict[str, Any] = {"method": name}
    for field in dataclasses.fields(method):
        value, default = getattr(method, field.name), field.default
        if type(value) is type(default) and value == default:
            continue
        data[field.name] = _plain(value, f"{name}({field.name}=...)")
    return data


def method_of(data: Mapping[str, Any]) -> Method:
    """The method that `method_data` told.

    Raises:
        InputError: there is no such method or setting.
    """
    settings = dict(data)
    kind = METHODS.get(str(settings.pop("method", "")))
    known = [field.name for field in dataclasses.fields(kind)]
    for name in settings:
        if name not in known:
            raise InputError(f"{kind.__name__} has no setting {name!r}. {did_you_mean(name, known)}")
    made: Method = kind(**{name: _frozen(value) for name, value in settings.items()})
    return made


def model_data(given: Any) -> dict[str, Any]:
    """A model as its name and the options of `cl.load`.

    Args:
        given: a name, or the arguments of `cl.load` as a dict with a "name".

    Raises:
        InputError: it is neither.
    """
    if isinstance(given, str):
        return {"name": check.text("models", given, of="survey")}
    if not isinstance(given, Mapping) or not isinstance(given.get("name"), str):
        raise InputError(
            "A survey's models are names or dicts of cl.load's arguments, such as {'name': 'abacus'}; "
            f"a {type(given).__name__} was given: each worker loads its own."
        )
    return {str(name): _plain(value, f"models: {name}") for name, value in given.items()}


def loaded(data: Mapping[str, Any], store: Any) -> Model:
    """The model that `model_data` told, with its rollouts in `store`.

    Raises:
        OutOfMemory: it doesn't fit, which is known before its weights are read.
        CotLensError: as `cl.load`.
    """
    options = dict(data)
    name, load = options.pop("name"), resolve(LOAD)
    if options.get("backend", "local") == "local":
        _check_memory(load(name, **options, dry_run=True))
    model: Model = load(name, **{"store": store, **options})
    return model


def _check_memory(plan: Any) -> None:
    if plan.fits is False:
        memory = ", ".join(
            f"{device}: {room / 2**30:.1f} GiB" for device, room in plan.free.items() if room is not None
        )
        raise OutOfMemory(
            f"{plan.name!r} needs {plan.weights / 2**30:.1f} GiB and this worker has less free ({memory}); give it a "
            "larger machine, fewer workers, or quantization='4bit'."
        )


def _plain(value: Any, where: str) -> Any:
    """A setting as a file can hold it: text, numbers, truth values, and lists and tables of them."""
    if isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | tuple):
        return [_plain(one, where) for one in value]
    if isinstance(value, Mapping):
        return {str(name): _plain(one, where) for name, one in value.items()}
    raise InputError(f"{where} holds a {type(value).__name__}, which a survey's plan can't keep; give text or numbers.")


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list) else value
