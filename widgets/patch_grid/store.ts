/** One per view: what Python says, what is asked of it, and what the grid remembers when it grows. */

import type { Memory } from "../grid/view";
import type { Acts } from "../grid/context";
import type { Spot, View } from "../grid/layer-grid";
import type { WidgetModel } from "../kit/kernel/bind";
import { Observed } from "../kit/kernel/observed";
import type { BranchInfo, Comparison, Job, Piece } from "../kit/protocol";
import { Requests } from "../kit/kernel/requests";
import type { Traits } from "../kit/kernel/display-only";
import { StreamedText } from "../kit/kernel/streamed-text";
import type { Request, State } from "./protocol";

/** State that Python never sees, and counters of what came from it. */
export interface Own {
  codeOpen: boolean;
  notice: { message: string; error: boolean } | null;
  broken: boolean;
  asking: boolean;
  grid: number;
  branches: number;
  outcome: number;
  job: number;
  code: number;
}
export type Key = keyof Own;

const GROUPS: Record<keyof State, Key | null> = {
  grid: "grid", why: "job", alive: "job", branches: "branches", comparison: "outcome", stream: "outcome", job: "job", code: "code", selected: null, scale_lock: null,
};
export const KEYS = Object.keys(GROUPS) as (keyof State)[];

export class Store implements Acts {
  readonly own = new Observed<Own>({ codeOpen: false, notice: null, broken: false, asking: false, grid: 0, branches: 0, outcome: 0, job: 0, code: 0 });
  readonly memory: Memory = {};
  /** The column whose tokens were asked for: they are shown when they are there. */
  opening: number | null = null;
  /** The text that is being written, with all that came of it. */
  stream: Piece | null = null;
  private readonly requests: Requests<Request>;
  private readonly followers = new Map<string, Set<() => void>>();
  private readonly written = new StreamedText(() => {
    const { id: of } = this.get("stream") as Partial<Piece>;
    if (this.connected && of !== undefined) this.requests.ask({ kind: "stream", of }, ({ status, stream }) => {
      if (status !== "ok") this.written.refused();
      if ((stream as Partial<Piece> | undefined)?.id === of) this.follow(stream);
    });
  });

  constructor(readonly get: <K extends keyof State>(key: K) => State[K], post: (message: unknown) => void, private readonly save: WidgetModel<State>["set"]) {
    this.requests = new Requests<Request>(post, (reply, kind) => {
      if (kind !== "stream") this.own.set({ notice: { message: [reply.error?.message ?? "The request failed.", reply.error?.remedy].filter(Boolean).join(" "), error: true } });
    }, (asking) => this.own.set({ asking }));
    this.follow(this.get("stream"));
  }

  get broken(): boolean { return this.own.now.broken; }
  set broken(value: boolean) { this.own.set({ broken: value, job: this.own.now.job + 1 }); }
  get branches(): BranchInfo[] { return this.get("branches") ?? []; }
  get comparison(): Comparison | null { return this.get("comparison"); }
  get job(): Job { return { id: 0, state: "idle", label: "", done: 0, total: null, eta: null, message: null, remedy: null, ...this.get("job") }; }
  get connected(): boolean { return this.get("alive") && !this.own.now.broken; }
  get running(): boolean { return this.connected && ["running", "queued"].includes(this.job.state); }

  /** Traits as a grid reads, keeps and follows them. */
  get traits(): Traits {
    return {
      get: (key) => this.get(key as keyof State),
      save: (key, value) => this.save(key as keyof State, value as never),
      follow: (key, changed, signal) => {
        const all = this.followers.get(key) ?? new Set();
        this.followers.set(key, all.add(changed));
        signal.addEventListener("abort", () => all.delete(changed));
      },
    };
  }

  off(): string | null {
    return this.get("why") !== "" ? this.get("why") : this.connected ? null : "The kernel that ran this widget is gone. Run the cell again to act.";
  }

  patch(from: Spot, to: Spot, view: View): void {
    const place = ({ panel, row, column }: Spot) => {
      const one = view.level.panels[panel];
      return { layer: Number(view.data.grid.rows[row]), first: one?.first[column] ?? 0, last: one?.last[column] ?? 0 };
    };
    const [source, target] = [place(from), place(to)];
    this.ask({ kind: "patch", side: to.panel === 0 ? "base" : "source", ...target, from_layer: source.layer, from_first: source.first, from_last: source.last });
  }

  tokens(column: number): void {
    this.opening = column;
    this.ask({ kind: "tokens", column });
  }

  /** The branch beside the one that is shown. */
  step(by: number): void {
    const { branches } = this;
    const next = branches[branches.findIndex((branch) => branch.current) + by];
    if (next) this.ask({ kind: "goto", branch: next.id });
  }

  ask(request: Request): void {
    if (this.off() === null) this.requests.ask(request);
    const off = this.off(); // that the kernel is gone may have come out just now
    if (off !== null) this.own.set({ notice: { message: off, error: false } });
  }

  abandon(): void { if (this.running) this.ask({ kind: "cancel", job: this.job.id }); }
  message(message: unknown): void { this.requests.receive(message); }

  changed(key: keyof State): void {
    for (const changed of [...(this.followers.get(key) ?? [])]) changed();
    if (key === "stream") this.follow(this.get("stream"));
    const group = GROUPS[key];
    const { job } = this;
    const failed = key === "job" && job.state === "error" ? { notice: { message: [job.message ?? `${job.label} failed.`, job.remedy].filter(Boolean).join(" "), error: true } } : {};
    if (group) this.own.set({ [group]: (this.own.now[group] as number) + 1, ...failed });
  }

  private follow(piece: unknown): void {
    const found = piece as Partial<Piece> | null | undefined;
    this.stream = found && typeof found.text === "string" ? this.written.follow(found as Piece) : null;
    this.own.set({ outcome: this.own.now.outcome + 1 });
  }
}
