/** A chip of a trail: what was done, and what came of it. Short of room the first is cut, and never the answer. */

import { button, h } from "./dom";

export function chip(label: string, answer: string | null, current: boolean): HTMLButtonElement {
  const made = button("cotlens-chip", "", { "aria-current": current ? "true" : null });
  made.append(h("span", "cotlens-chip-label", {}, label));
  if (answer !== null) made.append(h("span", "cotlens-chip-answer", {}, `\u00a0→ ${answer}`));
  return made;
}
