/** Puts the sections of the table together, and its keys. Knows the DOM and a store, nothing of the notebook. */

import { h, setText } from "../kit/dom";
import { createFind } from "../kit/text/find";
import { createBeforeAfter } from "../kit/controls/before-after";
import { createCodePanel } from "../kit/controls/code";
import { createNotice } from "../kit/controls/notice";
import { createFoot, type KeyWords } from "../kit/controls/foot";
import { frame } from "../kit/frame";
import { setIntensity } from "../kit/heat/heat";
import { onKey, retraces, type Act } from "../kit/keys";
import { count } from "../kit/numbers";
import { followTheme } from "../kit/theme";
import { createDetail, type DetailSection } from "./detail";
import { createHead, type HeadSection } from "./head";
import type { Context, Section } from "./context";
import { createRows, type RowsSection } from "./rows";
import type { Key, Store } from "./store";
import { createCaption, createText, type TextSection } from "./text";

const KEYS: readonly KeyWords[] = [
  [["↑", "↓"], "latent, or sentence"], [["←", "→"], "token"], [["Shift"], "extend"], [["/"], "search latents"], [["Ctrl/⌘", "F"], "find in the text"], [["P"], "pin"], [["H"], "hide"], [["N"], "name"], [["E"], "exact effects"],
  [["R"], "rerun"], [["[", "]"], "branches"], [["C"], "code"], [["Esc"], "back"],
];

export function mount(el: HTMLElement, store: Store, signal: AbortSignal): void {
  const root = frame(el, "cotlens-view cotlens-features", "feature table", signal);
  setIntensity(root, 0.5);
  const context: Context = { store, root, signal };
  const text: TextSection = createText(context, () => find.refresh());
  const find = createFind(root, signal, () => text.text);
  const code = createCodePanel(signal, () => ({ code: store.get("code"), codeOpen: store.own.now.codeOpen }), (codeOpen) => store.own.set({ codeOpen }));
  root.addEventListener("cotlens-copy", () => void code.copyNow(), { signal });
  const [head, rows, detail] = [createHead(context, code.opener), createRows(context), createDetail(context)] as const;
  const [caption, outcome, notice] = [createCaption(context), createBeforeAfter(), createNotice<Key>(store.own, "notice", signal)];
  const foot = createFoot(KEYS);
  const sums = h("span", "cotlens-sums");
  const said = h("p", "cotlens-unseen", { role: "status", "aria-live": "polite" });
  root.append(head.element, code.panel, caption.element, h("div", "cotlens-textpane", {}, text.element, find.element), h("div", "cotlens-pane", {}, rows.element, notice.element), detail.element, outcome.element,
    h("div", "cotlens-summary", {}, sums), foot.element, said);
  const sections: Section[] = [head, text, rows, detail, caption, notice];
  const update = (changed: ReadonlySet<Key>): void => {
    if (changed.has("asking")) root.toggleAttribute("data-asking", store.own.now.asking);
    for (const section of sections) section.update(changed);
    if (changed.has("outcome") || changed.has("trace")) outcome.draw(store.comparison, store.stream);
    if (changed.has("code") || changed.has("codeOpen")) code.draw();
    if (changed.has("rows") || changed.has("effects") || changed.has("activity")) setText(sums, summary(store));
    if (changed.has("rows")) setText(said, `${store.rows.length} latents listed`);
  };
  store.own.subscribe(update, signal);
  update(new Set(Object.keys(store.own.now) as Key[]));
  listenForKeys(context, { head, text, rows, detail });
  followTheme(root, signal, () => {});
}

/** How many are listed, and what effects are effects on. */
export function summary(store: Store): string {
  const { effect, latents } = store;
  const listed = `${count(store.rows.length, "latent")} listed, ${latents.count.toLocaleString("en-US")} active in the trace`;
  if (!store.read) return "";
  if (effect.why !== "") return `${listed} · no effects: ${effect.why}`;
  const agreement = effect.agreement === null ? "" : `, which agree with the exact ones at r = ${effect.agreement.toFixed(2).replace("-", "−").replace("0.", ".")} over ${effect.compared}`;
  return `${listed} · effect: ${effect.words}, as it is minus with the latent ablated, in ${effect.unit}; + supports “${effect.target}” · estimates are first order${agreement}`;
}

interface Named { head: HeadSection; text: TextSection; rows: RowsSection; detail: DetailSection }

function listenForKeys({ store, root, signal }: Context, parts: Named): void {
  parts.head.search.addEventListener("keydown", (event) => {
    if (event.key === "Escape") parts.head.clear();
    else if (event.key !== "ArrowDown") return;
    else if (store.own.now.picked === null) parts.rows.next(1);
    parts.rows.focus();
    event.preventDefault();
  }, { signal });
  onKey(root, signal, (event, target) =>
    (target.closest("[data-region=text]") ? inText(event, parts.text) : null) ?? anywhere(event, store, root, parts));
}

function inText(event: KeyboardEvent, text: TextSection): Act {
  switch (event.key) {
    case "ArrowLeft": return () => text.move(-1, event.shiftKey);
    case "ArrowRight": return () => text.move(1, event.shiftKey);
    case "ArrowUp": return () => text.sentence(-1);
    case "ArrowDown": return () => text.sentence(1);
    case "Home": return () => text.edge(false);
    case "End": return () => text.edge(true);
    default: return null;
  }
}

function anywhere(event: KeyboardEvent, store: Store, root: HTMLElement, { head, rows, detail }: Named): Act {
  const retrace = retraces(event);
  if (retrace) return () => store.ask({ kind: retrace });
  if (event.ctrlKey || event.metaKey) return null;
  const { picked } = store.own.now;
  switch (event.key) {
    case "/": return () => { head.search.focus(); head.search.select(); };
    case "p": case "P": return picked === null ? null : () => store.toggle("pinned", picked);
    case "h": case "H": return picked === null ? null : () => store.toggle("hidden", picked);
    case "n": case "N": return picked === null ? null : () => detail.rename();
    case "e": case "E": return () => store.measure(rows.shown());
    case "r": case "R": return () => detail.run();
    case "c": case "C": return () => root.dispatchEvent(new CustomEvent("cotlens-copy"));
    case "[": return () => step(store, -1);
    case "]": return () => step(store, 1);
    case "Escape": return leave(store);
    default: return null;
  }
}

/** The branch beside the one that is shown, or that will be: two quick steps are two steps. */
function step(store: Store, by: number): void {
  const { branches, heading } = store;
  const next = branches[branches.findIndex((branch) => (heading === null ? branch.current : branch.id === heading)) + by];
  if (next) store.goto(next.id);
}

/** Esc takes back one thing at a time. */
function leave(store: Store): Act {
  const { notice, codeOpen, query, selection, picked } = store.own.now;
  if (notice) return () => store.own.set({ notice: null });
  if (codeOpen) return () => store.own.set({ codeOpen: false });
  if (query !== "") return () => store.arrange({ query: "" });
  if (selection) return () => store.select(null);
  if (picked !== null) return () => store.own.set({ picked: null });
  return null;
}
