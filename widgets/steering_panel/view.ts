/** Puts the sections together. Knows the DOM and a store, nothing of the notebook. */

import { h } from "../kit/dom";
import { createFoot, type MarkWords } from "../kit/controls/foot";
import { frame } from "../kit/frame";
import { followTheme } from "../kit/theme";
import { Actions } from "./actions";
import { createFindings } from "./findings";
import { createHead } from "./head";
import { KEYS as KEY_WORDS, listenForKeys } from "./keys";
import { createNotice } from "./notice";
import { createPanes } from "./texts/panes";
import type { Context, Section } from "./context";
import type { Key, Store } from "./store";
import { createSweep } from "./vectors/sweep";
import { createTools } from "./tools";
import { createVectors } from "./vectors/vectors";

/** A request that has met silence for so long is worth a word. */
const SILENCE_MS = 3000;
const MARKS: readonly MarkWords[] = [["cotlens-sample-gone", "gone"], ["cotlens-sample-come", "new"]];

/** Draws the panel into `el` until the signal aborts. May be called for several elements with one store. */
export function mount(el: HTMLElement, store: Store, signal: AbortSignal): HTMLElement {
  const root = frame(el, "cotlens-view cotlens-steering", "steering panel", signal);
  const context: Context = { store, actions: new Actions(store, signal), root, signal };
  const [head, vectors, tools, panes, findings, sweep, notice] = [createHead, createVectors, createTools, createPanes, createFindings, createSweep, createNotice].map((make) => make(context)) as [Section, Section, Section, Section, Section, Section, Section];
  const foot = createFoot(KEY_WORDS);
  foot.marks(MARKS);
  panes.element.append(notice.element);
  root.append(head.element, vectors.element, tools.element, panes.element, findings.element, sweep.element, foot.element);
  listenForKeys(context);
  followTheme(root, signal, () => undefined);

  const sections = [head, vectors, tools, panes, findings, sweep, notice];
  let waiting: Set<Key> | null = null;
  const update = (changed: ReadonlySet<Key>): void => {
    try {
      if (changed.has("asking")) root.toggleAttribute("data-asking", store.now.asking);
      for (const section of sections) section.update(changed);
    } catch (error) {
      failed(root, error);
    }
  };
  // A message from Python sets several traits one by one: they are drawn together.
  store.subscribe((changed) => {
    if (waiting) { for (const key of changed) waiting.add(key); return; }
    waiting = new Set(changed);
    queueMicrotask(() => { const all = waiting; waiting = null; if (all && !signal.aborted) update(all); });
  }, signal);
  update(new Set(Object.keys(store.now) as Key[]));
  const watch = setInterval(() => store.set({ silent: !store.running && store.requests.silence() > SILENCE_MS }), 500);
  signal.addEventListener("abort", () => clearInterval(watch));
  return root;
}

/** An error of the view itself is shown where it happened; the kernel's work is untouched by it. */
function failed(root: HTMLElement, error: unknown): void {
  console.error(error);
  root.querySelector(".cotlens-failed")?.remove();
  const words = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  root.prepend(h("div", "cotlens-failed", { role: "alert" }, `The panel could not draw this (${words}). Display the widget again; the traces in Python are unharmed.`));
}
