"""In how many layers of a model an edit of attention acts, in words for the edit type of a result."""

from __future__ import annotations

from cotlens.models.contract import Model


def in_layers(edit_type: str, model: Model, *, held: bool = False) -> str:
    """`edit_type`, and in how many layers where a model has others beside attention.

    Args:
        held: whether what is hidden stays in the state of these others.
    """
    if model.hides_whole:
        return edit_type
    told = f"{edit_type}, in {model.attention_layers} of {model.n_layers} layers"
    return f"{told}; the recurrent state still holds it" if held else told
