"""A method's settings as a reader is told them: in words, and only those that did something."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

NAMES = {
    "alpha": "added to each count",
    "budget": "rollouts in all",
    "coarse": "tokens only in sentences above",
    "confirm": "units drawn again",
    "convention": "signs and names of",
    "embedder": "texts compared by",
    "first_layer": "heads from layer",
    "form": "answer given as",
    "half_width": "sampled until within ±",
    "mask_lines": "also without the answer's lines",
    "max_new_tokens": "tokens of a rollout, at most",
    "max_rollouts": "rollouts, at most",
    "n": "rollouts from each place",
    "proximity": "sentences left out around each",
    "rewriter": "rewritten by",
    "rivals": "other answers followed",
    "rounds": "cuts, at most",
    "site": "place in the model",
    "steps": "steps on the way",
    "target": "answer followed",
    "threshold": "alike from a cosine of",
    "tolerance": "error allowed",
    "top": "share of heads taken",
    "vocabulary": "answers counted",
}
"""Setting -> its words, where its name alone doesn't say them."""

EXPLAINED = {
    "alpha": "added to the count of every answer before the divergence is taken; 0.5 is Jeffreys' prior",
    "coarse": "above 0, tokens are measured only in sentences whose effect is at least this",
    "confirm": "whether units that stood out were drawn again, with as many new rollouts",
    "convention": "whose signs and names the columns have: CoTLens' own, or those of published data",
    "forms": "wordings in which the answer was forced",
    "rollouts": "texts written anew for each unit",
    "seed": "where the random numbers begin: the same seed gives the same figures",
    "temperature": "what logits are divided by; where texts are sampled, 0 takes the likeliest token",
    "top_k": "sampled from so many likeliest tokens; 0 for all",
    "top_p": "sampled from the likeliest tokens that hold this much probability",
}
"""What a setting means that its name alone doesn't say."""

IDLE: dict[str, tuple[Any, ...]] = {"coarse": (0, 0.0), "confirm": (False,), "convention": ("cotlens",)}
"""Settings that do nothing at these values."""

ELSEWHERE = ("unit", "metric", "spans", "groups")
"""What the view says in another place."""


def told(settings: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """(words, value, what that means where the words don't say it) of every setting that made the result what it is."""
    return [
        (NAMES.get(name, name.replace("_", " ")), _value(value), EXPLAINED.get(name, ""))
        for name, value in settings.items()
        if _acts(name, value, settings)
    ]


def _acts(name: str, value: Any, settings: Mapping[str, Any]) -> bool:
    if value is None or name in ELSEWHERE or value in IDLE.get(name, ()):
        return False
    return name not in ("alpha", "vocabulary") or settings.get("metric") == "kl"  # what smooths a KL, and nothing else


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_value(each)}" for name, each in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_value, value)) or "none"
    return str(value)
