/** The foot of a view: the keys that work in it, and what its marks mean. */

import { h } from "../dom";

export type KeyWords = readonly [keys: readonly string[], what: string];
export type MarkWords = readonly [className: string, what: string];

export function createFoot(keys: readonly KeyWords[]): { element: HTMLElement; marks(entries: readonly MarkWords[]): void } {
  const right = h("span", "cotlens-foot-marks");
  const left = h("span", "cotlens-foot-keys", {}, ...keys.map(([names, what]) =>
    h("span", "cotlens-keys", {}, ...names.flatMap((name) => [h("kbd", "cotlens-kbd", {}, name), " "]), what)));
  return {
    element: h("div", "cotlens-foot", {}, left, right),
    marks(entries) {
      right.replaceChildren(...entries.map(([className, what]) => h("span", "cotlens-mark", {}, h("i", className, { "aria-hidden": "true" }), what)));
    },
  };
}
