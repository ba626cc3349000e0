"""The view of many rollouts: what it shows, as traits, and what a person asks for in it, as a message."""

from __future__ import annotations

import traitlets as t

from cotlens.widgets.bundles import View
from cotlens.widgets.protocol.rollout_map import Plane, Prompt, Rollouts


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
    alive = t.Bool(True).tag(sync=True)

    def __repr__(self) -> str:
        """One line for hosts that cannot draw the widget; it becomes the text/plain of the output."""
        groups = self.prompts[0]["groups"] if len(self.prompts) == 1 else []
        said = ", ".join(f"{group['answer'] or 'unread'} {group['share']:.0%}" for group in groups[:3])
        said = said or f"{len(self.prompts)} prompts"
        return f"<CoTLens rollout map: {len(self.rollouts.get('names', []))} rollouts; {said}>"
