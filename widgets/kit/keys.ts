/** Keys: what is pressed in a widget is the widget's, and the notebook around it acts on none of it. */

/** JupyterLab passes over an element with this attribute, and over all that hold it. */
const SUPPRESS = "data-lm-suppress-shortcuts";

/** With Ctrl or Cmd, these do nothing to a cell: save, find, find again, print, side bars, settings; with Shift, the palette. */
const HOSTS = /^[sfgpbj,]$/;
const HOSTS_SHIFTED = /^[sfgpc]$/;

/** The keys with which a slider moves. */
const SLIDES = new Set(["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End", "PageUp", "PageDown"]);

/** Something to do, or null where a key means nothing. */
export type Act = (() => void) | null;

type Pressed = Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "altKey" | "shiftKey">;

/** Whether a key is the notebook's, wherever the focus is. Running, cutting, moving or undoing cells is not among them. */
export function belongsToHost({ key, ctrlKey, metaKey, altKey, shiftKey }: Pressed): boolean {
  if (altKey) return false;
  if (/^F\d+$/.test(key)) return true;
  return (ctrlKey || metaKey) && (shiftKey ? HOSTS_SHIFTED : HOSTS).test(key.toLowerCase());
}

/** Ctrl/Cmd+F in a view that can search its text (kit/text/find.ts); while text is edited it is still the notebook's. */
export function isFind(event: KeyboardEvent, root: HTMLElement): boolean {
  const { key, ctrlKey, metaKey, altKey, shiftKey } = event;
  const target = event.composedPath()[0];
  return key.toLowerCase() === "f" && (ctrlKey || metaKey) && !altKey && !shiftKey && "finds" in root.dataset
    && target instanceof Element && target.closest("[contenteditable=true]") === null;
}

/** Ctrl/Cmd+Z, and with Shift or as Ctrl+Y its opposite: a person's own step, taken back or taken again. */
export function retraces({ key, ctrlKey, metaKey, altKey, shiftKey }: Pressed): "undo" | "redo" | null {
  if (altKey || !(ctrlKey || metaKey)) return null;
  if (key.toLowerCase() === "z") return shiftKey ? "redo" : "undo";
  return key.toLowerCase() === "y" && !shiftKey ? "redo" : null;
}

/** Whether the element that has the focus uses a key itself: a field all of them, a slider and a button a few. */
export function usedBy(target: Element, key: string): boolean {
  if (target.matches("input[type=range]")) return SLIDES.has(key);
  if (target.matches("button, summary, a[href]")) return key === "Enter" || key === " ";
  return target.closest("input, select, textarea, [contenteditable=true]") !== null;
}

/** Keeps the keys that are pressed inside `root` from the notebook, save for its own. */
export function keepKeys(root: HTMLElement, signal: AbortSignal): void {
  // Some hosts listen on the document on the way down, before every element; JupyterLab did so before 4.6. It looks from
  // the focused element upwards and most of its rules fit that element itself, so the mark has to be there by then:
  // only the window is earlier.
  window.addEventListener("keydown", (event) => {
    const target = event.composedPath()[0];
    if (!(target instanceof Element) || !root.contains(target)) return;
    if (belongsToHost(event) && !isFind(event, root)) target.removeAttribute(SUPPRESS);
    else target.setAttribute(SUPPRESS, "true");
  }, { capture: true, signal });
  // The others listen on the way up: JupyterLab, Notebook, VS Code, marimo.
  root.addEventListener("keydown", (event) => { if (!belongsToHost(event) || isFind(event, root)) event.stopPropagation(); }, { signal });
}

/** Does what `find` gives for a key, unless the focused element uses the key itself. */
export function onKey(root: HTMLElement, signal: AbortSignal, find: (event: KeyboardEvent, target: Element) => Act): void {
  root.addEventListener("keydown", (event) => {
    const target = event.target as Element;
    if (event.defaultPrevented || event.altKey || event.isComposing || usedBy(target, event.key)) return;
    const act = find(event, target);
    if (!act) return;
    act();
    event.preventDefault();
  }, { signal });
}
