"""Whether what Python really sends has the shapes that `cotlens.widgets.protocol` declares."""

from types import NoneType, UnionType
from typing import Literal, NotRequired, Union, get_args, get_origin, get_type_hints, is_typeddict

JSON = {"Unicode": str, "Bool": bool, "Bytes": bytes}


def check_view(view):
    """Fail where a synced trait of a view has another shape than its own."""
    found = []
    for name, trait in type(view).class_own_traits(sync=True).items():
        value, kind = getattr(view, name), type(trait).__name__
        shape = trait.metadata.get("shape")
        if kind == "Dict" and (value is None if trait.allow_none else value == {}):
            continue
        found += wrong(value, list[shape] if kind == "List" else JSON.get(kind, shape), name)
    assert not found, "\n".join(found)


def wrong(value, shape, at="it"):
    """Where a value isn't of a shape, in sentences."""
    origin, inside = get_origin(shape), get_args(shape)
    if is_typeddict(shape):
        return _wrong_record(value, shape, at)
    if origin in (Union, UnionType):
        return [] if any(not wrong(value, each) for each in inside) else [f"{at} is {value!r:.80}, none of {shape}"]
    if origin is Literal:
        return [] if value in inside else [f"{at} is {value!r:.80}, none of {inside}"]
    if origin is list and isinstance(value, list | tuple):
        return [line for i, each in enumerate(value) for line in wrong(each, inside[0], f"{at}[{i}]")]
    if origin is tuple and isinstance(value, list | tuple) and len(value) == len(inside):
        return [line for each, part in zip(value, inside, strict=True) for line in wrong(each, part, at)]
    if origin is dict and isinstance(value, dict):
        return [line for key, each in value.items() for line in wrong(each, inside[1], f"{at}[{key!r}]")]
    fits = {float: (int, float), NoneType: NoneType, None: NoneType}.get(shape, origin or shape)
    flag = isinstance(value, bool) and shape is not bool
    return [] if isinstance(value, fits) and not flag else [f"{at} is {value!r:.80}, no {shape}"]


def _wrong_record(value, shape, at):
    if not isinstance(value, dict):
        return [f"{at} is {value!r:.80}, no {shape.__name__}"]
    hints = get_type_hints(shape, include_extras=True)
    needed = {name for name, wanted in hints.items() if get_origin(wanted) is not NotRequired}
    lines = [f"{at} lacks {name!r} of {shape.__name__}" for name in sorted(needed - set(value))]
    lines += [f"{at} has {name!r}, which {shape.__name__} has not" for name in sorted(set(value) - set(hints))]
    plain = get_type_hints(shape)
    return [
        *lines,
        *(line for name in plain if name in value for line in wrong(value[name], plain[name], f"{at}.{name}")),
    ]
