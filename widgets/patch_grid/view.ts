/** Puts the grid and what is done with it together. Knows the DOM and a store, nothing of the notebook. */

import { decodeGrid, drawGrid } from "../grid/view";
import { createNotice } from "../kit/controls/notice";
import { h } from "../kit/dom";
import { frame } from "../kit/frame";
import { setIntensity } from "../kit/heat/heat";
import { onKey } from "../kit/keys";
import type { Lock } from "../kit/heat/scale";
import type { SharedLock } from "../kit/kernel/display-only";
import { followTheme } from "../kit/theme";
import { createBranches, createOutcome, type Section } from "./work";
import type { Key, Store } from "./store";

export function mount(el: HTMLElement, store: Store, signal: AbortSignal): void {
  const root = frame(el, "cotlens-view cotlens-layers cotlens-patchgrid", "patch grid", signal);
  setIntensity(root, 0.5);
  const grid = h("div", "cotlens-gridroom");
  const sections: Section[] = [createBranches(store, root, signal), createNotice<Key>(store.own, "notice", signal), createOutcome(store)];
  root.append(grid, ...sections.map((section) => section.element));
  let life = new AbortController();
  signal.addEventListener("abort", () => life.abort());

  /** What came while a cell was carried is drawn when it is dropped. */
  let waiting = false;
  root.addEventListener("cotlens-dropped", () => { if (waiting) redraw(); }, { signal });

  /** A grid that has more in it is drawn anew, and goes on where it was. */
  function redraw(): void {
    waiting = grid.querySelector("[data-carrying]") !== null;
    if (waiting) return;
    const held = root.ownerDocument.activeElement?.closest("[data-region=layers]") !== null && grid.contains(root.ownerDocument.activeElement);
    life.abort();
    life = new AbortController();
    grid.replaceChildren();
    const found = decodeGrid((key) => store.get(key as "grid"));
    const wanted = store.opening;
    if (found) {
      const context = drawGrid(grid, found, life.signal, { sharedLock: lockOf(store), traits: store.traits, acts: store, memory: store.memory });
      if (context && wanted !== null && context.data.hasTokens(wanted)) { store.opening = null; grid.dispatchEvent(new CustomEvent("cotlens-open", { detail: wanted })); }
    } else grid.append(h("p", "cotlens-note", {}, store.running ? "The grid is being measured; it stands here when it is done." : "There is no grid to show."));
    if (held) grid.querySelector<HTMLElement>("[data-region=layers]")?.focus({ preventScroll: true });
  }

  let off = store.off();
  const update = (changed: ReadonlySet<Key>): void => {
    if (store.off() !== off) {
      off = store.off();
      grid.dispatchEvent(new CustomEvent("cotlens-acts"));
    }
    if (changed.has("asking")) root.toggleAttribute("data-asking", store.own.now.asking);
    if (changed.has("grid") || (changed.has("job") && !grid.querySelector("[data-region=layers]"))) redraw();
    for (const section of sections) section.update(changed);
  };
  store.own.subscribe(update, signal);
  update(new Set(Object.keys(store.own.now) as Key[]));
  onKey(root, signal, (event) => {
    if (event.ctrlKey || event.metaKey) return null;
    if (event.key === "[" || event.key === "]") return () => store.step(event.key === "[" ? -1 : 1);
    return event.key.toLowerCase() === "c" ? () => root.dispatchEvent(new CustomEvent("cotlens-copy")) : null;
  });
  followTheme(root, signal, () => grid.dispatchEvent(new CustomEvent("cotlens-theme")));
}

/** The lock of the colours, which linked widgets share. */
function lockOf({ traits }: Store): SharedLock {
  return {
    now() { const lock = traits.get("scale_lock") as Partial<Lock> | null; return typeof lock?.unit === "string" && typeof lock.scale === "number" ? { unit: lock.unit, scale: lock.scale } : null; },
    hold: (lock) => traits.save("scale_lock", lock ?? {}),
    follow: (changed, signal) => traits.follow("scale_lock", changed, signal),
  };
}
