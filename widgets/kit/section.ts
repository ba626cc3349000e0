/** A view is made of sections: what they are given and give, whatever its store and its actions are. */

export interface Context<Store, Actions> {
  store: Store;
  actions: Actions;
  root: HTMLElement;
  signal: AbortSignal;
}

export interface Section<Key> {
  element: HTMLElement;
  /** Draws again what depends on the changed keys. */
  update(changed: ReadonlySet<Key>): void;
}

export function any<Key>(changed: ReadonlySet<Key>, ...keys: NoInfer<Key>[]): boolean {
  return keys.some((key) => changed.has(key));
}
