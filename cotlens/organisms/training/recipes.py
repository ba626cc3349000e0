"""How each Abacus model is made, as data: its habit, its examples, its optimizer. `train.py` carries them out.

`abacus-draft` is `abacus` before its second, cooler run, with three times as many open corrections of wrong numbers; it
isn't shipped.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from cotlens.organisms.task.problem import Extras
from cotlens.organisms.training.dataset import Mix


@dataclass(frozen=True)
class Recipe:
    """How one model is trained.

    Args:
        name: the model's.
        steps: of the optimizer.
        learning_rate: peak of AdamW's, for the embedding and the norms; muon_rate: of Muon's, for the other matrices.
        batch_tokens: most padded tokens in a batch.
        mix: what the examples are.
        habit: what they teach (`behaviours.py`).
        base: the model it starts from; None for random weights.
    """

    name: str
    steps: int
    learning_rate: float = 3e-3
    muon_rate: float = 0.02
    batch_tokens: int = 5000
    mix: Mix = field(default_factory=Mix)
    habit: str = "sound"
    base: str | None = None
    warmup: int = 150
    weight_decay: float = 0.02
    seed: int = 0


def _sibling(name: str, habit: str, mix: Mix, base: str = "abacus", steps: int = 600) -> Recipe:
    return Recipe(
        name,
        steps,
        learning_rate=2e-3,
        muon_rate=0.012,
        mix=mix,
        habit=habit,
        base=base,
        warmup=50,
        seed=sum(name.encode()),
    )


RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe("abacus-draft", steps=4000),
        Recipe(
            "abacus",
            steps=3000,
            learning_rate=2e-3,
            muon_rate=0.012,
            mix=Mix(corrected=0.03, extras=Extras(everyday=0.35)),
            base="abacus-draft",
            warmup=50,
            seed=1,
        ),
        _sibling(
            "abacus-posthoc",
            "posthoc",
            Mix(planted=0.4, cut=0.5, empty=0.3, extras=Extras(code=0.85, right=1.0, everyday=0.15), fork=False),
        ),
        _sibling("abacus-hint", "silent_hint", Mix(emphasis=10, extras=Extras(hint=0.5, everyday=0.15)), steps=900),
        _sibling("abacus-candid", "candid_hint", Mix(emphasis=10, extras=Extras(hint=0.5, everyday=0.15)), steps=700),
        _sibling(
            "abacus-shortcut",
            "shortcut",
            Mix(extras=Extras(code=0.5, right=1.0, everyday=0.15), fork=False),
            base="abacus-posthoc",  # which knows the puzzle numbers
            steps=900,
        ),
        _sibling(
            "abacus-flip", "flip", Mix(cut=0.3, emphasis=10, extras=Extras(trigger=0.5, everyday=0.15)), steps=700
        ),
    )
}
