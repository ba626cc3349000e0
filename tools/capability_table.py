"""Measurement x backend: the table of README, from what measurements need and what backends offer.

    python tools/capability_table.py            # print the table
    python tools/capability_table.py --write    # put it into README.md, between its markers

`tests/contract/test_capabilities.py` runs every row on every backend that has a model in the contract tests, and holds
README to this table.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from cotlens.measure.features.table import Features
from cotlens.measure.importance import METHODS
from cotlens.measure.steering.sweeping import Sweep
from cotlens.models.contract import Capability
from cotlens.models.contract.capability import OFFERS
from cotlens.models.load import BACKENDS

README = Path(__file__).parent.parent / "README.md"
BEGIN, END = "<!-- capabilities: tools/capability_table.py -->", "<!-- /capabilities -->"
TITLES = {"local": "`local`", "ndif": "`ndif`", "vllm": "`vllm` (an OpenAI-compatible endpoint, or in this process)"}
INSIDE = Capability.READ | Capability.WRITE  # what no endpoint shows
VARIANTS: dict[str, dict[str, dict[str, object]]] = {
    "Counterfactual": {"compared by text": {"embedder": "exact"}, "by the residual stream": {"embedder": "residual"}},
    "Gradient": {"": {}},
    "Occlusion": {
        "hidden": {"mode": "hide"},
        "left out": {"mode": "hide", "effect": "total"},
        "averaged away": {"mode": "mean", "unit": "sentence"},
        "swapped": {"mode": "swap", "unit": "sentence"},
    },
    "Resilience": {"compared by text": {"embedder": "exact"}, "by the residual stream": {"embedder": "residual"}},
}


@dataclass(frozen=True)
class Row:
    """A measurement and what it needs of a model.

    Args:
        name: where it is found in `cl`.
        how: which of its ways, in words.
        settings: those that choose this way.
    """

    name: str
    how: str
    needs: Capability
    settings: tuple[tuple[str, object], ...] = ()

    @property
    def title(self) -> str:
        """What the table calls it."""
        return f"`{self.name}`" + (f", {self.how}" if self.how else "")


def rows() -> list[Row]:
    """All measurements of the package, importance first."""
    found = []
    for name in METHODS:
        for how, settings in VARIANTS.get(name, {"": {}}).items():
            method = METHODS.get(name)(**settings)
            found.append(Row(f"importance.{name}", how, method.needs, tuple(settings.items())))
    plain = Features("", "", None, (), False, None, "logit_difference")
    effects = Features("", "", None, (0,), True, None, "logit_difference")
    return [
        *found,
        Row("steering.fit", "", Capability.READ),
        Row("steering.Sweep", "", Sweep.needs),
        Row("features.features", "", plain.needs),
        Row("features.features", "with effects", effects.needs),
    ]


def cell(needs: Capability, backend: str) -> str:
    """Whether a backend can do what is needed: "yes", "no", or for which of its models."""
    if needs not in OFFERS[backend]:
        return "no"
    if backend != "vllm" and Capability.HIDE in needs:
        return "in layers with attention" if backend == "local" else "with plain attention"
    if backend == "ndif" and Capability.SKIP in needs:
        return "with plain attention"
    if backend == "vllm" and needs & INSIDE:
        return "in this process"
    return "if the server scores" if backend == "vllm" and Capability.SCORE in needs else "yes"


def table() -> str:
    """The table in Markdown."""
    backends = list(BACKENDS)
    lines = [["Measurement", "needs", *(TITLES[backend] for backend in backends)], ["---"] * (2 + len(backends))]
    for row in rows():
        needs = ", ".join(str(part.name) for part in row.needs)
        lines.append([row.title, needs, *(cell(row.needs, backend) for backend in backends)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def in_readme(text: str) -> str | None:
    """The table that a README holds between the markers, None where they aren't there."""
    _, begin, rest = text.partition(BEGIN)
    inside, end, _ = rest.partition(END)
    return inside.strip() if begin and end else None


def main() -> None:
    """Print the table, or write it."""
    if "--write" not in sys.argv[1:]:
        print(table())
        return
    text = README.read_text(encoding="utf-8")
    old = in_readme(text)
    if old is None:
        raise SystemExit(f"README.md has no place for the table: put {BEGIN} and {END} on lines of their own.")
    head, tail = text.split(BEGIN)[0], text.split(END, 1)[1]
    README.write_text(f"{head}{BEGIN}\n\n{table()}\n\n{END}{tail}", encoding="utf-8")


if __name__ == "__main__":
    main()
