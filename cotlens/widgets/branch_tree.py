"""The view of the branches of an investigation."""

from __future__ import annotations

import traitlets as t

from cotlens.widgets.protocol.branch_tree import Compared, TreeBranch
from cotlens.widgets.shared.bundles import View


class BranchTreeView(View):
    """Traits of the tree; `cotlens.workbench.branch_tree` fills them.

    `branches` are all, also those that were pruned; `compared` is what was compared last, {} for nothing.

    Raises WidgetsNotBuilt when the front end was not built.
    """

    _bundle = "branch_tree"

    branches = t.List().tag(sync=True, shape=TreeBranch)
    compared = t.Dict().tag(sync=True, shape=Compared)
    code = t.Unicode().tag(sync=True)
    alive = t.Bool(True).tag(sync=True)

    def __repr__(self) -> str:
        """One line for hosts that cannot draw the widget; it becomes the text/plain of the output."""
        answers = {branch["answer"] for branch in self.branches if branch["answer"] is not None}
        return f"<CoTLens branch tree: {len(self.branches)} branches, {len(answers)} different answers>"
