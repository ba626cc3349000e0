/** What every part of the panel is given and gives. */

import type { Actions } from "./actions";
import type { Key, Store } from "./store";

export interface Context {
  store: Store;
  actions: Actions;
  root: HTMLElement;
  signal: AbortSignal;
}

export interface Part {
  element: HTMLElement;
  /** Draws again what depends on the changed keys. */
  update(changed: ReadonlySet<Key>): void;
}

export function any(changed: ReadonlySet<Key>, ...keys: Key[]): boolean {
  return keys.some((key) => changed.has(key));
}
