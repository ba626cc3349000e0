/** What every part of the table is given and gives. */

import type { Key, Store } from "./store";

export interface Context { store: Store; root: HTMLElement; signal: AbortSignal }
export interface Part { element: HTMLElement; update(changed: ReadonlySet<Key>): void }

export function any(changed: ReadonlySet<Key>, ...keys: Key[]): boolean {
  return keys.some((key) => changed.has(key));
}
