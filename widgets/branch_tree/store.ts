/** One per view: what Python says of the branches, and what a person points at among them. */

import { rows, type Row } from "../kit/controls/branch-rows";
import { Observed } from "../kit/kernel/observed";
import { Requests } from "../kit/kernel/requests";
import type { Compared, Request, State, TreeBranch } from "./protocol";

export interface Own {
  /** The branch that the keys are at: looked at, and not gone to. */
  at: string | null;
  /** The branches that are to be compared, in the order in which they were marked. */
  marked: readonly string[];
  /** Those that were pruned are listed, too. */
  all: boolean;
  notice: string | null;
  broken: boolean;
  /** Counts each time Python said something. */
  data: number;
}

export type Key = keyof Own;
export const KEYS: (keyof State)[] = ["branches", "compared", "code", "alive"];

export class Store {
  readonly own = new Observed<Own>({ at: null, marked: [], all: false, notice: null, broken: false, data: 0 });
  private readonly requests: Requests<Request>;

  constructor(private readonly get: <K extends keyof State>(key: K) => State[K], post: (message: unknown) => void) {
    this.requests = new Requests<Request>(post, ({ error }) => this.own.set({ notice: [error?.message ?? "The request failed.", error?.remedy].filter(Boolean).join(" ") }));
  }

  get broken(): boolean { return this.own.now.broken; }
  set broken(value: boolean) { this.own.set({ broken: value }); }
  message(message: unknown): void { this.requests.receive(message); }
  abandon(): void {}
  changed(): void { this.own.set({ data: this.own.now.data + 1 }); }

  get branches(): TreeBranch[] { const found = this.get("branches"); return Array.isArray(found) ? found : []; }

  get code(): string { return this.get("code") ?? ""; }

  get compared(): Compared | null { const found = this.get("compared") as Partial<Compared> | null; return found?.branches ? found as Compared : null; }

  /** The lines that are listed. */
  get rows(): Row<TreeBranch>[] { return rows(this.branches.filter(({ pruned, current }) => this.own.now.all || current || !pruned)); }

  get pruned(): number { return this.branches.filter(({ pruned }) => pruned).length; }

  /** The branch that is looked at; by default the one that is shown. */
  get branch(): TreeBranch | null {
    const { branches, own: { now: { at } } } = this;
    return branches.find(({ id }) => id === at) ?? branches.find(({ current }) => current) ?? branches[0] ?? null;
  }

  /** Why nothing can be changed, or null where it can. */
  get off(): string | null {
    return this.own.now.broken || this.get("alive") === false ? "There is no kernel behind this tree: it can be read, and walked again once the cell is run." : null;
  }

  ask(request: Request): void {
    if (this.off === null) this.requests.ask(request);
    this.own.set({ notice: this.off });
  }

  /** Goes to the line so many lines away. */
  step(by: number): void {
    const lines = this.rows, at = lines.findIndex(({ branch }) => branch.id === this.branch?.id);
    const next = lines[Math.max(0, Math.min(lines.length - 1, at + by))];
    if (next) this.own.set({ at: next.branch.id });
  }

  /** Marks the branch that is looked at, or lets it go; with two or more they are compared. */
  mark(): void {
    const id = this.branch?.id;
    if (id === undefined) return;
    const { marked } = this.own.now;
    const next = marked.includes(id) ? marked.filter((each) => each !== id) : [...marked, id];
    this.own.set({ marked: next });
    if (next.length > 1) this.ask({ kind: "compare", branches: next });
  }
}
