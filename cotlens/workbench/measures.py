"""What the editor can shade by: the entries of its menu, and the one that is chosen."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from cotlens._core.errors import InputError, did_you_mean
from cotlens.measure.importance import METHODS
from cotlens.measure.method import Method

UNITS = ("token", "sentence")


@dataclass(frozen=True)
class Measure:
    """An entry of the menu: a method, the settings that make it this entry, and its name."""

    method: str
    label: str
    settings: dict[str, Any]

    def make(self, unit: str, metric: str) -> Method:
        """The method with all its settings."""
        return METHODS.get(self.method)(unit=unit, metric=metric, **self.settings)


MEASURES: dict[str, Measure] = {
    "occlusion-direct": Measure("Occlusion", "Occlusion, direct effect", {"effect": "direct"}),
    "occlusion-total": Measure("Occlusion", "Occlusion, total effect", {"effect": "total"}),
    "early-answer": Measure("EarlyAnswer", "Early answer", {"mask_lines": False}),
}


@dataclass(frozen=True)
class Shown:
    """What the text is shaded by."""

    measure: str = "occlusion-direct"
    unit: str = "token"
    metric: str = "logit_difference"

    def __post_init__(self) -> None:
        if self.measure not in MEASURES:
            raise InputError(f"There is no measure {self.measure!r}. {did_you_mean(self.measure, MEASURES)}")
        if self.unit not in UNITS:
            raise InputError(
                f"The editor shades tokens or sentences, not {self.unit!r}. {did_you_mean(self.unit, UNITS)}"
            )
        self.method()  # refuses a metric that doesn't exist

    def method(self) -> Method:
        """The method with its settings."""
        return MEASURES[self.measure].make(self.unit, self.metric)

    def code(self) -> str:
        """The line of Python that makes this result."""
        entry = MEASURES[self.measure]
        settings = {**entry.settings, "unit": self.unit, "metric": self.metric}
        written = ", ".join(f"{name}={value!r}" for name, value in settings.items())
        return f"result = cl.importance.{entry.method}({written}).run(trace, model)"


CURVE = Shown("early-answer", "token", "logit_difference")  # the strip's curve


@cache
def offers() -> tuple[Shown, ...]:
    """What the menu's costs are those of."""
    return tuple(Shown(name) for name in MEASURES)
