/** One per view: which panels there are, which are open, and what a person does to them. */

import { Observed } from "../kit/kernel/observed";
import { Requests } from "../kit/kernel/requests";
import type { Request, State, Width } from "./protocol";

export interface Own {
  broken: boolean;
  /** An answer is still to come: a panel may take a while to be made. */
  asking: boolean;
  /** Counts each time a trait changed. */
  data: number;
}

export const KEYS: (keyof State)[] = ["names", "panels", "notice"];

export class Store {
  readonly own = new Observed<Own>({ broken: false, asking: false, data: 0 });
  private readonly requests: Requests<Request>;

  constructor(private readonly get: <K extends keyof State>(key: K) => State[K], post: (message: unknown) => void) {
    // Why something can't be is said by the trait, to every view of the bar.
    this.requests = new Requests<Request>(post, () => {}, (asking) => this.own.set({ asking }));
  }

  get broken(): boolean { return this.own.now.broken; }
  set broken(value: boolean) { this.own.set({ broken: value }); }
  message(message: unknown): void { this.requests.receive(message); }
  abandon(): void {}
  changed(): void { this.own.set({ data: this.own.now.data + 1 }); }

  get names(): string[] { return this.get("names") ?? []; }
  get panels(): Record<string, Width> { return this.get("panels") ?? {}; }

  /** Why no panel can be opened or closed, or null where it can. */
  get off(): string | null { return this.broken ? "There is no kernel behind this workbench: run its cell to open and close panels." : null; }
  get notice(): string { return this.off ?? this.get("notice") ?? ""; }

  /** Opens or closes a panel. Python gives one that is opened the width it had. */
  turn(name: string): void { this.requests.ask({ kind: name in this.panels ? "close" : "open", panel: name }); }

  /** Gives an open panel half the line, or all of it. */
  widen(name: string): void { this.requests.ask({ kind: "widen", panel: name }); }
}
