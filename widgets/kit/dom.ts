/** Small helpers over the DOM. Strings always become text nodes, so model text is never parsed. */

import { drawable } from "./text/special";

/** Attributes that are shown or read out. */
const SPOKEN: ReadonlySet<string> = new Set(["title", "aria-label", "aria-description", "placeholder"]);

export type Attributes = Record<string, string | number | boolean | null | undefined>;

const SVG = "http://www.w3.org/2000/svg";

function apply(element: Element, attributes: Attributes): void {
  for (const [name, value] of Object.entries(attributes)) setAttribute(element, name, value);
}

/** Sets an attribute; null, undefined and false remove it, true sets it empty. Unchanged values cost nothing. */
export function setAttribute(element: Element, name: string, value: Attributes[string]): void {
  if (value === null || value === undefined || value === false) {
    if (element.hasAttribute(name)) element.removeAttribute(name);
    return;
  }
  const text = value === true ? "" : SPOKEN.has(name) ? drawable(String(value)) : String(value);
  if (element.getAttribute(name) !== text) element.setAttribute(name, text);
}

/** An HTML element with a class, attributes and children. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  className = "",
  attributes: Attributes = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  if (className) element.className = className;
  apply(element, attributes);
  element.append(...children.map((child) => (typeof child === "string" ? drawable(child) : child)));
  return element;
}

/** An SVG element with attributes and children. */
export function svg(tag: string, attributes: Attributes = {}, ...children: Node[]): SVGElement {
  const element = document.createElementNS(SVG, tag);
  apply(element, attributes);
  element.append(...children);
  return element;
}

/** A push button. */
export function button(className: string, label: string, attributes: Attributes = {}): HTMLButtonElement {
  return h("button", className, { type: "button", ...attributes }, label);
}

/** Writes text only when it differs, so that live regions and layout are left alone. */
export function setText(element: Element, text: string): void {
  const drawn = drawable(text);
  if (element.textContent !== drawn) element.textContent = drawn;
}

export function toggle(element: Element, className: string, on: boolean): void {
  element.classList.toggle(className, on);
}

/** Keeps the element's room but hides it from eyes, pointer and screen readers: results then shift nothing. */
export function setInvisible(element: HTMLElement, invisible: boolean): void {
  const value = invisible ? "hidden" : "";
  if (element.style.visibility !== value) element.style.visibility = value;
}

/** Switches a control off with the reason as its title, or on with its usual title. */
export function setOff(control: HTMLButtonElement, reason: string | null, title = ""): void {
  // aria-disabled keeps the control focusable, so that a keyboard user can reach the reason.
  setAttribute(control, "aria-disabled", reason === null ? null : "true");
  setAttribute(control, "title", reason ?? (title || null));
}

export function isOff(control: Element): boolean {
  return control.getAttribute("aria-disabled") === "true";
}

/** Calls `act` on click unless the control is off. */
export function onClick(control: HTMLElement, signal: AbortSignal, act: (event: MouseEvent) => void): void {
  control.addEventListener("click", (event) => { if (!isOff(control)) act(event); }, { signal });
}

let counter = 0;

/** An id that is unique on the page, also between bundles: several widgets share one document. */
export function uniqueId(prefix: string): string {
  counter += 1;
  return `cotlens-${prefix}-${Math.random().toString(36).slice(2, 8)}-${counter}`;
}
