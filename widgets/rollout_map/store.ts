/** One per view: what Python says, the browser's own state, and the lines that follow from both. */

import { floatsOf } from "../kit/bytes";
import { Observed } from "../kit/observed";
import { Requests } from "../kit/requests";
import { Model, type Line, type Place, type Sort } from "./model";
import type { Plane, Request, Rollouts, State } from "./protocol";

export interface Own {
  tab: "rows" | "plane";
  picked: Place | null;
  query: string;
  sort: Sort;
  node: number | null;
  group: number | null;
  /** The category that alone keeps its colour. */
  only: number | null;
  pinned: readonly number[];
  zoom: number;
  notice: string | null;
  broken: boolean;
  alive: boolean;
  /** Counts each time other lines are shown. */
  lines: number;
  /** Counts each time Python sent others. */
  data: number;
}

export type Key = keyof Own;
export const KEYS: (keyof State)[] = ["rollouts", "groups", "tree", "plane", "alive"];

export class Store {
  readonly own = new Observed<Own>({
    tab: "rows", picked: null, query: "", sort: "given", node: null, group: null, only: null, pinned: [], zoom: 1, notice: null, broken: false, alive: true, lines: 0, data: 0,
  });
  model!: Model;
  lines: Line[] = [];
  points: Float32Array = new Float32Array(0);
  private readonly requests: Requests<Request>;

  constructor(private readonly get: <K extends keyof State>(key: K) => State[K], post: (message: unknown) => void) {
    this.requests = new Requests<Request>(post, (reply) => this.own.set({ notice: [reply.error?.message ?? "The request failed.", reply.error?.remedy].filter(Boolean).join(" ") }));
    this.build();
  }

  get broken(): boolean { return this.own.now.broken; }
  set broken(value: boolean) { this.own.set({ broken: value }); }
  get plane(): Partial<Plane> { return this.get("plane") ?? {}; }

  /** Why nothing can be opened, or null where it can. */
  get off(): string | null { return this.own.now.broken || !this.own.now.alive ? "The kernel that ran this map is gone: everything can be read, and nothing opened in the editor. Run the cell again for that." : null; }

  message(message: unknown): void { this.requests.receive(message); }
  abandon(): void {}

  changed(key: keyof State): void {
    if (key === "alive") { this.own.set({ alive: this.get("alive") }); return; }
    this.build();
    this.own.set({ picked: null, pinned: [], node: null, group: null, data: this.own.now.data + 1, lines: this.own.now.lines + 1 });
  }

  /** Sets what decides which rows are listed. */
  arrange(patch: Partial<Pick<Own, "query" | "sort" | "node" | "group">>): void {
    const before = this.own.now;
    this.own.now = { ...before, ...patch };
    this.list();
    this.own.now = before;
    this.own.set({ ...patch, lines: before.lines + 1 });
  }

  open(): void {
    const { picked } = this.own.now;
    if (picked === null) return;
    if (this.off !== null) { this.own.set({ notice: this.off }); return; }
    this.own.set({ notice: `Rollout ${picked.row} opens in the editor below.` });
    this.requests.ask({ kind: "open", row: picked.row, sentence: picked.sentence });
  }

  /** Pins a row or lets it go; of three the oldest goes. */
  pin(row: number): void {
    const { pinned } = this.own.now;
    this.own.set({ pinned: pinned.includes(row) ? pinned.filter((each) => each !== row) : [...pinned, row].slice(-2) });
  }

  private build(): void {
    this.model = new Model(this.get("rollouts") as Partial<Rollouts> | null, this.get("groups") ?? [], this.get("tree") ?? []);
    this.points = floatsOf(this.plane.places);
    this.list();
  }

  private list(): void { this.lines = this.model.lines(this.own.now); }
}
