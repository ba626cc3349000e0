/** All branches as a tree, one row each, oldest first, children below their parent. */

import { button, h } from "../kit/dom";
import { probability } from "../kit/numbers";
import type { BranchInfo } from "./state";

export interface Row { branch: BranchInfo; depth: number }

/** Depth-first order. A branch whose parent is unknown stands at the root; a cycle can't hang it. */
export function rows(branches: BranchInfo[]): Row[] {
  const known = new Set(branches.map((branch) => branch.id));
  const children = new Map<string | null, BranchInfo[]>();
  for (const branch of branches) {
    const parent = branch.parent !== null && known.has(branch.parent) && branch.parent !== branch.id ? branch.parent : null;
    const siblings = children.get(parent);
    if (siblings) siblings.push(branch);
    else children.set(parent, [branch]);
  }
  const out: Row[] = [];
  const seen = new Set<string>();
  // With a list of its own: a chain of branches may be longer than calls can nest.
  const below = (parent: string | null, depth: number): Row[] => (children.get(parent) ?? []).map((branch) => ({ branch, depth })).reverse();
  const waiting = below(null, 0);
  for (let row = waiting.pop(); row; row = waiting.pop()) {
    if (seen.has(row.branch.id)) continue;
    seen.add(row.branch.id);
    out.push(row);
    for (const each of below(row.branch.id, row.depth + 1)) waiting.push(each);
  }
  for (const branch of branches) if (!seen.has(branch.id)) out.push({ branch, depth: 0 });
  return out;
}

/** Fills a panel; arrow keys move, Enter goes there. The panel itself closes on Esc. */
export function fillTree(panel: HTMLElement, branches: BranchInfo[], go: (id: string) => void): void {
  const items = rows(branches).map(({ branch, depth }) => {
    const item = button("cotlens-row", "", {
      role: "treeitem", "aria-level": depth + 1, "aria-selected": String(branch.current), tabindex: branch.current ? 0 : -1, "data-branch": branch.id,
    });
    item.style.paddingInlineStart = `${8 + 14 * Math.min(depth, 12)}px`;
    item.append(
      h("span", "cotlens-row-name", {}, branch.label),
      h("span", "cotlens-row-answer", {}, branch.awaits_rerun ? "not rerun" : branch.answer ?? "no answer"),
      h("span", "cotlens-row-p", {}, branch.p === null ? "" : probability(branch.p)),
    );
    item.addEventListener("click", () => go(branch.id));
    return item;
  });
  const tree = h("div", "cotlens-tree", { role: "tree", "aria-label": "branches" }, ...items);
  tree.addEventListener("keydown", (event) => {
    const at = items.findIndex((item) => item.matches(":focus"));
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    items[Math.max(0, Math.min(items.length - 1, to))]?.focus();
  });
  panel.replaceChildren(tree);
  (items.find((item) => item.getAttribute("aria-selected") === "true") ?? items[0])?.focus();
}
