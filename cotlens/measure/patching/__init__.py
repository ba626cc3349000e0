"""Patching: activations of one run put into another, to see where what tells the two apart is carried.

grid = cl.patching.PatchGrid().run(base, source, model)         # base is run, activations come from source
quick = cl.patching.Attribution(steps=5).run(base, source, model)    # the same by gradients; steps=0 only ranks
parts = cl.patching.DirectLogits().run(base, source, model)      # what each component writes into the answer's logits
path = cl.patching.Path(sender=(1, "attn_out"), receiver=(3, "attn_out")).run(base, source, model)

One sign everywhere: + supports the source's answer. `pair` says what is compared and how tokens are aligned; open
`grid` first.
"""

from cotlens._core.lazy import lazy_attributes

_PACKAGE = "cotlens.measure.patching"

__getattr__, __dir__ = lazy_attributes(
    __name__,
    {
        "Attribution": f"{_PACKAGE}.attribution:Attribution",
        "DirectLogits": f"{_PACKAGE}.logits:DirectLogits",
        "PatchGrid": f"{_PACKAGE}.grid:PatchGrid",
        "Path": f"{_PACKAGE}.paths:Path",
    },
)
