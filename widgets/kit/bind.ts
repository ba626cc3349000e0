/** The anywidget entry of a view that asks Python: binds a model's traits and messages to a store. */

/** The part of anywidget's model that is used. */
export interface WidgetModel<State> {
  get<K extends keyof State>(key: K): State[K];
  on(event: string, callback: (...values: never[]) => void): void;
  off(event: string, callback: (...values: never[]) => void): void;
  send(message: unknown): void;
}

/** What a store is to its model. */
export interface Bindable {
  /** The comm to the kernel is broken. */
  broken: boolean;
  /** A message from Python. */
  message(message: unknown): void;
}

export interface Binding<State, S extends Bindable> {
  keys: readonly (keyof State & string)[];
  /** A store with what the model has; `post` sends a message to Python. */
  open(get: WidgetModel<State>["get"], post: (message: unknown) => void): S;
  /** A trait changed. */
  changed(store: S, key: keyof State & string, get: WidgetModel<State>["get"]): void;
  mount(el: HTMLElement, store: S, signal: AbortSignal): void;
}

interface Context<State> { model: WidgetModel<State>; signal: AbortSignal }
export interface Entry<State> { initialize(context: Context<State>): void; render(context: Context<State> & { el: HTMLElement }): void }

/** The module's default export. One call per model, so the store lives as long as the model and outlives its views. */
export function bound<State, S extends Bindable>(binding: Binding<State, S>): () => Entry<State> {
  return () => {
    let store: S | null = null;
    return {
      initialize(context) { store = bind(binding, context); },
      render({ model, el, signal }) { binding.mount(el, (store ??= bind(binding, { model, signal })), signal); },
    };
  };
}

/** A store that follows the model until the signal aborts. */
function bind<State, S extends Bindable>({ keys, open, changed }: Binding<State, S>, { model, signal }: Context<State>): S {
  const get: WidgetModel<State>["get"] = (key) => model.get(key);
  const store: S = open(get, (message) => {
    // A closed comm throws: the kernel is gone.
    try { model.send(message); } catch { store.broken = true; }
  });
  const listen = (event: string, callback: (...values: never[]) => void): void => {
    model.on(event, callback);
    signal.addEventListener("abort", () => model.off(event, callback));
  };
  for (const key of keys) listen(`change:${key}`, () => changed(store, key, get));
  listen("msg:custom", ((message: unknown) => store.message(message)) as (...values: never[]) => void);
  // The notebook raises this each time the comm breaks and each time it is whole again.
  listen("comm_live_update", () => { store.broken = !store.broken; });
  listen("comm:close", () => { store.broken = true; });
  return store;
}
