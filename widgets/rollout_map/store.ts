/** One per view: what Python says, the browser's own state, and the lines that follow from both. */

import { Observed } from "../kit/kernel/observed";
import { Requests } from "../kit/kernel/requests";
import type { Selected } from "../kit/protocol";
import { sharedPick, type SharedPick } from "../kit/kernel/selection";
import { Model, type Line, type Place, type Sort, type Wanted } from "./model";
import type { Node, Plane, Request, Rollouts, State } from "./protocol";

export interface Own {
  tab: "rows" | "plane";
  picked: Place | null;
  query: string;
  sort: Sort;
  /** The prompt whose rollouts are shown; null where all of several are. */
  prompt: number | null;
  node: number | null;
  group: number | null;
  /** The category that alone keeps its colour. */
  only: number | null;
  pinned: readonly number[];
  zoom: number;
  notice: string | null;
  broken: boolean;
  alive: boolean;
  /** The rollouts that have an editor, the one that is shown last. */
  opened: readonly number[];
  /** Counts each time one was opened from here. */
  entered: number;
  /** Counts each time other lines are shown. */
  lines: number;
  /** Counts each time Python sent others. */
  data: number;
}

export type Key = keyof Own;
export const KEYS: (keyof State)[] = ["rollouts", "prompts", "plane", "opened", "alive", "selected"];

export class Store {
  readonly own = new Observed<Own>({
    tab: "rows", picked: null, query: "", sort: "given", prompt: null, node: null, group: null, only: null, pinned: [], zoom: 1, notice: null, broken: false, alive: true, opened: [],
    entered: 0, lines: 0, data: 0,
  });
  model!: Model;
  lines: Line[] = [];
  private readonly requests: Requests<Request>;
  private readonly shared: SharedPick;

  constructor(private readonly get: <K extends keyof State>(key: K) => State[K], post: (message: unknown) => void, save: (selected: Selected) => void = () => {}) {
    this.requests = new Requests<Request>(post, (reply) => this.own.set({ notice: [reply.error?.message ?? "The request failed.", reply.error?.remedy].filter(Boolean).join(" ") }));
    this.build();
    this.shared = sharedPick<Place>({ get: () => this.get("selected"), save }, {
      now: () => this.own.now.picked,
      pick: (picked) => this.own.set({ picked }),
      find: (selected) => this.model.placeOf(selected),
      tell: (place) => place === null ? { span: undefined, unit: undefined } : this.model.selectedAt(place),
    });
    this.own.subscribe((changed) => { if (changed.has("picked")) this.shared.told(); }, new AbortController().signal);
    this.shared.follow();
  }

  get broken(): boolean { return this.own.now.broken; }
  set broken(value: boolean) { this.own.set({ broken: value }); }
  /** Where the rollouts that are shown stand as points. */
  get plane(): Partial<Plane> { return this.model.compared(this.own.now.prompt)?.plane ?? this.get("plane") ?? {}; }
  get code(): string { return this.get("code") ?? ""; }
  get tree(): readonly Node[] { return this.model.tree(this.own.now.prompt); }

  /** Why nothing can be opened, or null where it can. */
  get off(): string | null { return this.own.now.broken || !this.own.now.alive ? "There is no kernel behind this map: all of it can be read here, and its rollouts open in the editor once the cell is run again." : null; }

  message(message: unknown): void { this.requests.receive(message); }
  abandon(): void {}

  changed(key: keyof State): void {
    if (key === "alive") { this.own.set({ alive: this.get("alive") }); return; }
    if (key === "selected") { this.shared.follow(); return; }
    if (key === "opened") { this.own.set({ opened: this.get("opened") ?? [] }); return; }
    this.build();
    this.own.set({ picked: null, pinned: [], node: null, group: null, data: this.own.now.data + 1, lines: this.own.now.lines + 1 });
  }

  /** Shows the rollouts of a prompt, or of all: what was chosen of the one before means nothing there. */
  show(prompt: number | null): void {
    this.own.set({ picked: null, pinned: [] });
    this.arrange({ prompt, node: null, group: null });
  }

  /** Sets what decides which rows are listed. */
  arrange(patch: Partial<Wanted>): void {
    this.lines = this.model.lines({ ...this.own.now, ...patch });
    this.own.set({ ...patch, lines: this.own.now.lines + 1 });
  }

  open(): void {
    const { picked } = this.own.now;
    if (picked === null) return;
    if (this.off !== null) { this.own.set({ notice: this.off }); return; }
    const { row, sentence } = picked;
    this.own.set({ notice: `Opening rollout ${row} …` });
    this.requests.ask({ kind: "open", row, sentence }, (reply) => {
      if (reply.status !== "ok") return;
      const where = sentence < 0 ? "" : `, at sentence ${sentence}`;
      this.own.set({ notice: `Rollout ${row} is open in the editor below${where}.`, entered: this.own.now.entered + 1 });
    });
  }

  /** Pins a row or lets it go; of three the oldest goes. */
  pin(row: number): void {
    const { pinned } = this.own.now;
    this.own.set({ pinned: pinned.includes(row) ? pinned.filter((each) => each !== row) : [...pinned, row].slice(-2) });
  }

  private build(): void {
    this.model = new Model(this.get("rollouts") as Partial<Rollouts> | null, this.get("prompts") ?? []);
    this.own.now = { ...this.own.now, prompt: this.model.prompts.length === 1 ? 0 : null, opened: this.get("opened") ?? [], alive: this.get("alive") !== false };
    this.lines = this.model.lines(this.own.now);
  }
}
