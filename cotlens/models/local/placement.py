"""Where a loaded model is: the device that takes its input, those that run its parts, weights that are kept elsewhere.

accelerate spreads a model over devices (`device_map`) by hooks on its modules. Weights that don't fit are offloaded:
they are "meta" between passes and brought in for each.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch

from cotlens._core.errors import InputError

if TYPE_CHECKING:
    from torch import nn


def input_device(hf: Any) -> torch.device:
    """The device that tokens have to be on, which is also where logits come out."""
    found: torch.device = _runs_on(hf.get_input_embeddings()) or hf.device
    return found


def devices(hf: Any) -> tuple[torch.device, ...]:
    """All devices that run a part of the model, the one that takes its input first."""
    first = input_device(hf)
    others = {device for module in hf.modules() if (device := _runs_on(module)) is not None}
    return (first, *sorted(others - {first}, key=str))


def offloaded(hf: Any) -> bool:
    """Whether weights are kept elsewhere and brought in for each pass."""
    return any(parameter.device.type == "meta" for parameter in hf.parameters())


def bare(hf: Any) -> Any:
    """The module itself, where it comes wrapped: a wrapper hides what its forward takes.

    torch.compile has one, and PEFT, whose adapters are mostly in the layers themselves. Where they aren't (a prefix of
    keys, adapters that begin at certain words) its wrapper is part of what is computed, and stays.

    Raises:
        InputError: PEFT puts tokens of its own before the text.
    """
    hf = getattr(hf, "_orig_mod", hf)
    adapter = getattr(hf, "active_peft_config", None)
    if adapter is None:
        return hf
    kind = getattr(adapter.peft_type, "value", adapter.peft_type)
    if adapter.is_prompt_learning and kind != "PREFIX_TUNING":
        raise InputError(
            f"PEFT puts learned tokens before every text of this model ({kind}), so none stands where it is counted; "
            "give one whose adapters are in its layers, as those of LoRA."
        )
    within = not (adapter.is_prompt_learning or getattr(adapter, "alora_invocation_tokens", None))
    return hf.get_base_model() if within else hf


def check_weights(hf: Any) -> None:
    """Raise InputError where weights are nowhere: on the meta device, and nothing brings them in."""
    if offloaded(hf) and not any("_hf_hook" in vars(module) for module in hf.modules()):
        raise InputError(
            "The model holds no weights (they are on torch's meta device); load it with from_pretrained on 'cpu' or "
            "'cuda', or give device_map='auto' for what does not fit."
        )


def check_attention(hf: Any) -> None:
    """Raise InputError where a mask would end this process: torch's flex attention crashes on a CPU."""
    asked = getattr(hf.config, "_attn_implementation", None)
    if asked == "flex_attention" and any(device.type == "cpu" for device in devices(hf)):
        raise InputError(
            "The model attends by flex_attention, which crashes Python on a CPU when it is given a mask; call "
            "set_attn_implementation('sdpa') on it, or load it with attn_implementation='sdpa'."
        )


def described(hf: Any) -> str:
    """Where it runs, in words: "CPU", "GPU", "2 GPUs", "GPU + offloading"."""
    kinds = [device.type for device in devices(hf)]
    gpus = sum(kind != "cpu" for kind in kinds)
    words = (["GPU" if gpus == 1 else f"{gpus} GPUs"] if gpus else []) + (["CPU"] if "cpu" in kinds else [])
    return " + ".join([*words, *(["offloading"] if offloaded(hf) else [])])


def unpacked(hf: Any) -> None:
    """Keep bitsandbytes from packing 4-bit weights anew for processors that have avx512_bf16.

    Packed, they are computed with in bfloat16 whatever the model's type is, give no gradients, and can't be of every
    shape: numbers would depend on the processor.
    """
    for module in hf.modules():
        if getattr(module, "support_avx512bf16_for_cpu", False):
            module.support_avx512bf16_for_cpu = False


@contextmanager
def staying(hf: Any) -> Iterator[None]:
    """Keep transformers' pipelines from moving a model to the first GPU: they leave one alone that has a device map."""
    if getattr(hf, "hf_device_map", None) is not None:
        yield
        return
    hf.hf_device_map = {"": input_device(hf)}
    try:
        yield
    finally:
        del hf.hf_device_map


@contextmanager
def present(module: nn.Module) -> Iterator[None]:
    """Have a module's own weights there for a while, wherever they are kept."""
    if "_hf_hook" not in vars(module):
        yield
        return
    from accelerate.utils import align_module_device

    with align_module_device(module):
        yield


def _runs_on(module: nn.Module) -> torch.device | None:
    """Where accelerate runs a module; None if it has no say in that."""
    hook = getattr(module, "_hf_hook", None)
    for one in getattr(hook, "hooks", [hook]):  # several hooks of one module come as one
        where = getattr(one, "execution_device", None)
        if where is not None:
            return torch.device("cuda", where) if isinstance(where, int) else torch.device(where)
    return None
