/** All branches as a tree, one row each, oldest first, children below their parent. */

import { button, h } from "../kit/dom";
import { rows } from "../kit/controls/branch-rows";
import { probability } from "../kit/numbers";
import type { BranchInfo } from "./state";

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
