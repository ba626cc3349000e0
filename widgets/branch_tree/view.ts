/** Puts the sections of the tree together. Knows the DOM and a store, nothing of the notebook. */

import { createOwnCode } from "../kit/controls/code";
import { createFoot, type KeyWords } from "../kit/controls/foot";
import { button, h, onClick, setText } from "../kit/dom";
import { frame } from "../kit/frame";
import { onKey, retraces, type Act } from "../kit/keys";
import { count } from "../kit/numbers";
import { followTheme } from "../kit/theme";
import { createDetail, type DetailSection } from "./detail";
import { createLines } from "./lines";
import { any, type Context, type Section } from "./context";
import type { Key, Store } from "./store";

const WORDS: readonly KeyWords[] = [
  [["↑", "↓"], "branch"], [["Enter"], "show it"], [["M"], "compare"], [["Delete"], "prune"], [["F2"], "name"], [["C"], "code"], [["Ctrl/⌘", "Z"], "undo"],
];

/** Draws the tree into `el` until the signal aborts. May be called for several elements with one store. */
export function mount(el: HTMLElement, store: Store, signal: AbortSignal): void {
  const root = frame(el, "cotlens-view cotlens-branchtree", "branches", signal);
  const context: Context = { store, code: createOwnCode(root, signal, () => store.code), root, signal };
  const [head, lines, detail] = [createHead(context), createLines(context), createDetail(context)];
  root.append(head.element, h("div", "cotlens-main", {}, h("div", "cotlens-pane", {}, lines.element), h("div", "cotlens-side", {}, detail.element)), createFoot(WORDS).element);
  onKey(root, signal, (event) => keys(event, store, detail));
  followTheme(root, signal, () => root.dispatchEvent(new CustomEvent("cotlens-theme")));
  const sections: Section[] = [head, lines, detail];
  const update = (changed: ReadonlySet<Key>): void => { for (const section of sections) section.update(changed); };
  store.own.subscribe(update, signal);
  update(new Set(Object.keys(store.own.now) as Key[]));
}

function createHead({ store, code, signal }: Context): Section {
  const said = h("span", "cotlens-model");
  const status = h("span", "", { role: "status", "aria-live": "polite" });
  const all = button("cotlens-link", "", { "data-action": "all" });
  onClick(all, signal, () => store.own.set({ all: !store.own.now.all }));
  return {
    element: h("div", "cotlens-top", {}, h("div", "cotlens-head", {}, said, h("span", "cotlens-status", {}, status, all), code.opener), code.panel),
    update(changed) {
      if (!any(changed, "data", "all", "notice", "broken")) return;
      code.draw();
      const answers = new Set(store.branches.flatMap(({ answer }) => answer ?? []));
      setText(said, `${count(store.branches.length - store.pruned, "branch", "branches")}, ${count(answers.size, "answer")}`);
      setText(status, store.own.now.notice ?? store.off ?? "");
      all.hidden = store.pruned === 0;
      setText(all, store.own.now.all ? "hide what was pruned" : `${store.pruned} pruned`);
    },
  };
}

function keys(event: KeyboardEvent, store: Store, detail: DetailSection): Act {
  const kind = retraces(event);
  if (kind) return () => store.ask({ kind });
  if (event.ctrlKey || event.metaKey) return null;
  const branch = store.branch;
  switch (event.key) {
    case "ArrowDown": return () => store.step(1);
    case "ArrowUp": return () => store.step(-1);
    case "Home": return () => store.step(-Infinity);
    case "End": return () => store.step(Infinity);
    case "Enter": return branch && (() => store.ask({ kind: "goto", branch: branch.id }));
    case "Delete": return branch && (() => store.ask({ kind: branch.pruned ? "restore" : "prune", branch: branch.id }));
    case "F2": return () => detail.rename();
    case "m": case "M": return () => store.mark();
    case "Escape": return store.own.now.marked.length ? () => store.own.set({ marked: [] }) : null;
    default: return null;
  }
}
