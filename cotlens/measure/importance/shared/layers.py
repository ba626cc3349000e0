"""In how many layers of a model what is done to attention speaks, in words for the edit type of a result."""

from __future__ import annotations

from cotlens.models.contract import Model


def in_layers(edit_type: str, model: Model, *, held: bool = False) -> str:
    """`edit_type`, and in how many layers where a model has others beside attention.

    Args:
        held: whether what is hidden stays in the state of these others.
    """
    some, all_ = model.attention_layers, model.n_layers
    if not 0 < some < all_:
        return edit_type
    told = f"{edit_type}, in {some} of {all_} layers"
    return f"{told}; the recurrent state still holds it" if held else told
