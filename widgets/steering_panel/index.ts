/** The anywidget entry of the steering panel: binds a model's traits and messages to a store. */

import "./index.css";
import { decode, decodeAll, KEYS } from "./payload";
import type { Payload, State } from "./state";
import { Store } from "./store";
import { mount } from "./view";

/** The part of anywidget's model that is used. */
export interface WidgetModel {
  get<K extends keyof State>(key: K): State[K];
  on(event: string, callback: (...values: never[]) => void): void;
  off(event: string, callback: (...values: never[]) => void): void;
  send(message: unknown): void;
}

interface Bound { model: WidgetModel; signal: AbortSignal }

/** A store that follows the model until the signal aborts. */
export function bind({ model, signal }: Bound): Store {
  const store = new Store((message) => {
    try {
      model.send(message);
    } catch {
      // A closed comm throws: the kernel is gone.
      store.set({ broken: true });
    }
  });
  const listen = (event: string, callback: (...values: never[]) => void): void => {
    model.on(event, callback);
    signal.addEventListener("abort", () => model.off(event, callback));
  };
  store.receive(decodeAll((key) => model.get(key)));
  for (const key of KEYS) {
    listen(`change:${key}`, () => {
      store.requests.heard();
      store.receive({ [key]: decode(key, model.get(key)) } as Partial<Payload>);
    });
  }
  listen("msg:custom", ((message: unknown) => { store.requests.heard(); store.requests.receive(message); }) as (...values: never[]) => void);
  // The notebook raises this each time the comm breaks and each time it is whole again.
  listen("comm_live_update", () => store.set({ broken: !store.now.broken }));
  listen("comm:close", () => store.set({ broken: true }));
  return store;
}

/** One call per model, so the store lives as long as the model and outlives its views. */
export default function steeringPanel(): {
  initialize(context: Bound): void;
  render(context: Bound & { el: HTMLElement }): void;
} {
  let store: Store | null = null;
  return {
    initialize(context) { store = bind(context); },
    render({ model, el, signal }) { mount(el, (store ??= bind({ model, signal })), signal); },
  };
}
