/** Puts the sections together. Knows the DOM and a store, nothing of the notebook. */

import { h } from "../kit/dom";
import { createFind } from "../kit/text/find";
import { frame } from "../kit/frame";
import { setIntensity } from "../kit/heat/heat";
import { followTheme } from "../kit/theme";
import { Actions } from "./actions";
import { createAdvice } from "./text/advice";
import { createEditing } from "./text/editing";
import { createFoot } from "./foot";
import { createHead } from "./head";
import { createInspector } from "./side/inspector";
import { listenForKeys } from "./keys";
import { createNotice } from "./text/notice";
import type { Context, Section } from "./context";
import { KEYS } from "./payload";
import { createReading, type ReadingSection } from "./text/reading";
import { createShade } from "./shading/shade";
import type { Key, Store } from "./store";
import { createStrip } from "./strip/strip";

/** A request that has met silence for so long is worth a word. */
const SILENCE_MS = 3000;

/** Draws the editor into `el` until the signal aborts. May be called for several elements with one store. */
export function mount(el: HTMLElement, store: Store, signal: AbortSignal): HTMLElement {
  const root = frame(el, "cotlens-editor", "chain of thought editor", signal);
  const actions = new Actions(store);
  const context: Context = { store, actions, root, signal };
  const strip = createStrip(context, (token, where) => reading.reveal(token, where));
  const reading: ReadingSection = createReading(context, (first, last) => strip.frame(first, last), () => find.refresh());
  const find = createFind(root, signal, () => (store.own.editing ? null : reading.text));
  const editing = createEditing(context);
  const text = h("div", "cotlens-pane", {}, reading.element, editing.element);
  const notice = createNotice(context);
  const advice = createAdvice(context);
  text.append(notice.element, advice.element, find.element);
  const inspector = createInspector(context);
  const main = h("div", "cotlens-main", {}, text, inspector.element);
  const head = createHead(context);
  const shade = createShade(context);
  const foot = createFoot(context);
  root.append(head.element, shade.element, strip.element, main, foot.element);
  listenForKeys(root, store, actions, signal);
  followTheme(root, signal, () => root.dispatchEvent(new CustomEvent("cotlens-theme")));

  const sections: Section[] = [head, shade, reading, strip, inspector, foot, notice, advice, editing];
  const update = (changed: ReadonlySet<Key>): void => {
    try {
      if (changed.has("asking")) root.toggleAttribute("data-asking", store.own.asking);
      if (changed.has("intensity")) setIntensity(root, store.own.intensity);
      if (changed.has("editing")) {
        if (store.own.editing && !reading.element.hidden) editing.caretTop(caretTop(reading.element));
        reading.element.hidden = store.own.editing !== null;
        find.refresh();
      }
      for (const section of sections) section.update(changed);
    } catch (error) {
      failed(root, error);
    }
  };
  store.subscribe(update, signal);
  update(new Set<Key>([...KEYS, ...(Object.keys(store.own) as Key[])]));
  const watch = setInterval(() => store.setOwn({ silent: !store.running && store.requests.silence() > SILENCE_MS }), 500);
  signal.addEventListener("abort", () => clearInterval(watch));
  return root;
}

/** Where the picked token stands in the window, so that the editor opens with its caret there. */
function caretTop(reading: HTMLElement): number {
  const span = reading.querySelector(".cotlens-cur, .cotlens-in");
  if (!span) return 40;
  const top = span.getBoundingClientRect().top - reading.getBoundingClientRect().top - 36;
  return Math.max(8, Math.min(reading.clientHeight - 80, top));
}

/** An error of the view itself is shown where it happened; the kernel's work is untouched by it. */
function failed(root: HTMLElement, error: unknown): void {
  console.error(error);
  root.querySelector(".cotlens-failed")?.remove();
  const words = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  root.prepend(h("div", "cotlens-failed", { role: "alert" }, `The editor could not draw this (${words}). Display the widget again; the trace in Python is unharmed.`));
}
