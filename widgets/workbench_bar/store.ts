/** One per view: which panels there are, which are open, and what a person does to them. */

import { Observed } from "../kit/kernel/observed";
import type { State, Width } from "./protocol";

export interface Own {
  broken: boolean;
  /** Counts each time a trait changed. */
  data: number;
}

export const KEYS: (keyof State)[] = ["names", "panels", "notice"];

export class Store {
  readonly own = new Observed<Own>({ broken: false, data: 0 });

  constructor(private readonly get: <K extends keyof State>(key: K) => State[K], private readonly save: <K extends keyof State>(key: K, value: State[K]) => void) {}

  get broken(): boolean { return this.own.now.broken; }
  set broken(value: boolean) { this.own.set({ broken: value }); }
  message(): void {}
  abandon(): void {}
  changed(): void { this.own.set({ data: this.own.now.data + 1 }); }

  get names(): string[] { return this.get("names") ?? []; }
  get panels(): Record<string, Width> { return this.get("panels") ?? {}; }

  /** Why no panel can be opened or closed, or null where it can. */
  get off(): string | null { return this.broken ? "There is no kernel behind this workbench: run its cell to open and close panels." : null; }
  get notice(): string { return this.off ?? this.get("notice") ?? ""; }

  /** Opens or closes a panel. Python gives one that is opened the width it had. */
  turn(name: string): void {
    const { [name]: width, ...others } = this.panels;
    this.save("panels", width === undefined ? { ...others, [name]: "" as Width } : others);
  }

  /** Gives an open panel half the line, or all of it. */
  widen(name: string): void { this.save("panels", { ...this.panels, [name]: this.panels[name] === "half" ? "full" : "half" }); }
}
