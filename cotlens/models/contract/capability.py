"""What models can be asked, and what each backend can do at most, known without loading a model.

A refusal names a backend that can; the table of README shows all. A model may do less than its backend: one whose
attention takes no mask hides nothing, a server shows nothing from inside and may not score.
"""

from __future__ import annotations

from enum import Flag, auto


class Capability(Flag):
    """What a model can do.

    GENERATE: `reason`, `resume`, `rollouts`. SCORE: `score`, `annotate`. HIDE: branches with hidden positions,
    `BlockAttention`, `divergence`, in the layers with attention. SKIP: branches with positions left out. READ: `read`,
    `unembed`, and with HIDE `attention`. WRITE: the other interventions. GRADIENT: `gradient`. DECODE: `decode`,
    `predict`, and with GRADIENT `decode_kl`. LATENT: traces with latents, `think`.
    """

    GENERATE = auto()
    SCORE = auto()
    READ = auto()
    WRITE = auto()
    GRADIENT = auto()
    HIDE = auto()
    SKIP = auto()
    DECODE = auto()
    LATENT = auto()


OFFERS = {
    "local": ~Capability(0),
    "ndif": ~Capability.LATENT,
    "vllm": Capability.GENERATE | Capability.SCORE | Capability.READ | Capability.WRITE,
}
_ATTENTION = (
    "no layer of this model has attention that takes a mask, so use one with plain attention, or what hides nothing "
    "from it: Occlusion with effect='total', mode='mean' or mode='swap'"
)
_POSITIONS = (
    "nothing can be left out of this model's texts, so put something else in its place: Occlusion with mode='mean' or "
    "mode='swap'"
)
_LATENTS = (
    "this model thinks in words, so take one that thinks in latents, such as cl.load('abacus-latent'), or "
    "cl.load(path, latent='coconut')"
)
_PARTLY = {
    "local": {Capability.HIDE: _ATTENTION, Capability.SKIP: _POSITIONS, Capability.LATENT: _LATENTS},
    "ndif": {Capability.HIDE: _ATTENTION, Capability.SKIP: _POSITIONS},
    "vllm": {
        Capability.SCORE: "this server gives no log-probabilities, so serve the model with vLLM or llama.cpp",
        Capability.READ | Capability.WRITE: "run vLLM in this process, without endpoint=",
    },
}
"""What some models of a backend lack, and what to do then."""


def offering(wanted: Capability) -> list[str]:
    """The backends that can do all of `wanted`."""
    return [backend for backend, offered in OFFERS.items() if wanted in offered]


def elsewhere(wanted: Capability, but: str = "") -> str:
    """What to do about something that a model can't: which backends, `but` that one, have it."""
    names = [f'backend="{backend}"' for backend in offering(wanted) if backend != but]
    return f"load the model with {' or '.join(names)}"


def remedy(missing: Capability, backend: str) -> str:
    """What to do where a model of `backend` lacks something."""
    for lacked, here in _PARTLY.get(backend, {}).items():
        if missing in lacked:
            return f"{here}, or {elsewhere(missing, backend)}" if backend == "vllm" else here
    return elsewhere(missing)
