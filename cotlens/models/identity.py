"""Which model this is: a fingerprint of all weights, and of whatever else in the modules decides what they compute.

Nothing is sampled, and nothing is remembered that could have changed: every byte of every parameter and buffer is read
each time, because torch counts no version of a tensor that is written through `.data` or through NumPy. It costs about
what a model does for every single token: to read its weights once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import is_
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import xxhash
from torch import nn

from cotlens.models.local.placement import present

if TYPE_CHECKING:
    from torch import Tensor

PREFIX = "weights:"
HOME = "cpu"  # where bytes are at hand
_WEIGHTS = (".safetensors", ".bin", ".gguf", ".pt", ".pth")
_LIBRARIES = {"accelerate", "bitsandbytes", "cotlens", "nnsight", "peft", "torch", "transformers"}
_ASIDE = {  # attributes that say where a model comes from, or how it would be spread, not what it computes
    "_commit_hash", "_ep_plan", "_fsdp_plan", "_is_hf_initialized", "_name_or_path",
    "_output_capturing_hooks_installed", "_pp_plan", "_tp_plan",
    "all_tied_weights_keys", "architectures", "dtype", "generation_config", "model_type", "name_or_path",
    "torch_dtype", "transformers_version", "warnings_issued",
}  # fmt: skip
_OWN = set(vars(nn.Module())) - {"training"}  # what torch keeps in a module: its tensors and hooks are looked at apart
_ELSEWHERE = _OWN | _ASIDE
_NOTHING = "\0"
_ROW = 4096  # words of eight bytes that a checksum adds up
_BLOCK = 2**23  # words at a time
# A state is asked for before every pass, so that each of a model's modules is looked at within microseconds: types are
# compared with tuples (a union is made anew each time), and attributes are looked up where they are kept.
_WORDS = (bool, int, float, str)

Modules = Sequence[tuple[str, nn.Module]]


class Identity:
    """What a loaded module computes, in two short texts that change whenever it does.

    Args:
        hf: the module, wherever accelerate keeps its weights.
    """

    def __init__(self, hf: Any) -> None:
        self._hf = hf
        self._elsewhere: dict[str, tuple[bytes, bytes]] = {}  # tensor on a device -> (checksum, hash of its bytes)
        self._library: list[Any] = []  # what torch.nn.functional held when all of it was the library's own

    def weights(self) -> str:
        """A fingerprint of names, types, shapes and bytes of all parameters and buffers: "weights:" and 32 hex digits.

        The same in every process, on every device, and for tied weights that are stored once or twice.
        """
        return self._weights(self._modules())

    def computation(self) -> str | None:
        """A fingerprint of what is done with the weights, or None where that can't be known.

        It covers the classes of all modules, their plain attributes (scales, dropout, the adapters that are switched
        on), the config, the attention implementation, and the version of transformers. Not known is what a hook, a
        replaced `forward` or a replaced function of `torch.nn.functional` does that none of the libraries below a
        model has put there. Other library code that was exchanged while Python runs isn't seen: `torch.matmul`, or a
        helper in a module of transformers.
        """
        return self._computation(self._modules())

    def state(self) -> str:
        """Both in one text, "" where what is computed can't be known."""
        modules = self._modules()
        computation = self._computation(modules)
        return "" if computation is None else f"{self._weights(modules)} {computation}"

    def _modules(self) -> Modules:
        return list(self._hf.named_modules())

    def _weights(self, modules: Modules) -> str:
        tied = getattr(self._hf, "all_tied_weights_keys", None) or {}
        whole, known = xxhash.xxh3_128(), dict[str, tuple[tuple[Any, ...], bytes]]()
        for name, tensor in _tensors(modules):
            place = (tensor.data_ptr(), tensor.dtype, tuple(tensor.shape), tensor.stride())
            first = known.get(tied.get(name, ""))
            digest = first[1] if first and first[0] == place else self._digest(name, tensor.detach())
            known[name] = place, digest
            if first is None or first[1] != digest:  # else it is one weight, whether it is stored once or twice
                whole.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode() + digest)
        return PREFIX + whole.hexdigest()

    def _computation(self, modules: Modules) -> str | None:
        import transformers

        classes = {type(module) for _, module in modules}
        if self._patched() or any(map(_foreign, [*_exchanged(classes), *_everywhere()])):
            return None
        told, configs = [transformers.__version__], dict[int, str]()
        for path, module in modules:
            if any(map(_foreign, _functions(module))):
                return None
            kind = type(module)
            told.append(f"{path} {kind.__module__}.{kind.__qualname__} {_settings(module, configs)}")
        return xxhash.xxh3_128("\n".join(told).encode()).hexdigest()

    def _patched(self) -> bool:
        """Whether one of the functions that modules of all classes share is none of the libraries' own."""
        held = list(vars(torch.nn.functional).values())
        if len(held) == len(self._library) and all(map(is_, held, self._library)):
            return False
        patched = any(map(_foreign, _library()))
        self._library = [] if patched else held
        return patched

    def _digest(self, name: str, tensor: Tensor) -> bytes:
        """The hash of a tensor's bytes; one on a GPU is fetched again only where its checksum there has changed."""
        if tensor.device.type == HOME:
            return _hash(tensor)
        seen = checksum(tensor)
        known = self._elsewhere.get(name)
        if known is None or known[0] != seen:
            known = self._elsewhere[name] = seen, _hash(tensor)
        return known[1]


def of_files(folder: Path) -> str:
    """A fingerprint of the weights in a folder, for an engine that doesn't show what it loaded: "files:" and 32 digits.

    It covers the names and all bytes of weights and config; "" where the folder holds no weights.
    """
    names = {path for ending in _WEIGHTS for path in folder.glob(f"*{ending}")}
    if not names:
        return ""
    whole = xxhash.xxh3_128()
    for path in sorted({*names, *folder.glob("config.json")}):
        whole.update(f"{path.name} {path.stat().st_size}\n".encode())
        with path.open("rb") as file:
            while part := file.read(2**24):
                whole.update(part)
    return f"files:{whole.hexdigest()}"


def checksum(tensor: Tensor) -> bytes:
    """Eight bytes for every 32 KiB of a tensor, worked out on its own device; no bit changes without changing them.

    Each word is mixed and multiplied by odd numbers of its place in the row, twice, and summed modulo 2**64. Both steps
    can be undone, so they keep every single difference; that there are two keeps differences in the highest bits of
    several words (signs) from cancelling in the sum.
    """
    flat = _bytes(tensor)
    flat = torch.nn.functional.pad(flat, (0, -len(flat) % (8 * _ROW)))
    generator = torch.Generator().manual_seed(0)
    odd = torch.randint(-(2**62), 2**62, (_ROW,), generator=generator, dtype=torch.int64).mul(2).add(1)
    odd = odd.to(tensor.device)
    sums = []
    for words in flat.view(torch.int64).split(_BLOCK):
        mixed = (((words >> 32) & 0xFFFFFFFF) ^ words).view(-1, _ROW) * odd
        mixed = (((mixed >> 29) & 0x7FFFFFFFF) ^ mixed) * odd.flip(0)
        sums.append(mixed.sum(-1))
    return bytes(torch.cat(sums).cpu().numpy()) if sums else b""


def _hash(tensor: Tensor) -> bytes:
    return xxhash.xxh3_128(_bytes(tensor).cpu().numpy()).digest()


def _bytes(tensor: Tensor) -> Tensor:
    """A tensor's values as uint8 [bytes], in the order of its indices, however it lies in memory."""
    if tensor.layout != torch.strided:
        tensor = tensor.to_dense()
    return tensor.contiguous().reshape(-1).view(torch.uint8)


def _tensors(modules: Modules) -> Iterator[tuple[str, Tensor]]:
    """Every tensor that a model computes with, by name, in the order of its modules."""
    for path, module in modules:
        with present(module):
            for part, tensor in sorted(_parts(module).items()):
                yield from _flattened(f"{path}.{part}" if path else part, tensor)


def _parts(module: nn.Module) -> dict[str, Tensor]:
    """A module's own tensors: parameters, buffers, plain attributes, and what bitsandbytes keeps beside a weight."""
    plain = {name: value for name, value in vars(module).items() if name not in _OWN}
    named = {**plain, **module._parameters, **module._buffers}
    # By `type`, as `isinstance` asks a config for its class, and that looks through all it holds.
    found = {name: value for name, value in named.items() if issubclass(type(value), torch.Tensor)}
    for name, parameter in module._parameters.items():
        state = getattr(parameter, "quant_state", None)
        if state is not None:
            found |= {f"{name}.{key}": value for key, value in state.as_dict(packed=True).items()}
    # The scales of 8-bit rows move from the weight to the module in the first pass.
    scales = getattr(module._parameters.get("weight"), "SCB", None)
    scales = getattr(vars(module).get("state"), "SCB", None) if scales is None else scales
    if isinstance(scales, torch.Tensor):
        found["weight.SCB"] = scales
    for name in _fleeting(module) & found.keys():
        del found[name]
    return found


def _flattened(name: str, tensor: Tensor) -> Iterator[tuple[str, Tensor]]:
    """A tensor, or the plain tensors that one of torchao's or the like is made of."""
    inner = getattr(tensor, "__tensor_flatten__", None)
    if inner is None:
        yield name, tensor
        return
    for part in sorted(inner()[0]):
        yield from _flattened(f"{name}.{part}", getattr(tensor, part))


def _fleeting(thing: Any) -> set[str]:
    """Attributes that follow the length of the last text: some rotary embeddings keep their frequencies so."""
    kinds = vars(thing).get("rope_type")
    kinds = kinds.values() if isinstance(kinds, dict) else [kinds]
    if not any("dynamic" in kind or kind == "longrope" for kind in kinds if isinstance(kind, str)):
        return set()
    ends = ("inv_freq", "max_seq_len_cached", "attention_scaling")
    named = {*vars(thing), *getattr(thing, "_buffers", ())}
    return {name for name in named if name.endswith(ends) and not name.endswith("original_inv_freq")}


def _settings(thing: Any, configs: dict[int, str]) -> str:
    """Numbers, words and lists of them that a module or a config holds: what a `forward` may go by.

    Args:
        configs: those that were put into words already, which many modules share.
    """
    held = vars(thing)
    names = sorted(held.keys() - _ELSEWHERE - _fleeting(thing))
    names = [name for name in names if name[0] != "_" or held[name]]  # a private switch that is off may be missing
    # Whatever mode a training has left a module in, passes are run in eval mode.
    told = ((name, _plain(name != "training" and held[name], configs)) for name in names)
    return repr([(name, plain) for name, plain in told if plain is not _NOTHING])


def _plain(value: Any, configs: dict[int, str]) -> Any:
    """A value as data whose `repr` is the same in every process; `_NOTHING` for objects, which may hold anything."""
    if value is None or isinstance(value, _WORDS):
        return value
    if isinstance(value, dict):
        return [(str(key), _plain(value[key], configs)) for key in sorted(value, key=str)]
    if isinstance(value, (list, tuple)):
        return [_plain(each, configs) for each in value]
    if isinstance(value, (set, frozenset)):
        return sorted(map(str, value))
    if isinstance(value, torch.dtype):
        return str(value)
    if id(value) not in configs:
        if not hasattr(value, "to_diff_dict"):
            return _NOTHING
        configs[id(value)] = ""  # should it hold itself
        configs[id(value)] = _settings(value, configs)
    return configs[id(value)]


def _functions(module: nn.Module) -> Iterator[Callable[..., Any]]:
    """What takes part in a module's passes beside its class: hooks, and a `forward` that was put in its place."""
    yield from module._forward_hooks.values()
    yield from module._forward_pre_hooks.values()
    traced = vars(module).get("__nnsight__")
    if traced is not None:  # nnsight has taken the place of `forward`, and keeps what it found there
        yield traced.body
    if "forward" in vars(module):
        yield vars(module)["forward"]


def _everywhere() -> Iterator[Callable[..., Any]]:
    """Hooks on every module there is."""
    shared = torch.nn.modules.module
    yield from shared._global_forward_hooks.values()
    yield from shared._global_forward_pre_hooks.values()


def _exchanged(classes: Iterable[type[nn.Module]]) -> Iterator[Callable[..., Any]]:
    """Passes of classes that are not those they came with."""
    yield from (one.forward for one in classes if _home(one.forward) != _home(one))


def _library() -> Iterator[Callable[..., Any]]:
    """The functions that modules of all classes share, of which one may have been exchanged."""
    shared = vars(torch.nn.functional).items()
    yield from (held for name, held in shared if name[0].islower() and callable(held))


def _foreign(function: Callable[..., Any]) -> bool:
    """Whether a function is none of the libraries' own."""
    function = getattr(function, "func", function)  # of a partial
    wraps = "module_body.<locals>" in getattr(function, "__qualname__", "")  # nnsight's, around one that it found
    return wraps or _home(function) not in _LIBRARIES


def _home(thing: Any) -> str:
    """The package that something comes from."""
    return str(getattr(thing, "__module__", None) or type(thing).__module__).split(".")[0]
