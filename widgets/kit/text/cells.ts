/**
 * The text of a view as a grid for screen readers: each line that a view draws is a row, each piece of text a cell.
 * A grid takes arrow keys as a list box does, and may hold buttons, which a list box may not.
 */

import { h, setAttribute, type Attributes } from "../dom";
import { spokenPiece } from "./special";

/** What cells are called that show no character of their own; of the others the text is the name. */
const names = new WeakMap<Element, string>();

/** Makes an element that draws a piece of text a cell of it; `name` where more is to be said than is seen. */
export function asCell<E extends Element>(element: E, piece: string, name?: string): E {
  if (name !== undefined || (element.textContent ?? "").trim() === "") names.set(element, name ?? spokenPiece(piece));
  setAttribute(element, "role", "gridcell");
  setAttribute(element, "aria-label", names.get(element) ?? null);
  return element;
}

/** A line of one cell: a heading, a note, a text that can't be picked. */
export function wholeRow(className: string, ...children: (Node | string)[]): HTMLElement {
  return h("div", "", { role: "row" }, h("div", className, { role: "gridcell" }, ...children));
}

/** The element at the head of a line, for example the button that picks it. */
export function rowHead(className: string, attributes: Attributes, label: string): HTMLElement {
  return h("span", "cotlens-row-head", { role: "rowheader" }, h("button", className, { type: "button", tabindex: -1, ...attributes }, label));
}

/** Makes a cell the one that the grid's `aria-activedescendant` names. */
export function pointAt(cell: Element, id: string, spoken: string): void {
  for (const [name, value] of Object.entries({ id, "aria-selected": "true", "aria-label": spoken })) setAttribute(cell, name, value);
}

/** Takes that back. */
export function letGo(cell: Element): void {
  for (const name of ["id", "aria-selected"]) cell.removeAttribute(name);
  setAttribute(cell, "aria-label", names.get(cell) ?? null);
}
