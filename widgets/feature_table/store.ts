/** One per view: what Python says, the browser's own state, and what follows from both. */

import { floatsOf, indicesOf } from "../kit/kernel/bytes";
import { Observed } from "../kit/kernel/observed";
import { Requests } from "../kit/kernel/requests";
import type { BranchInfo, Comparison, Job, Piece, Selected, TraceDocument } from "../kit/protocol";
import { StreamedText } from "../kit/kernel/streamed-text";
import { TextModel, type TokenRange } from "../kit/text/text";
import { sharedPick, tokensIn, type Picking, type SharedPick } from "../kit/kernel/selection";
import { Latents, type Filter, type SortKey, type Which } from "./model";
import type { EffectInfo, Facts, Head, Mode, Place, Request, State, Words } from "./protocol";

interface Picked { latent: number | null; span: TokenRange | null }

/** State that Python never sees. `latents` and `rows` follow from the rest. */
export interface Own {
  picked: number | null;
  selection: TokenRange | null;
  query: string;
  which: Which;
  /** null: nobody chose; by effect where there is one, else by contrast with the rest. */
  sort: SortKey | null;
  descending: boolean;
  blank: boolean;
  /** Latents of the template are listed, too. */
  template: boolean;
  pinned: ReadonlySet<number>;
  hidden: ReadonlySet<number>;
  mode: Mode;
  value: number;
  place: Place;
  codeOpen: boolean;
  naming: boolean;
  notice: { message: string; error: boolean } | null;
  broken: boolean;
  /** A request has no answer yet. */
  asking: boolean;
  /** Counts what came from Python, by group. */
  trace: number;
  activity: number;
  effects: number;
  words: number;
  branches: number;
  outcome: number;
  job: number;
  head: number;
  code: number;
  /** Counts each time the shown rows or their order changed. */
  rows: number;
}

export type Key = keyof Own;

/** What counts up when a trait changes; null where the store looks itself. */
const GROUPS: Record<keyof State, Key | null> = {
  document: "trace", token_offsets: "trace", error: "activity", facts: "activity", latents: "activity", bounds: "activity", tokens: "activity",
  values: "activity", labels: "activity", origins: "activity", scores: "activity", corpus: "activity", words: "words", effect: "effects", estimate: "effects", exact: "effects",
  branches: "branches", comparison: "outcome", stream: "outcome", job: "job", head: "head", alive: "head", code: "code", selection: null, selected: null,
};
export const KEYS = Object.keys(GROUPS) as (keyof State)[];

export class Store {
  readonly own = new Observed<Own>({
    picked: null, selection: null, query: "", which: "all", sort: null, descending: true, blank: true, template: false, pinned: new Set(), hidden: new Set(),
    mode: "ablate", value: 1, place: "selection", codeOpen: false, naming: false, notice: null, broken: false, asking: false,
    trace: 0, activity: 0, effects: 0, words: 0, branches: 0, outcome: 0, job: 0, head: 0, code: 0, rows: 0,
  });
  readonly requests: Requests<Request>;
  text = new TextModel("", new Uint32Array(0));
  latents!: Latents;
  rows: Uint32Array = new Uint32Array(0);
  /** The text that is being written, with all that came of it. */
  stream: Piece | null = null;
  private readonly written = new StreamedText(() => {
    const { id: of } = this.get("stream") as Partial<Piece>;
    if (this.off === null && of !== undefined) this.requests.ask({ kind: "stream", of }, ({ status, stream }) => {
      if (status !== "ok") this.written.refused();
      if ((stream as Partial<Piece> | undefined)?.id === of) this.follow(stream);
    });
  });
  estimate = new Float32Array(0);
  exact = new Float32Array(0);
  private readonly waiting = new Set<keyof State>();
  private readonly shared: SharedPick;
  private described = new Set<number>();
  private headed: string | null = null;

  constructor(readonly get: <K extends keyof State>(key: K) => State[K], post: (message: unknown) => void, save: (selected: Selected) => void = () => {}) {
    this.requests = new Requests<Request>(post, (reply, kind) => {
      if (kind !== "describe" && kind !== "stream") this.own.set({ notice: { message: [reply.error?.message ?? "The request failed.", reply.error?.remedy].filter(Boolean).join(" "), error: true } });
    }, (asking) => this.own.set({ asking }));
    this.own.now = { ...this.own.now, selection: this.sent() };
    this.build(true, true);
    this.follow(this.get("stream"));
    this.shared = sharedPick<Picked>({ get: () => this.get("selected"), save }, {
      now: () => ({ latent: this.own.now.picked, span: this.own.now.selection }),
      pick: (to) => this.pick(to ?? { latent: null, span: null }),
      find: (selected) => {
        const tokens = tokensIn(selected, this.document?.id ?? "");
        const fits = tokens && tokens[1] <= this.text.count ? { first: tokens[0], last: tokens[1] } : null;
        return { latent: selected.latent ?? null, span: tokens === undefined ? this.own.now.selection : fits };
      },
      tell: (picked) => this.told(picked ?? { latent: null, span: null }),
    });
    this.own.subscribe((changed) => { if (changed.has("picked") || changed.has("selection")) this.shared.told(); }, new AbortController().signal);
    this.shared.follow();
  }

  /** Shows what was picked in a linked widget. */
  private pick({ latent, span }: Picked): void {
    this.own.set({ picked: latent });
    if (JSON.stringify(span) !== JSON.stringify(this.own.now.selection)) this.select(span);
  }

  private told({ latent, span }: Picked): ReturnType<Picking<Picked>["tell"]> {
    const sentence = span && this.text.sentences[this.text.sentenceOf(span.first)];
    const unit = sentence && sentence.first === span.first && sentence.last === span.last ? "sentence" : span && span.last - span.first > 1 ? "span" : "token";
    return { latent: latent ?? undefined, ...(span ? { trace: this.document?.id } : {}), span: span ? [span.first, span.last] : undefined, unit: span ? unit : undefined };
  }

  get broken(): boolean { return this.own.now.broken; }
  set broken(value: boolean) { this.own.set({ broken: value }); }

  abandon(): void { if (this.running) this.ask({ kind: "cancel", job: this.job.id }); }

  message(message: unknown): void { this.requests.receive(message); }

  get head(): Head { const found = this.get("head") as Partial<Head> | null; return { model: "", where: "", sae: "", width: 0, link: "", ...found }; }
  get facts(): Facts { return { explained: null, l0: 0, poor: Infinity, note: "", ...this.get("facts") }; }
  get effect(): EffectInfo { return { why: "", words: "", target: "", unit: "", estimated: false, agreement: null, compared: 0, ...this.get("effect") }; }
  get document(): TraceDocument | null { const found = this.get("document"); return found && "id" in found ? found as TraceDocument : null; }
  get branches(): BranchInfo[] { return this.get("branches") ?? []; }
  get comparison(): Comparison | null { return this.get("comparison"); }
  get job(): Job { return { id: 0, state: "idle", label: "", done: 0, total: null, eta: null, message: null, remedy: null, ...this.get("job") }; }
  get connected(): boolean { return this.get("alive") && !this.own.now.broken; }
  /** The model is at work for this widget. With the kernel gone nothing is, whatever was said last. */
  get running(): boolean { return this.connected && ["running", "queued"].includes(this.job.state); }
  get read(): boolean { return this.latents.error.length > 0; }
  words(latent: number): Words | null { return this.get("words")?.[String(latent)] ?? null; }

  /** Why actions are off, or null when they are on. */
  get off(): string | null {
    return !this.connected ? "The kernel that ran this widget is gone. Run the cell again to act." : null;
  }

  /** A trait changed. Traits of one batch arrive one by one: they are drawn together. */
  changed(key: keyof State): void {
    if (key === "selected") { this.shared.follow(); return; }
    if (this.waiting.size === 0) queueMicrotask(() => this.flush());
    this.waiting.add(key);
    // Each piece is followed: the next one may come before this turn ends.
    if (key === "stream") this.follow(this.get("stream"));
  }

  /** One more piece of the stream, or all of it. */
  private follow(piece: unknown): void {
    const found = piece as Partial<Piece> | null | undefined;
    this.stream = found && typeof found.text === "string" ? this.written.follow(found as Piece) : null;
    if (this.waiting.size === 0) this.own.set({ outcome: this.own.now.outcome + 1 });
  }

  private flush(): void {
    const keys = [...this.waiting];
    this.waiting.clear();
    const groups = new Set(keys.flatMap((key) => GROUPS[key] ?? []));
    const patch: Partial<Own> = Object.fromEntries([...groups].map((group) => [group, (this.own.now[group] as number) + 1]));
    // While one of our own is on its way, what comes back may be an older one.
    const told = keys.includes("selection") && !this.requests.waits("select");
    if (told) patch.selection = this.sent();
    const [trace, activity] = [groups.has("trace"), groups.has("activity")];
    if (trace && this.latents.count > 0) this.described = new Set();
    const job = this.job;
    if (groups.has("job") && job.state === "error") patch.notice = { message: [job.message ?? `${job.label} failed.`, job.remedy].filter(Boolean).join(" "), error: true };
    if (trace || activity || groups.has("effects") || told) {
      this.build(trace, activity || trace, patch.selection === undefined ? this.own.now.selection : patch.selection);
      patch.rows = this.own.now.rows + 1;
    }
    this.own.set(patch);
  }

  private sent(): TokenRange | null {
    const found = this.get("selection");
    return found && "first" in found && found.last > found.first ? { first: found.first, last: found.last } as TokenRange : null;
  }

  private build(trace: boolean, activity: boolean, selection = this.own.now.selection): void {
    const document = this.document;
    if (trace) {
      const offsets = indicesOf(this.get("token_offsets"));
      const fits = document !== null && offsets.length === document.n_tokens + 1;
      this.text = document === null ? new TextModel("", new Uint32Array(0))
        : new TextModel(document.text, fits ? offsets : Uint32Array.of(0, document.text.length), document.roles, document.sentences);
    }
    if (activity) this.latents = new Latents(this.get, this.text, this.own.now.blank);
    const fitting = (values: Float32Array): Float32Array<ArrayBuffer> => (values.length === this.latents.count ? values as Float32Array<ArrayBuffer> : new Float32Array(this.latents.count).fill(NaN));
    this.estimate = fitting(floatsOf(this.get("estimate")));
    this.exact = fitting(floatsOf(this.get("exact")));
    this.latents.select(selection);
    this.order({ ...this.own.now, selection });
  }

  private order(next: Readonly<Own>): void {
    const { query, which, pinned, hidden, descending, selection } = next;
    const filter: Filter = { query, which, pinned, hidden, folded: this.folded(next) > 0 };
    this.rows = this.latents.ordered(this.sorting(next), descending, filter, selection !== null, this);
  }

  /** What the rows are sorted by. */
  sorting({ sort } = this.own.now as Readonly<Own>): SortKey {
    return sort ?? (this.estimate.some(Number.isFinite) ? "estimate" : this.exact.some(Number.isFinite) ? "exact" : "contrast");
  }

  /** How many latents of the template are left out; whoever searches, selects or filters by hand sees all that fit. */
  folded({ template, selection, query, which } = this.own.now as Readonly<Own>): number {
    return template || selection !== null || query.trim() !== "" || which === "pinned" || which === "hidden" ? 0 : this.latents.templateCount;
  }

  /** Changes what the rows follow from, and works them out again. */
  arrange(patch: Partial<Own>): void {
    const next = { ...this.own.now, ...patch };
    if ("blank" in patch) this.latents = new Latents(this.get, this.text, next.blank);
    if ("blank" in patch || "selection" in patch) this.latents.select(next.selection);
    this.order(next);
    this.own.set({ ...patch, rows: next.rows + 1 });
  }

  select(range: TokenRange | null): void {
    this.arrange({ selection: range });
    if (this.off === null && this.document) this.requests.ask({ kind: "select", document: this.document.id, first: range?.first ?? 0, last: range?.last ?? 0 });
  }

  ask(request: Request): void {
    if (this.off === null) this.requests.ask(request);
    const { off } = this; // that the kernel is gone may have come out just now
    if (off !== null) this.own.set({ notice: { message: off, error: false } });
  }

  /** The branch that was asked for and has not been shown yet. */
  get heading(): string | null { return this.requests.waits("goto") ? this.headed : null; }

  goto(branch: string): void {
    this.headed = branch;
    this.ask({ kind: "goto", branch });
  }

  /** Asks for exact effects of latents that lack one. */
  measure(latents: number[]): void {
    const missing = latents.filter((latent) => { const row = this.latents.rowOf(latent); return row >= 0 && Number.isNaN(this.exact[row]); });
    if (missing.length > 0 && this.document && this.effect.why === "" && this.off === null) this.requests.ask({ kind: "exact", document: this.document.id, latents: missing.slice(0, 64) });
  }

  /** Asks for top logits that were not asked for before. */
  describe(latents: number[]): void {
    const missing = latents.filter((latent) => this.words(latent) === null && !this.described.has(latent)).slice(0, 64);
    if (missing.length === 0 || this.off !== null) return;
    for (const latent of missing) this.described.add(latent);
    this.requests.ask({ kind: "describe", latents: missing });
  }

  toggle(set: "pinned" | "hidden", latent: number): void {
    const next = new Set(this.own.now[set]);
    if (!next.delete(latent)) next.add(latent);
    this.arrange({ [set]: next });
  }
}
