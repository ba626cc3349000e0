/** The branches, a line each, children below their parent. */

import { h, onClick, setAttribute, uniqueId } from "../kit/dom";
import { probability } from "../kit/numbers";
import { any, type Context, type Section } from "./context";
import type { TreeBranch } from "./protocol";

const KINDS: Record<TreeBranch["kind"], string> = {
  original: "original", truncate: "cut", replace: "edit", delete: "deletion", insert: "insertion", rerun: "written again", resample: "rollouts", clamp: "latent", steer: "steering", patch: "patch",
};

/** What was done to make a branch. */
export function kindWords({ kind }: TreeBranch): string { return KINDS[kind] ?? kind; }

export function createLines({ store, signal }: Context): Section {
  const base = uniqueId("branch");
  const element = h("div", "cotlens-tree", { role: "tree", tabindex: 0, "aria-label": "branches", "data-region": "branches" });

  function line(branch: TreeBranch, depth: number): HTMLElement {
    const made = h("div", `cotlens-branch${branch.pruned ? " cotlens-pruned" : ""}`, { role: "treeitem", id: `${base}-${branch.id}`, "aria-level": depth + 1, "aria-current": branch.current ? "true" : null, "data-branch": branch.id },
      h("span", "cotlens-kind", {}, kindWords(branch)),
      h("span", "cotlens-name", { title: branch.label }, [branch.label, ...branch.tags.map((tag) => `#${tag}`), branch.note ? "✎" : ""].filter(Boolean).join(" ")),
      h("span", "cotlens-answer", {}, branch.awaits_rerun ? "not rerun" : branch.answer ?? "no answer"),
      h("span", "cotlens-number", {}, branch.p === null ? "" : probability(branch.p)));
    made.style.paddingInlineStart = `${8 + 16 * Math.min(depth, 12)}px`;
    onClick(made, signal, () => { store.own.set({ at: branch.id }); element.focus({ preventScroll: true }); });
    made.addEventListener("dblclick", () => store.ask({ kind: "goto", branch: branch.id }), { signal });
    return made;
  }

  return {
    element,
    update(changed) {
      if (any(changed, "data", "all")) element.replaceChildren(...store.rows.map(({ branch, depth }) => line(branch, depth)));
      if (!any(changed, "data", "all", "at", "marked")) return;
      const at = store.branch?.id;
      for (const each of element.children as HTMLCollectionOf<HTMLElement>) {
        const id = each.dataset["branch"] ?? "";
        setAttribute(each, "aria-selected", String(id === at));
        each.classList.toggle("cotlens-mark-pair", store.own.now.marked.includes(id));
        if (id === at) reveal(element, each);
      }
      setAttribute(element, "aria-activedescendant", at === undefined ? null : `${base}-${at}`);
    },
  };
}

/** Scrolls the list alone: `scrollIntoView` would move the notebook, too. */
function reveal(list: HTMLElement, row: HTMLElement): void {
  const [top, bottom] = [row.offsetTop - list.offsetTop, row.offsetTop - list.offsetTop + row.offsetHeight];
  if (top < list.scrollTop) list.scrollTop = top;
  else if (bottom > list.scrollTop + list.clientHeight) list.scrollTop = bottom - list.clientHeight;
}
