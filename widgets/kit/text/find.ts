/** Ctrl/Cmd+F in a view that shows text: a small field above it. The browser's own search sees only what is drawn. */

import { button, h, setAttribute, setText } from "../dom";
import { isFind } from "../keys";
import { matches } from "./matches";
import { drawable } from "./special";

/** A text that a view shows, of which only a part may be drawn. Positions are UTF-16 code units. */
export interface Findable {
  text(): string;
  /** Brings a character into view, which draws it. */
  reveal(char: number): void;
  /** The element that draws a character, with the piece of text it stands for and where that begins; null where it isn't drawn. */
  cell(char: number): Cell | null;
}

export interface Cell { element: Element; start: number; piece: string }

export interface Find { element: HTMLElement; /** The text has changed, was drawn anew, or is shown no more. */ refresh(): void }

/** Styles of this name are in kit.css. One for the page: each view adds its own range. */
const PAINT = "cotlens-find";

/** `shown` is what is searched when the field opens, null while there is no text to search: the keys are the notebook's then. */
export function createFind(root: HTMLElement, signal: AbortSignal, shown: () => Findable | null): Find {
  const field = h("input", "cotlens-find-field", { type: "text", "aria-label": "find in the text", placeholder: "find in the text", spellcheck: "false", autocomplete: "off" });
  const count = h("span", "cotlens-find-count cotlens-number", { "aria-live": "polite" });
  const [before, next, close] = [["↑", "match before"], ["↓", "next match"], ["×", "close"]].map(([sign, name]) =>
    button("cotlens-button cotlens-quiet", sign as string, { "aria-label": name, title: name })) as [HTMLButtonElement, HTMLButtonElement, HTMLButtonElement];
  const element = h("div", "cotlens-find", { role: "group", "aria-label": "find", hidden: true }, field, count, before, next, close);
  let target: Findable | null = null;
  let searched = { text: "", wanted: "" };
  let found: number[] = [];
  let at = 0;
  let back: HTMLElement | null = null;
  let painted: Range | null = null;

  function open(): void {
    if (element.hidden) {
      const active = (root.getRootNode() as Document | ShadowRoot).activeElement;
      back = active instanceof HTMLElement ? active : root;
      target = shown();
      element.hidden = false;
      search();
    }
    field.focus({ preventScroll: true });
    field.select();
  }

  function shut(): void {
    element.hidden = true;
    paint(null);
    back?.focus({ preventScroll: true });
  }

  /** Looks again, from the match that is shown. */
  function search(): void {
    const from = found[at] ?? 0;
    searched = { text: target?.text() ?? "", wanted: field.value };
    found = matches(searched.text, searched.wanted);
    at = Math.max(0, found.findIndex((start) => start >= from));
    go(0);
  }

  function go(by: number): void {
    at = found.length ? (at + by + found.length) % found.length : 0;
    setText(count, field.value === "" ? "" : found.length ? `${(at + 1).toLocaleString("en-US")} of ${found.length.toLocaleString("en-US")}` : "no match");
    for (const each of [before, next]) setAttribute(each, "aria-disabled", found.length ? null : "true");
    const start = found[at];
    if (start !== undefined) target?.reveal(start);
    repaint();
  }

  function repaint(): void {
    const start = found[at];
    paint(target && start !== undefined ? rangeOf(target, start, start + searched.wanted.length) : null);
  }

  function paint(range: Range | null): void {
    const paints = globalThis.CSS?.highlights;
    if (!paints) return;
    const paint = paints.get(PAINT) ?? new Highlight();
    paints.set(PAINT, paint);
    if (painted) paint.delete(painted);
    if (range) paint.add(range);
    painted = range;
  }

  root.dataset["finds"] = "";
  root.addEventListener("keydown", (event) => {
    if (!isFind(event, root) || event.defaultPrevented) return;
    event.preventDefault();
    open();
  }, { signal });
  element.addEventListener("keydown", (event) => {
    if (event.key === "Escape") shut();
    else if (event.key === "Enter" && event.target === field && !event.isComposing) go(event.shiftKey ? -1 : 1);
    else return;
    event.preventDefault();
  }, { signal });
  field.addEventListener("input", search, { signal });
  before.addEventListener("click", () => go(-1), { signal });
  next.addEventListener("click", () => go(1), { signal });
  close.addEventListener("click", shut, { signal });
  signal.addEventListener("abort", () => paint(null));

  return {
    element,
    refresh() {
      root.toggleAttribute("data-finds", shown() !== null);
      if (element.hidden) return;
      if (shown() === null) { element.hidden = true; paint(null); return; }
      // Only another text is searched again: while one scrolls, what was found is but drawn anew.
      if (target && target.text() !== searched.text) search();
      else repaint();
    },
  };
}

/** The range in the document that shows the characters start..end; null where their beginning isn't drawn. */
function rangeOf(text: Findable, start: number, end: number): Range | null {
  const first = text.cell(start);
  if (!first) return null;
  const last = text.cell(end - 1) ?? first;
  const range = document.createRange();
  range.setStart(...placeIn(first, start));
  range.setEnd(...placeIn(last, end));
  return range;
}

/** Where a character stands in what is drawn: that may lack a space at its begin, and has signs for some characters. */
function placeIn({ element, start, piece }: Cell, char: number): [Node, number] {
  const node = element.firstChild ?? element;
  const seen = node.textContent ?? "";
  const cut = Math.max(0, drawable(piece).indexOf(seen));
  const offset = drawable(piece.slice(0, char - start)).length - cut;
  return [node, Math.max(0, Math.min(seen.length, offset))];
}
