/** The anywidget entry of a view that only shows: it reads its traits and asks Python nothing, so a saved page works. */

import { createOwnCode, type CodePanel } from "../controls/code";
import { h } from "../dom";
import { frame } from "../frame";
import { setIntensity } from "../heat/heat";
import type { Lock } from "../heat/scale";
import { followTheme } from "../theme";
import type { Observed } from "./observed";
import { sharedPick, type Picking } from "./selection";

/** The part of anywidget's model that is used. */
export interface DisplayModel {
  get(key: string): unknown;
  on(event: string, callback: () => void): void;
  off(event: string, callback: () => void): void;
  set(key: string, value: unknown): void;
  save_changes(): void;
}

/** The lock of the colours, which linked widgets share. */
export interface SharedLock { now(): Lock | null; hold(lock: Lock | null): void; follow(changed: () => void, signal: AbortSignal): void }

/** Traits beside the payload, such as what a person says: read, kept in the model, and followed. */
export interface Traits { get(key: string): unknown; save(key: string, value: unknown): void; follow(key: string, changed: () => void, signal: AbortSignal): void }

/** Keeps what is picked in an observed state and in the trait alike. */
export function sharePicked<T extends object, K extends keyof T & string>(traits: Traits, own: Observed<T>, key: K, picking: Pick<Picking<NonNullable<T[K]>>, "find" | "tell">, signal: AbortSignal): void {
  const shared = sharedPick<NonNullable<T[K]>>({ get: () => traits.get("selected"), save: (selected) => traits.save("selected", selected) }, {
    now: () => own.now[key] ?? null, pick: (to) => own.set({ [key]: to } as unknown as Partial<T>), ...picking,
  });
  traits.follow("selected", () => shared.follow(), signal);
  own.subscribe((changed) => { if (changed.has(key)) shared.told(); }, signal);
  shared.follow();
}

/** The code of what a view shows, which it has as a trait. */
export function sharedCode(root: HTMLElement, traits: Traits, signal: AbortSignal): CodePanel {
  const panel = createOwnCode(root, signal, () => String(traits.get("code") ?? ""));
  traits.follow("code", panel.draw, signal);
  return panel;
}

export interface DisplayView<P> {
  keys: readonly string[];
  /** Nothing that arrives may make this fail: what does not fit counts as absent. */
  decode(get: (key: string) => unknown): P;
  /** Fills the root until the signal aborts. */
  draw(root: HTMLElement, payload: P, signal: AbortSignal, sharedLock: SharedLock, traits: Traits): void;
  className: string;
  label: string;
}

export function displayOnly<P>(view: DisplayView<P>): () => { render(context: { model: DisplayModel; el: HTMLElement; signal: AbortSignal }): void } {
  return () => ({
    render({ model, el, signal }) {
      let life = new AbortController();
      const show = (): void => {
        life.abort();
        life = new AbortController();
        mount(view, el, view.decode((key) => model.get(key)), life.signal, traitsOf(model));
      };
      for (const key of view.keys) model.on(`change:${key}`, show);
      signal.addEventListener("abort", () => {
        for (const key of view.keys) model.off(`change:${key}`, show);
        life.abort();
      });
      show();
    },
  });
}

const LOCK = "scale_lock";

function traitsOf(model: DisplayModel): Traits {
  return {
    get: (key) => model.get(key),
    // On a saved page there is nobody to save it with; it holds for this view all the same.
    save(key, value) { try { model.set(key, value); model.save_changes(); } catch { /* no kernel */ } },
    follow(key, changed, signal) {
      model.on(`change:${key}`, changed);
      signal.addEventListener("abort", () => model.off(`change:${key}`, changed));
    },
  };
}

function lockOf(traits: Traits): SharedLock {
  return {
    now() {
      const lock = traits.get(LOCK) as Partial<Lock> | null | undefined;
      return typeof lock?.unit === "string" && typeof lock.scale === "number" ? { unit: lock.unit, scale: lock.scale } : null;
    },
    hold(lock) { traits.save(LOCK, lock ?? {}); },
    follow(changed, signal) { traits.follow(LOCK, changed, signal); },
  };
}

function mount<P>(view: DisplayView<P>, el: HTMLElement, payload: P, signal: AbortSignal, traits: Traits): void {
  const root = frame(el, `cotlens-view ${view.className}`, view.label, signal);
  setIntensity(root, 0.5);
  try {
    view.draw(root, payload, signal, lockOf(traits), traits);
  } catch (error) {
    console.error(error);
    const words = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    root.prepend(h("div", "cotlens-failed", { role: "alert" }, `The ${view.label} could not be drawn (${words}). The result in Python is unharmed: look at result.frame().`));
  }
  followTheme(root, signal, () => root.dispatchEvent(new CustomEvent("cotlens-theme")));
}
