/** Puts the sections of the map together, and its keys. Knows the DOM and a store, nothing of the notebook. */

import { h } from "../kit/dom";
import { createOwnCode } from "../kit/controls/code";
import { createFoot, type KeyWords } from "../kit/controls/foot";
import { frame } from "../kit/frame";
import { onKey, type Act } from "../kit/keys";
import { followTheme } from "../kit/theme";
import { createGrid } from "./grid";
import { createHead, type HeadSection } from "./head";
import type { Context, Section } from "./context";
import { createPlane } from "./plane";
import { createSide } from "./side";
import type { Key, Store } from "./store";
import { createTree, type TreeSection } from "./tree";

/** An editor is drawn within so long after it was opened, or the focus stays in the map. */
const ENTER_MS = 5000;

const KEYS: readonly KeyWords[] = [
  [["↑", "↓"], "rollout"], [["←", "→"], "sentence"], [["Enter"], "open in the editor"], [["P"], "pin"], [["/"], "search"], [["[", "]"], "shared prefixes"], [["M"], "rows or plane"], [["C"], "code"], [["Esc"], "back"],
];

export function mount(el: HTMLElement, store: Store, signal: AbortSignal): void {
  const root = frame(el, "cotlens-view cotlens-rollouts", "rollout map", signal);
  const context: Context = { store, code: createOwnCode(root, signal, () => store.code), root, signal };
  const [head, tree, grid, plane, side] = [createHead(context), createTree(context), createGrid(context), createPlane(context), createSide(context)];
  root.append(head.element, tree.element, h("div", "cotlens-main", {}, h("div", "cotlens-pane", {}, grid.element, plane.element), side.element), createFoot(KEYS).element);
  const sections: Section[] = [head, tree, grid, plane, side];
  followTheme(root, signal, () => root.dispatchEvent(new CustomEvent("cotlens-theme")));
  const update = (changed: ReadonlySet<Key>): void => {
    for (const section of sections) section.update(changed);
    if (changed.has("entered") && store.own.now.entered > 0) enter(root, signal);
  };
  store.own.subscribe(update, signal);
  update(new Set(Object.keys(store.own.now) as Key[]));
  head.search.addEventListener("keydown", (event) => {
    if (event.key === "Escape") store.arrange({ query: "" });
    else if (event.key !== "ArrowDown" && event.key !== "Enter") return;
    grid.focus();
    event.preventDefault();
  }, { signal });
  onKey(root, signal, (event, target) => act(event, target, store, head, tree, grid.move, () => (store.own.now.tab === "rows" ? grid : plane).focus()));
}

function act(event: KeyboardEvent, target: Element, store: Store, head: HeadSection, tree: TreeSection, move: (rows: number, sentences: number) => void, focus: () => void): Act {
  if (event.ctrlKey || event.metaKey) return null;
  const { picked, tab } = store.own.now;
  const inTree = target.closest("[data-region=tree]") !== null;
  const by = event.shiftKey ? 10 : 1;
  // A text that is read scrolls by the arrows itself.
  if (event.key.startsWith("Arrow") && target.closest(".cotlens-raw")) return null;
  switch (event.key) {
    case "ArrowUp": return () => (inTree ? tree.step(-1) : move(-by, 0));
    case "ArrowDown": return () => (inTree ? tree.step(1) : move(by, 0));
    case "ArrowLeft": return () => (inTree ? tree.step(-1) : move(tab === "plane" ? -by : 0, -by));
    case "ArrowRight": return () => (inTree ? tree.step(1) : move(tab === "plane" ? by : 0, by));
    case "Home": return inTree ? () => store.arrange({ node: null }) : () => move(0, -1e6);
    case "End": return inTree ? () => tree.step(1e6) : () => move(0, 1e6);
    case "Enter": return picked === null ? null : () => store.open();
    case "p": case "P": return picked === null ? null : () => store.pin(picked.row);
    case "/": return () => { head.search.focus(); head.search.select(); };
    case "[": return () => tree.step(-1);
    case "]": return () => tree.step(1);
    case "m": case "M": return () => { store.own.set({ tab: tab === "rows" ? "plane" : "rows" }); focus(); };
    case "Escape": return leave(store);
    default: return null;
  }
}

/** Goes on in the editor below, once it is drawn. */
function enter(root: HTMLElement, signal: AbortSignal): void {
  const end = Date.now() + ENTER_MS;
  const look = (): void => {
    const texts = root.closest(".cotlens-rollouts-box")?.querySelectorAll<HTMLElement>(".cotlens-editor [data-region=text]") ?? [];
    const shown = [...texts].find((each) => each.clientHeight > 0);
    shown?.focus({ preventScroll: true });
    shown?.closest(".cotlens-root")?.scrollIntoView({ block: "nearest" });
    if (!shown && Date.now() < end && !signal.aborted) setTimeout(look, 50);
  };
  look();
}

/** Esc takes back one thing at a time. */
function leave(store: Store): Act {
  const { notice, query, node, group, only, pinned, picked } = store.own.now;
  if (notice !== null) return () => store.own.set({ notice: null });
  if (query !== "") return () => store.arrange({ query: "" });
  if (node !== null) return () => store.arrange({ node: null });
  if (group !== null) return () => store.arrange({ group: null });
  if (only !== null) return () => store.own.set({ only: null });
  if (pinned.length > 0) return () => store.own.set({ pinned: [] });
  return picked === null ? null : () => store.own.set({ picked: null });
}
