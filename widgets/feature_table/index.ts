/** The anywidget entry of the feature table: binds a model's traits and messages to a store. */

import "./index.css";
import { KEYS, type State } from "./state";
import { Store } from "./store";
import { mount } from "./view";

/** The part of anywidget's model that is used. */
export interface FeatureModel {
  get<K extends keyof State>(key: K): State[K];
  on(event: string, callback: (...values: never[]) => void): void;
  off(event: string, callback: (...values: never[]) => void): void;
  send(message: unknown): void;
}

interface Bound { model: FeatureModel; signal: AbortSignal }

/** A store that follows the model until the signal aborts. */
export function bind({ model, signal }: Bound): Store {
  const store = new Store((key) => model.get(key), (message) => model.send(message));
  const listen = (event: string, callback: (...values: never[]) => void): void => {
    model.on(event, callback);
    signal.addEventListener("abort", () => model.off(event, callback));
  };
  for (const key of KEYS) listen(`change:${key}`, () => store.changed(key));
  listen("msg:custom", ((message: unknown) => store.link.receive(message)) as (...values: never[]) => void);
  // The notebook raises this each time the comm breaks and each time it is whole again.
  listen("comm_live_update", () => store.own.set({ broken: !store.own.now.broken }));
  listen("comm:close", () => store.own.set({ broken: true }));
  return store;
}

/** One call per model, so the store lives as long as the model and outlives its views. */
export default function featureTable(): { initialize(context: Bound): void; render(context: Bound & { el: HTMLElement }): void } {
  let store: Store | null = null;
  return {
    initialize(context) { store = bind(context); },
    render({ model, el, signal }) { mount(el, (store ??= bind({ model, signal })), signal); },
  };
}
