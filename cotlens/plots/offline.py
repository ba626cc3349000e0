"""Charts that need no network: Altair's default renderer loads its script from the web, so ours draws SVG instead."""

from __future__ import annotations


def without_network() -> None:
    """Let Altair draw SVG where its default renderer is active; a renderer that the user chose is kept."""
    import altair as alt

    if alt.renderers.active == "default":
        alt.renderers.enable("svg")
