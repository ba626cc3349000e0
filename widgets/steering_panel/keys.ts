/** The keys of the panel. Handled keys go no further, or the notebook would act on them too. */

import type { KeyWords } from "../kit/foot";
import type { Context } from "./part";

export const KEYS: readonly KeyWords[] = [
  [["←", "→"], "strength, or token"], [["R"], "rerun from the token"], [["H"], "steer from it on"], [["K"], "random control"], [["0"], "all to 0"], [["[", "]"], "try"], [["Esc"], "stop"],
];

export function listenForKeys({ store, actions, root, signal }: Context): void {
  root.addEventListener("keydown", (event) => {
    const target = event.target as HTMLElement;
    if (event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey || target.closest("select, [data-box]")) return;
    // On a slider only its own keys count, and those that no slider knows.
    const act = key(event.key);
    if (!act) return;
    act();
    event.preventDefault();
    event.stopPropagation();
  }, { signal });

  function key(name: string): (() => void) | null {
    switch (name) {
      case "r": case "R": return () => actions.rerun();
      case "h": case "H": return () => actions.apply("here");
      case "k": case "K": return () => actions.control(!store.now.current.control);
      case "0": return () => actions.reset();
      case "[": return () => actions.step(-1);
      case "]": return () => actions.step(1);
      case "Escape": return leave();
      default: return null;
    }
  }

  /** Esc takes back one thing at a time: the work, the message, the pick. */
  function leave(): (() => void) | null {
    if (store.running) return () => actions.cancel();
    if (store.now.notice) return () => store.set({ notice: null });
    return store.now.picked ? () => store.set({ picked: null }) : null;
  }
}
