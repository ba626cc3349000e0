/** A plain object whose parts can be watched. */

export class Observed<T extends object> {
  private readonly listeners = new Set<(changed: ReadonlySet<keyof T>) => void>();

  constructor(public now: Readonly<T>) {}

  /** Sets parts and tells the listeners at once which of them are different. */
  set(patch: Partial<T>): void {
    const changed = new Set((Object.keys(patch) as (keyof T)[]).filter((key) => !Object.is(this.now[key], patch[key])));
    if (changed.size === 0) return;
    this.now = { ...this.now, ...patch };
    for (const listener of [...this.listeners]) listener(changed);
  }

  subscribe(listener: (changed: ReadonlySet<keyof T>) => void, signal: AbortSignal): void {
    this.listeners.add(listener);
    signal.addEventListener("abort", () => this.listeners.delete(listener));
  }
}
