"""The branches of a tree as Python that makes each of them again, from the first prompt on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cotlens.results.code import read_by, script
from cotlens.workbench.branches.node import Node
from cotlens.workbench.branches.tree import Tree

IMPORT = "from cotlens.workbench.editor.resampling import resampled"
"""What the code of rollouts needs."""
BEGIN = "traces, results, fans, readings = {}, {}, {}, {}"
"""What the lines fill by name: texts, measurements, the answers of rollouts, what monitors found."""


def in_sight(tree: Tree) -> list[Node]:
    """The branches that a script makes."""
    return [node for node in list(tree.nodes.values()) if tree.in_sight(node.id)]


def text(prefix: str, node: Node) -> Iterator[str]:
    """The lines that make a branch with a text of its own: `traces[prefix + id]`."""
    yield from _told(node)
    if node.parent is not None:
        yield f"trace = traces[{f'{prefix}{node.parent}'!r}]"
    yield node.code
    yield f"traces[{f'{prefix}{node.id}'!r}] = trace"


def rollouts(prefix: str, node: Node, tree: Tree, made: Mapping[str, str]) -> Iterator[str]:
    """What rollouts answered: `fans[prefix + id]`. How many come before a cancel is nothing a script could do again.

    Args:
        made: name in the script -> id of the trace.
    """
    done = [] if node.fan is None else [arm["done"] for arm in node.fan["arms"].values()]
    parent = tree.nodes[str(node.parent)]
    yield from _told(node)
    if not done or min(done) < node.fan["n"]:
        yield "# stopped before its end, or read by another reader since: not done again"
        return
    before = None if parent.parent is None else tree.before(parent).id
    named = next((f"traces[{known!r}]" for known, trace_id in made.items() if trace_id == before), "None")
    yield f"trace, before = traces[{f'{prefix}{node.parent}'!r}], {named}"
    yield from read_by(node.trace)
    yield node.code
    yield f"fans[{f'{prefix}{node.id}'!r}] = found"


def whole(tree: Tree, loading: list[str]) -> str:
    """A script of all branches that aren't pruned, which shows them as a tree.

    Args:
        loading: the lines that load `model`.
    """
    made: dict[str, str] = {}
    lines = [BEGIN]
    for node in in_sight(tree):
        if node.kind == "resample":
            lines += rollouts("", node, tree, made)
        else:
            lines += text("", node)
            made[node.id] = node.trace.id
    needs = [IMPORT, ""] if any("resampled(" in line for line in lines) else []
    return script(*needs, *loading, *lines, "", "cl.BranchTree(list(traces.values()))")


def _told(node: Node) -> Iterator[str]:
    words = [node.label, *(f"#{tag}" for tag in node.tags), node.note]
    yield ""
    yield f"# {node.id}: {'; '.join(' '.join(each.split()) for each in words if each)}"
