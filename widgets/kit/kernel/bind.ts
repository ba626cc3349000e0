/** The anywidget entry of a view that asks Python: binds a model's traits and messages to a store. */

import type { Empty } from "../protocol";

/** The part of anywidget's model that is used. */
export interface WidgetModel<State> {
  get<K extends keyof State>(key: K): State[K];
  on(event: string, callback: (...values: never[]) => void): void;
  off(event: string, callback: (...values: never[]) => void): void;
  send(message: unknown): void;
  set<K extends keyof State>(key: K, value: State[K]): void;
  save_changes(): void;
}

/** A trait as a view has it: null where it is {}. */
export type Present<T> = [Extract<T, Empty>] extends [never] ? T : Exclude<T, Empty> | null;

/** What a store is to its model. */
export interface Bindable {
  /** Nobody answers: the comm to the kernel is broken, or there never was one. */
  broken: boolean;
  /** A message from Python. */
  message(message: unknown): void;
  /** Nobody looks any more: stop what is being done for this widget. */
  abandon(): void;
}

export interface Binding<State, S extends Bindable> {
  keys: readonly (keyof State & string)[];
  /** A store with what the model has; `post` sends a message to Python, `save` sets a trait, for linked widgets too. */
  open(get: WidgetModel<State>["get"], post: (message: unknown) => void, save: WidgetModel<State>["set"]): S;
  /** A trait changed. */
  changed(store: S, key: keyof State & string, get: WidgetModel<State>["get"]): void;
  mount(el: HTMLElement, store: S, signal: AbortSignal): void;
}

/** A cell that is moved or drawn again is without a view for a moment; one that is deleted stays so. */
const GONE_MS = 5000;

interface Context<State> { model: WidgetModel<State>; signal: AbortSignal }
export interface Entry<State> { initialize(context: Context<State>): void; render(context: Context<State> & { el: HTMLElement }): void }

/** The module's default export. Every view has a store of its own; one that was taken away leaves its store to the next. */
export function bound<State, S extends Bindable>(binding: Binding<State, S>): () => Entry<State> {
  return () => {
    let life: AbortSignal | null = null;
    const free: S[] = [];
    let shown = 0;
    let gone: ReturnType<typeof setTimeout> | undefined;
    return {
      initialize({ signal }) {
        life = signal;
        signal.addEventListener("abort", () => clearTimeout(gone));
      },
      render({ model, el, signal }) {
        const store = free.pop() ?? bind(binding, { model, signal: life ?? signal });
        clearTimeout(gone);
        shown += 1;
        signal.addEventListener("abort", () => {
          free.push(store);
          shown -= 1;
          if (shown === 0 && life?.aborted !== true) gone = setTimeout(() => store.abandon(), GONE_MS);
        });
        binding.mount(el, store, signal);
      },
    };
  };
}

/** A store that follows the model until the signal aborts. */
function bind<State, S extends Bindable>({ keys, open, changed }: Binding<State, S>, { model, signal }: Context<State>): S {
  const get: WidgetModel<State>["get"] = (key) => model.get(key);
  // A closed comm throws: the kernel is gone.
  const attempt = (act: () => void): void => { try { act(); } catch { store.broken = true; } };
  const store: S = open(get, (message) => attempt(() => model.send(message)), (key, value) => attempt(() => { model.set(key, value); model.save_changes(); }));
  const listen = (event: string, callback: (...values: never[]) => void): void => {
    model.on(event, callback);
    signal.addEventListener("abort", () => model.off(event, callback));
  };
  for (const key of keys) listen(`change:${key}`, () => changed(store, key, get));
  listen("msg:custom", ((message: unknown) => store.message(message)) as (...values: never[]) => void);
  followComm(store, model, listen);
  return store;
}

/** Keeps `broken` true to the comm. A message to a model without a comm is dropped without a word, so it has to be known before. */
function followComm<State>(store: Bindable, model: WidgetModel<State>, listen: (event: string, callback: () => void) => void): void {
  // anywidget hides its model, but not the model of its layout, which comes and goes with it and says whether it is live.
  const live = (): boolean | undefined => (model.get("layout" as keyof State) as { comm_live?: boolean } | null | undefined)?.comm_live;
  if (live() === false) store.broken = true;
  // Raised each time the comm breaks and each time it is whole again, for one model after the other.
  listen("comm_live_update", () => {
    if (live() === undefined) store.broken = !store.broken;
    else queueMicrotask(() => { store.broken = live() === false; });
  });
  listen("comm:close", () => { store.broken = true; });
}
