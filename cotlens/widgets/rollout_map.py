"""The view of many rollouts: what it shows, as traits, and what a person asks for in it, as a message."""

from __future__ import annotations

from collections.abc import Callable

import traitlets as t

from cotlens.results.summary import escaped, fitted, one_line, table
from cotlens.widgets.protocol.rollout_map import Plane, Prompt, Rollouts
from cotlens.widgets.shared.bundles import View


class RolloutView(View):
    """Draws rollouts below each other, aligned, in groups by answer, below the tree of what they share.

    Everything it needs crosses once, so that sorting, searching and reading work on a saved page; only to open a
    rollout in the editor needs Python. `plane` is that of all rollouts, where they are of several prompts. `opened` are
    the rollouts that have an editor, the one that is shown last. `cotlens.widgets.protocol.rollout_map` declares the
    shapes.

    Raises WidgetsNotBuilt when the front end was not built.
    """

    _bundle = "rollout_map"

    rollouts = t.Dict().tag(sync=True, shape=Rollouts)
    prompts = t.List().tag(sync=True, shape=Prompt)
    plane = t.Dict().tag(sync=True, shape=Plane)
    opened = t.List().tag(sync=True, shape=int)
    code = t.Unicode().tag(sync=True)
    alive = t.Bool(True).tag(sync=True)

    def summary(self, *, markdown: bool = False) -> str:
        """What was answered how often, per prompt, and where answers shift by more than chance."""
        say = escaped if markdown else str
        groups = [(number, prompt, group) for number, prompt in enumerate(self.prompts) for group in prompt["groups"]]
        cells = (
            (number, "unread" if one["answer"] is None else one["answer"], one["n"], f"{one['share']:.2f}",
             f"{one['low']:.2f} to {one['high']:.2f}")
            for number, _, one in groups
        )  # fmt: skip
        names, rows = table(["prompt", "answer", "rollouts", "share", "interval"], cells, say)
        named = [f"prompt {number}: {say(one_line(each['text'], 160))}" for number, each in enumerate(self.prompts[:4])]
        count = len(self.rollouts.get("names", []))
        head = [f"**RolloutMap**, {count:,} rollouts", *named, *self._shifts(say), "", *names]
        rest = "map.traces.frame() is a row per rollout, map.view.prompts the groups and the tree of shared prefixes"
        return fitted(head, rows, lambda shown: f"{shown} of {len(groups)} groups; {rest}")

    def _shifts(self, say: Callable[[str], str]) -> list[str]:
        """The prefixes after which answers differ from their siblings', the surest first."""
        found = [node for prompt in self.prompts for node in prompt["tree"] if node["shifts"]]
        found.sort(key=lambda node: node["q"] or 0.0)
        return [
            f"answers shift after: {say(one_line(node['text'], 100))} (total variation {node['shift']:.2f}, "
            f"q {node['q']:.2g})"
            for node in found[:3]
        ]

    def __repr__(self) -> str:
        """One line for hosts that cannot draw the widget; it becomes the text/plain of the output."""
        groups = self.prompts[0]["groups"] if len(self.prompts) == 1 else []
        said = ", ".join(f"{group['answer'] or 'unread'} {group['share']:.0%}" for group in groups[:3])
        said = said or f"{len(self.prompts)} prompts"
        return f"<CoTLens rollout map: {len(self.rollouts.get('names', []))} rollouts; {said}>"
