/** Where colours end: at the largest effect of what is shown, at that of all it is compared with, or where it is locked. */

import { button, h, onClick, setAttribute, setText } from "../dom";
import { figure } from "../numbers";
import type { Lock } from "../protocol";

export type { Lock } from "../protocol";

export type Over = "this" | "all";

/** The largest effects: of what is shown, and of all that it can be compared with, which are `count` things. */
export interface Largest { here: number; all: number; count: number }
export interface Scale { scale: number; note: string; locked: boolean }

/** `words` name what is shown and what it is compared with: ["this branch", "all branches"]. */
export type Words = readonly [one: string, all: string];

export function scaleOf({ here, all, count }: Largest, unit: string, over: Over, lock: Lock | null, words: Words): Scale {
  if (lock !== null && lock.unit === unit && lock.scale > 0) {
    const beyond = here > lock.scale * 1.0005 ? `, the largest here is ${figure(here)}` : "";
    return { scale: lock.scale, note: `locked at ${figure(lock.scale)} ${unit}${beyond}`, locked: true };
  }
  const wide = over === "all" && count > 1;
  return { scale: wide ? Math.max(here, all) : here, note: `the largest effect ${count > 1 ? `on ${words[wide ? 1 : 0]}` : "here"}`, locked: false };
}

export interface ScaleControl { element: HTMLElement; show(scale: Scale, count: number, over: Over): void; hide(): void }

/** The switch between both, and the lock. */
export function createScaleControl(signal: AbortSignal, words: Words, choose: (over: Over) => void, lock: () => void): ScaleControl {
  const sides = (["this", "all"] as const).map((over, i) => {
    const each = button("cotlens-seg", words[i] as string, { "data-scale": over, title: `full colour: the largest effect on ${words[i]}` });
    onClick(each, signal, () => choose(over));
    return each;
  });
  const which = h("span", "cotlens-segs", { role: "group", "aria-label": "colours reach to the largest effect on" }, ...sides);
  const hold = button("cotlens-seg", "lock", { "data-action": "lock" });
  onClick(hold, signal, lock);
  const element = h("span", "cotlens-scale", {}, which, h("span", "cotlens-segs", {}, hold));
  return {
    element,
    show({ locked }, count, over) {
      element.hidden = false;
      which.hidden = count < 2 || locked;
      sides.forEach((each, i) => setAttribute(each, "aria-pressed", String((i === 1) === (over === "all"))));
      setText(hold, locked ? "locked" : "lock");
      setAttribute(hold, "aria-pressed", String(locked));
      setAttribute(hold, "title", locked ? "let the colours follow what is shown again" : "keep these colours whatever is shown, here and in linked widgets");
    },
    hide() { element.hidden = true; },
  };
}
