/** Stands in for anywidget's model of a view that only shows: traits, and nobody to answer. */

import type { DisplayModel } from "../kit/kernel/display-only";

export class DisplayFake implements DisplayModel {
  private readonly callbacks = new Map<string, Set<() => void>>();

  constructor(private readonly state: Record<string, unknown>) {}

  get(key: string): unknown { return this.state[key]; }

  on(event: string, callback: () => void): void {
    this.callbacks.set(event, (this.callbacks.get(event) ?? new Set()).add(callback));
  }

  off(event: string, callback: () => void): void { this.callbacks.get(event)?.delete(callback); }

  save_changes(): void {}

  /** Sets traits as Python would; a view sets one. */
  set(given: Record<string, unknown> | string, value?: unknown): void {
    const patch = typeof given === "string" ? { [given]: value } : given;
    Object.assign(this.state, patch);
    for (const key of Object.keys(patch)) for (const callback of [...(this.callbacks.get(`change:${key}`) ?? [])]) callback();
  }

  listeners(): number {
    return [...this.callbacks.values()].reduce((sum, each) => sum + each.size, 0);
  }
}
