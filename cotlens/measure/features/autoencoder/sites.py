"""Where a sparse autoencoder reads: hook points of TransformerLens and module names as sites of this project.

The sites are those of `Model.read`: "resid_post.2" (the residual stream after layer 2), "attn_out.2", "mlp_out.2",
"embed".
"""

from __future__ import annotations

import re

from cotlens._core.errors import InputError

_HOOK = re.compile(r"blocks\.(\d+)\.hook_(resid_post|resid_pre|attn_out|mlp_out|out)")
_MODULE = re.compile(r"(?:[a-z_]+\.)*(?:layers|h|blocks)\.(\d+)(?:\.(self_attn|attn|mlp))?(?:\.output)?")
_SITE = re.compile(r"(resid_post|attn_out|mlp_out)\.\d+|embed")
_PARTS = {"": "resid_post", "self_attn": "attn_out", "attn": "attn_out", "mlp": "mlp_out"}


def site_of(hook: str) -> str:
    """The site that a hook point, a module name or a site names.

    `hook_resid_pre` of a layer is the residual stream after the layer before it. Where a model normalises what
    attention and MLP give before it is added (Gemma 2 and 3), TransformerLens hooks `hook_attn_out` and
    `hook_mlp_out` after that norm, and the sites here stand before it: the explained variance that `features`
    reports shows such a misfit.

    Raises:
        InputError: no site stands at that point.
    """
    if _SITE.fullmatch(hook):
        return hook
    if hook == "hook_embed":
        return "embed"
    if found := _HOOK.fullmatch(hook):
        layer, kind = int(found[1]), found[2]
        if kind == "resid_pre" and layer == 0:
            raise InputError(
                f"{hook!r} is the sum of all embeddings, which is no site here: pass site='embed' if the model adds no "
                "position embeddings to those of its tokens."
            )
        if kind == "resid_pre":
            return f"resid_post.{layer - 1}"
        return f"{'resid_post' if kind == 'out' else kind}.{layer}"
    if found := _MODULE.fullmatch(hook):
        return f"{_PARTS[found[2] or '']}.{found[1]}"
    raise InputError(
        f"The hook point {hook!r} is no place that can be read here; pass site= with one that can, such as "
        "'resid_post.2', 'attn_out.2' or 'mlp_out.2'."
    )


def hook_of(site: str) -> str:
    """The TransformerLens hook point of a site, the inverse of `site_of`."""
    if site == "embed":
        return "hook_embed"
    kind, layer = site.split(".")
    return f"blocks.{layer}.hook_{kind}"


def place(site: str) -> tuple[str, int]:
    """(kind, layer) of a site that can be written to, as interventions want them.

    Raises:
        InputError: the site can be read only.
    """
    kind, _, layer = site.partition(".")
    if kind == "embed":
        raise InputError("The embedding can be read but not changed; use a SAE of a site such as 'resid_post.0'.")
    return kind, int(layer)
