/** The keys of the editor. */

import { onKey, retraces, type Act } from "../kit/keys";
import type { Actions } from "./actions";
import type { Store } from "./store";

export function listenForKeys(root: HTMLElement, store: Store, actions: Actions, signal: AbortSignal): void {
  onKey(root, signal, (event, target) => {
    const reading = target === root || target.closest("[data-region=text]") !== null;
    return (reading ? inText(event, store, actions) : null) ?? anywhere(event, store, actions, root);
  });
}

/** Keys of the text: they move, and Enter edits. */
function inText(event: KeyboardEvent, store: Store, actions: Actions): Act {
  const wide = event.ctrlKey || event.metaKey;
  switch (event.key) {
    case "ArrowLeft": return () => (event.shiftKey ? extend(store, actions, -1) : wide ? actions.moveSentence(-1) : actions.move(-1));
    case "ArrowRight": return () => (event.shiftKey ? extend(store, actions, 1) : wide ? actions.moveSentence(1) : actions.move(1));
    case "ArrowUp": return () => actions.moveSentence(-1);
    case "ArrowDown": return () => actions.moveSentence(1);
    case "Home": return () => actions.home();
    case "End": return () => actions.end();
    case "Enter": return wide || event.shiftKey ? null : () => actions.edit();
    default: return null;
  }
}

/** Keys that work wherever the focus is inside the editor. */
function anywhere(event: KeyboardEvent, store: Store, actions: Actions, root: HTMLElement): Act {
  const retrace = retraces(event);
  if (retrace) return store.lost === null ? () => store.ask({ kind: retrace }) : null;
  if (event.ctrlKey || event.metaKey) return null;
  switch (event.key) {
    case "t": case "T": return () => actions.truncate();
    case "r": case "R": return () => actions.rerun();
    case "c": case "C": return () => root.dispatchEvent(new CustomEvent("cotlens-copy"));
    case "[": return () => actions.step(-1);
    case "]": return () => actions.step(1);
    case "p": case "P": return () => actions.stepThought(-1);
    case "n": case "N": return () => actions.stepThought(1);
    case "Escape": return leave(store);
    default: return null;
  }
}

/** Grows or shrinks the picked stretch at its end. */
function extend(store: Store, actions: Actions, by: number): void {
  const { picked } = store.own;
  if (!picked) { actions.home(); return; }
  const last = (picked.kind === "range" ? picked.last : picked.token + 1) + by;
  if (last > picked.token && last <= store.text.count) actions.pickRange(picked.token, last);
}

/** Esc takes back one thing at a time: the message, the stop, the stretch, the pick. */
function leave(store: Store): Act {
  const { notice, stop, picked, hovered, codeOpen } = store.own;
  if (notice) return () => store.setOwn({ notice: null });
  if (codeOpen) return () => store.setOwn({ codeOpen: false });
  if (stop !== null) return () => store.setOwn({ stop: null });
  if (picked?.kind === "range") return () => store.setOwn({ picked: { kind: "token", token: picked.token } });
  if (picked || hovered !== null) return () => store.setOwn({ picked: null, hovered: null });
  return null;
}
