"""All nnsight trace blocks, and where interventions become operations on activations.

The blocks use plain locals, torch and nnsight only: nnsight reads their source and may run them elsewhere. Ids,
positions and masks are always explicit, autograd is always off but for gradients. With a `backend` a block runs where
that sends it; what it then saves are plain tensors, numbers, texts and lists of them.

Open `forward` first.
"""

from cotlens.models.tracing.attention import attention
from cotlens.models.tracing.backward import gradients
from cotlens.models.tracing.changes import Change, compile_changes
from cotlens.models.tracing.directions import decode, decode_kl, probe_dtype_and_tokens, unembed
from cotlens.models.tracing.embedded import install, install_lens
from cotlens.models.tracing.forward import reduced, run
from cotlens.models.tracing.places import without_weights, wrap
from cotlens.models.tracing.writing import write

__all__ = [
    "Change",
    "attention",
    "compile_changes",
    "decode",
    "decode_kl",
    "gradients",
    "install",
    "install_lens",
    "probe_dtype_and_tokens",
    "reduced",
    "run",
    "unembed",
    "without_weights",
    "wrap",
    "write",
]
