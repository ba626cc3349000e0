/** A button that opens a panel below itself. Esc, a click elsewhere or leaving with Tab closes it. */

import { button, h, setAttribute, uniqueId } from "../dom";

export interface Menu { element: HTMLElement; opener: HTMLButtonElement; panel: HTMLElement; close(): void }

export function menu(className: string, label: string, signal: AbortSignal, opened: (panel: HTMLElement) => void): Menu {
  const panel = h("div", "cotlens-panel", { id: uniqueId("panel"), hidden: true });
  const opener = button(className, label, { "aria-expanded": "false", "aria-controls": panel.id });
  const element = h("span", "cotlens-menu", {}, opener, panel);
  const set = (open: boolean): void => {
    panel.hidden = !open;
    setAttribute(opener, "aria-expanded", String(open));
    if (open) opened(panel);
  };
  opener.addEventListener("click", () => set(panel.hidden === true), { signal });
  element.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || panel.hidden) return;
    event.preventDefault();
    set(false);
    opener.focus();
  }, { signal });
  element.addEventListener("focusout", (event) => {
    if (event.relatedTarget && !element.contains(event.relatedTarget as Node)) set(false);
  }, { signal });
  document.addEventListener("pointerdown", (event) => {
    if (!panel.hidden && !element.contains(event.target as Node)) set(false);
  }, { signal });
  return { element, opener, panel, close: () => set(false) };
}
