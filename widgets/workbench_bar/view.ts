/** Draws the bar. Knows the DOM and a store, nothing of the notebook. */

import { button, h, onClick, setAttribute, setOff, setText } from "../kit/dom";
import { frame } from "../kit/frame";
import { followTheme } from "../kit/theme";
import type { Store } from "./store";

interface Panel { element: HTMLElement; update(): void }

/** Draws the bar into `el` until the signal aborts. May be called for several elements with one store. */
export function mount(el: HTMLElement, store: Store, signal: AbortSignal): void {
  const root = frame(el, "cotlens-view cotlens-bench", "workbench", signal);
  const bar = h("div", "cotlens-benchpanels", { role: "toolbar", "aria-label": "panels" });
  const notice = h("p", "cotlens-benchnotice", { role: "status", "aria-live": "polite" });
  root.append(bar, notice);
  followTheme(root, signal, () => {});
  let drawn = "", panels: Panel[] = [];
  const update = (): void => {
    // Drawn anew only where the names are others: a button that was pressed keeps the focus.
    if (store.names.join() !== drawn) {
      panels = store.names.map((name) => createPanel(name, store, signal));
      bar.replaceChildren(...panels.map(({ element }) => element));
      drawn = store.names.join();
    }
    for (const panel of panels) panel.update();
    setText(notice, store.notice);
    root.toggleAttribute("data-asking", store.own.now.asking);
    setAttribute(bar, "aria-busy", store.own.now.asking ? "true" : null);
  };
  store.own.subscribe(update, signal);
  update();
}

/** The button that opens and closes a panel; while it is open, beside it the one that says how wide it is. */
function createPanel(name: string, store: Store, signal: AbortSignal): Panel {
  const shown = button("cotlens-button", name, { "data-panel": name });
  const half = button("cotlens-button cotlens-quiet", "½", { "data-half": name, "aria-label": `${name}: half the width` });
  onClick(shown, signal, () => store.turn(name));
  onClick(half, signal, () => store.widen(name));
  return {
    element: h("span", "cotlens-benchpanel", {}, shown, half),
    update() {
      const width = store.panels[name];
      setAttribute(shown, "aria-pressed", String(width !== undefined));
      setAttribute(half, "aria-pressed", String(width === "half"));
      half.hidden = width === undefined;
      setOff(shown, store.off, width === undefined ? `open ${name}` : `close ${name}`);
      setOff(half, store.off, "half the width, where there is room");
    },
  };
}
