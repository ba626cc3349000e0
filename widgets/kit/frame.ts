/** The root element of every widget: its place in the notebook's layout, its keys and its focus. */

import { h } from "./dom";
import { keepFocus } from "./focus";
import { keepKeys } from "./keys";

/** Appends the root of a view to the element that the notebook gives; it goes when the signal aborts. */
export function frame(el: HTMLElement, className: string, label: string, signal: AbortSignal): HTMLElement {
  // Focusable, so that a click beside the controls leaves the keys in the widget and not with the cell.
  const root = h("div", `cotlens-root ${className}`, { role: "group", "aria-label": label, tabindex: -1 });
  el.classList.add("cotlens-host");
  el.append(root);
  signal.addEventListener("abort", () => root.remove());
  keepKeys(root, signal);
  keepFocus(root, signal);
  return root;
}
