/** The keys of the panel. */

import type { KeyWords } from "../kit/controls/foot";
import { onKey, type Act } from "../kit/keys";
import type { Context } from "./context";

export const KEYS: readonly KeyWords[] = [
  [["←", "→"], "strength, or token"], [["R"], "rerun from the token"], [["H"], "steer from it on"], [["K"], "random control"], [["0"], "all to 0"], [["[", "]"], "try"], [["Ctrl/⌘", "F"], "find"], [["Esc"], "stop"],
];

export function listenForKeys({ store, actions, root, signal }: Context): void {
  onKey(root, signal, (event) => (event.ctrlKey || event.metaKey ? null : key(event.key)));

  function key(name: string): Act {
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
  function leave(): Act {
    if (store.running) return () => actions.cancel();
    if (store.now.notice) return () => store.set({ notice: null });
    return store.now.picked ? () => store.set({ picked: null }) : null;
  }
}
