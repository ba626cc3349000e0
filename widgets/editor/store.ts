/** One per view: the payload from Python, the browser's own state, and what follows from both. */

import { filled, levels, UNMEASURED } from "../kit/heat/heat";
import { certaintyOf, isSmall, mayBeNothing, type Certainty } from "../kit/heat/certainty";
import { scaleOf, type Lock, type Over, type Scale } from "../kit/heat/scale";
import { TextModel, type RoleSpan, type Stretch } from "../kit/text/text";
import { Requests, type Reply } from "../kit/kernel/requests";
import { StreamedText } from "../kit/kernel/streamed-text";
import { sharedPick, tokensIn, type Picking, type SelectedTrait, type SharedPick } from "../kit/kernel/selection";
import type { Selected } from "../kit/protocol";
import { EMPTY } from "./payload";
import type { DocumentRequest, EditorDocument, EditorPayload, Found, InsideRow, Inspection, LatentEffect, PartInfo, Place, Request, Selection, Stream } from "./state";

export type Picked = { kind: "token" | "sentence"; token: number } | { kind: "range"; token: number; last: number };

/** A text that is being edited: its thought, with the caret or the selection in it. Whatever is shown meanwhile, it stays this one. */
export interface Editing { document: string; text: TextModel; span: RoleSpan; start: number; end: number }

/** Latents of a document that stand elsewhere, by their token: -1 (the mean) over 0 (their own) to 1 (a donor's). */
export interface Moving { document: string; places: ReadonlyMap<number, number>; effect: LatentEffect; donor: string }

/** State of one view that Python never sees. */
export interface Own {
  picked: Picked | null;
  /** The token under the pointer, shown in the inspector until the pointer leaves. */
  hovered: number | null;
  /** The thought is looked at as if stopped before this token; null is its end. */
  stop: number | null;
  intensity: number;
  /** What monitors found is underlined. */
  underlined: boolean;
  /** Whose largest effect has the full colour. */
  over: Over;
  promptOpen: boolean;
  /** The parts that were unfolded, by their place in the payload. */
  unfolded: ReadonlySet<number>;
  codeOpen: boolean;
  editing: Editing | null;
  /** The text of an editor whose view was taken away, so that a view drawn again continues it. */
  draft: string | null;
  /** A draft that was left with Esc, or committed and perhaps not written. */
  discarded: { document: string; text: string } | null;
  /** The branch that was asked for and has not been shown yet. */
  heading: string | null;
  /** Where latents were moved to, and what was chosen for it. */
  moving: Moving;
  /** Counts how often the sliders were asked for. */
  sliders: number;
  /** The thought that was asked for and has not been shown yet. */
  aim: number | null;
  /** What to shade by that was asked for and has not been shown yet. */
  wish: Selection | null;
  notice: { message: string; remedy: string | null; tone: "error" | "info" } | null;
  /** The comm to the kernel broke, or a request has heard nothing for long. */
  broken: boolean;
  silent: boolean;
  /** A request has no answer yet. */
  asking: boolean;
  inspections: number;
}

export type Key = keyof EditorPayload | keyof Own;
type Listener = (changed: ReadonlySet<Key>) => void;

/** What a colour scale may be over. */
export const BRANCHES = ["this branch", "all branches"] as const;

const KEPT_INSPECTIONS = 2000;

export class Store {
  payload: EditorPayload = { ...EMPTY };
  own: Own = {
    picked: null, hovered: null, stop: null, intensity: 0.5, underlined: true, over: "all", promptOpen: false, unfolded: new Set(), codeOpen: false, editing: null,
    draft: null, discarded: null, heading: null, moving: { document: "", places: new Map(), effect: "total", donor: "" }, sliders: 0, aim: null, wish: null, notice: null, broken: false, silent: false, asking: false, inspections: 0,
  };
  readonly requests: Requests<Request>;
  private readonly shared: SharedPick;
  private readonly listeners = new Set<Listener>();
  private readonly changed = new Set<Key>();
  private scheduled = false;
  private model: TextModel | null = null;
  private heat: Int8Array | null = null;
  private readonly inspected = new Map<string, Inspection>();
  private readonly written = new StreamedText(() => this.askForStream());

  /** `hold` holds the colour scale, for linked widgets too; null lets it go. */
  constructor(post: (message: Request & { request_id: number }) => void, readonly hold: (lock: Lock | null) => void = () => {}, selected: SelectedTrait = { get: () => null, save: () => {} }) {
    this.shared = sharedPick<Picked>(selected, {
      now: () => this.own.picked,
      pick: (picked) => this.setOwn({ hovered: null, picked }),
      find: (given) => this.pickedBy(given),
      tell: (picked) => this.told(picked),
    });
    this.requests = new Requests<Request>(post, (reply, kind) => {
      if (kind === "inspect" || kind === "count" || kind === "stream") return;
      const { message = "The request failed.", remedy = null } = reply.error ?? {};
      this.setOwn({ notice: { message, remedy, tone: "error" } });
    }, (asking) => this.setOwn({ asking }));
  }

  subscribe(listener: Listener, signal: AbortSignal): void {
    this.listeners.add(listener);
    signal.addEventListener("abort", () => this.listeners.delete(listener));
  }

  setPayload(patch: Partial<EditorPayload>): void {
    const before = this.payload.document?.id;
    this.payload = { ...this.payload, ...patch, ...(patch.stream ? { stream: this.written.follow(patch.stream) } : {}) };
    if ("document" in patch || "token_offsets" in patch || "parts" in patch) this.model = null;
    this.heat = null;
    // Alternatives come with the probabilities: what was known before them is out of date.
    if ("logprobs" in patch) this.inspected.clear();
    if ("document" in patch && patch.document?.id !== before) this.documentChanged();
    if ("selected" in patch || "document" in patch) this.shared.follow();
    if (patch.place) this.goTo(patch.place);
    this.mark([...Object.keys(patch) as Key[], ...("head" in patch || "parts" in patch ? ["alive" as const] : [])]); // they say whether there is a model to act, and on what
  }

  setOwn(patch: Partial<Own>): void {
    const keys = (Object.keys(patch) as (keyof Own)[]).filter((key) => this.own[key] !== patch[key]);
    if (keys.length === 0) return;
    this.own = { ...this.own, ...patch };
    if (keys.includes("over")) this.heat = null;
    if (keys.includes("picked")) this.shared.told();
    this.mark(keys);
  }

  get broken(): boolean { return this.own.broken; }
  // Nothing that was asked before will be answered.
  set broken(value: boolean) { this.setOwn({ broken: value, heading: null, aim: null, wish: null }); }

  abandon(): void {
    if (this.running) this.ask({ kind: "cancel", job: this.payload.job.id });
  }

  message(message: unknown): void {
    this.requests.heard();
    this.requests.receive(message);
  }

  ask(request: Request, handler?: (reply: Reply) => void): void {
    this.requests.ask(request, handler);
  }

  /** Asks about the document that is shown now. */
  askHere(request: DocumentRequest, handler?: (reply: Reply) => void): void {
    const { document } = this.payload;
    if (document !== null) this.ask({ ...request, document: document.id }, handler);
  }

  /** The text with its offsets. Offsets that do not belong to the text (yet) count as none. */
  get text(): TextModel {
    if (this.model) return this.model;
    const { document, token_offsets: offsets } = this.payload;
    const fits = document !== null && offsets.length === document.n_tokens + 1
      && (offsets[offsets.length - 1] as number) <= document.text.length;
    this.model = document === null
      ? new TextModel("", EMPTY.token_offsets)
      : new TextModel(document.text, fits ? offsets : Uint32Array.of(0, document.text.length), document.roles, document.sentences, this.seen(document));
    return this.model;
  }

  /** What of a document can be seen: of one of many parts, those that its text holds. */
  private seen({ roles }: EditorDocument): readonly Stretch[] {
    const held = this.payload.parts.filter(({ start, place }) => start >= 0 && place !== "focus");
    return held.length ? [...held, ...roles.filter(({ role }) => role === "thought")] : roles;
  }

  /** How many thoughts there are to look at. */
  get thoughts(): number { return this.payload.parts.filter(({ thought }) => thought !== null).length; }

  /** The part of many that is looked at. */
  get focus(): PartInfo | null { return this.payload.parts.find(({ place }) => place === "focus") ?? null; }

  /** Where the colours of the shading end, and why there. */
  get scale(): Scale {
    const { shading, scale_lock: lock } = this.payload;
    const { scale: here, scale_all: all, branches: count, scale_unit: unit } = shading ?? { scale: NaN, scale_all: NaN, branches: 0, scale_unit: "" };
    return scaleOf({ here, all, count }, unit, this.own.over, lock, BRANCHES);
  }

  /** Heat level per token of the document; UNMEASURED everywhere without shading. */
  get levels(): Int8Array {
    if (this.heat) return this.heat;
    const { shading, shading_values: values } = this.payload;
    const out = new Int8Array(this.text.count).fill(UNMEASURED);
    if (shading) {
      const each = levels(values, this.scale.scale);
      for (let token = 0; token < out.length; token += 1) {
        const row = this.shadingIndex(token);
        if (row >= 0) out[token] = filled(each[row] as number, this.certainty(row));
      }
    }
    return (this.heat = out);
  }

  /** The row of a token in the shading; -1 when nothing is shown for it. */
  shadingIndex(token: number): number {
    const { shading_rows: rows, shading_values: values } = this.payload;
    const row = rows.length === this.text.count ? (rows[token] as number) : values.length;
    return row < values.length ? row : -1;
  }

  /** How sure a row is. */
  certainty(row: number): Certainty {
    return certaintyOf(this.payload.shading_certainty[row]);
  }

  /** Whether a token's effect can't be told from none, for want of samples: a dotted line says so. */
  unsure(token: number): boolean {
    const certainty = this.certainty(this.shadingIndex(token));
    return mayBeNothing(certainty) && !isSmall(certainty);
  }

  /** How many rows were measured, and how many of them are clear of zero. */
  get tally(): { measured: number; clear: number } {
    const all = [...this.payload.shading_certainty].map(certaintyOf);
    const measured = all.filter((each) => each !== "none");
    return { measured: measured.length, clear: measured.filter((each) => !mayBeNothing(each)).length };
  }

  /** The rows within tokens first..last, rising. */
  rowsIn(first: number, last: number): number[] {
    const found = new Set<number>();
    for (let token = first; token < last; token += 1) found.add(this.shadingIndex(token));
    found.delete(-1);
    return [...found].sort((a, b) => a - b);
  }

  inspection(token: number): Inspection | null {
    return this.inspected.get(`${this.payload.document?.id}/${token}`) ?? null;
  }

  /** What is read inside the model at the end of a sentence. */
  inside(sentence: number): InsideRow | null {
    return this.payload.inside?.rows.find((row) => row.sentence === sentence) ?? null;
  }

  /** What monitors found in the text that is shown, at any of these tokens; everything by default. */
  found(first = 0, last = Infinity): Found[] {
    const { document: shown, findings } = this.payload;
    return findings.filter(({ document, start, end }) => {
      if (document !== shown?.id) return false;
      const at = this.text.covering(start, end);
      return at.first < last && at.last > first;
    });
  }

  /** Asks for a token's alternatives unless they are known. */
  inspect(token: number): void {
    const document = this.payload.document?.id;
    if (document === undefined || this.inspection(token) || this.lost !== null) return;
    this.askHere({ kind: "inspect", token }, (reply) => {
      if (reply.status !== "ok" || this.payload.document?.id !== document) return;
      if (this.inspected.size >= KEPT_INSPECTIONS) this.inspected.clear();
      this.inspected.set(`${document}/${token}`, reply as unknown as Inspection);
      this.setOwn({ inspections: this.own.inspections + 1 });
    });
  }

  /** Asks for all that was written so far; while it is still being written, it is shown. */
  private askForStream(): void {
    const { stream: shown } = this.payload;
    if (this.lost !== null || !shown) return;
    this.ask({ kind: "stream", of: shown.id }, ({ status, stream }) => {
      if (status !== "ok") this.written.refused();
      const whole = stream as Stream | undefined;
      if (whole?.id === this.payload.stream?.id && whole) this.setPayload({ stream: whole });
    });
  }

  get connected(): boolean { return this.payload.alive && !this.own.broken; }

  /** Why not even Python answers, or null when it does. */
  get lost(): string | null {
    if (!this.connected) return "The kernel that ran this widget is gone. Run the cell again to act.";
    if (this.payload.loading) return "The model is still loading.";
    return null;
  }

  /** Why actions of the model are off, or null when they are on. */
  get off(): string | null { return this.lost ?? this.payload.head.off ?? (this.focus?.reason || null); }

  /** Why nothing can be chosen to shade by, or null: a saved page has what was measured, though no model. */
  get choosing(): string | null { return this.payload.head.measured === true ? this.lost : this.off; }

  /** What the text is shaded by, or will be: a measure and then a unit, chosen while Python is busy, are both meant. */
  get selection(): Selection { return this.own.wish ?? this.payload.selection; }

  /** The model is at work for this widget. With the kernel gone nothing is, whatever was said last. */
  get running(): boolean {
    return this.connected && ["running", "queued"].includes(this.payload.job.state);
  }

  /** Tells the listeners at once instead of at the end of this turn. */
  flush(): void {
    this.scheduled = false;
    if (this.changed.size === 0) return;
    const changed = new Set(this.changed);
    this.changed.clear();
    for (const listener of [...this.listeners]) listener(changed);
  }

  private mark(keys: Key[]): void {
    for (const key of keys) this.changed.add(key);
    if (this.scheduled) return;
    this.scheduled = true;
    // Traits of one batch arrive one by one: draw once for all of them.
    queueMicrotask(() => { if (this.scheduled) this.flush(); });
  }

  /** What a selection is in the text that is shown. */
  private pickedBy(selected: Selected): Picked | null | undefined {
    const tokens = tokensIn(selected, this.payload.document?.id ?? "");
    if (!tokens) return tokens;
    const [token, last] = tokens;
    if (last > this.text.count) return undefined;
    const sentence = selected.unit === "sentence" ? this.text.sentences[this.text.sentenceOf(token)] : undefined;
    if (sentence?.first === token && sentence.last === last) return { kind: "sentence", token };
    return last - token > 1 ? { kind: "range", token, last } : { kind: "token", token };
  }

  /** What is picked, as others are told it. */
  private told(picked: Picked | null): ReturnType<Picking<Picked>["tell"]> {
    if (picked === null) return { span: undefined, unit: undefined, findings: undefined };
    const sentence = picked.kind === "sentence" ? this.text.sentences[this.text.sentenceOf(picked.token)] : undefined;
    const span: [number, number] = sentence ? [sentence.first, sentence.last] : [picked.token, picked.kind === "range" ? picked.last : picked.token + 1];
    const found = [...new Set(this.found(...span).map(({ category }) => category))];
    return { trace: this.payload.document?.id, span, unit: sentence ? "sentence" : picked.kind === "range" ? "span" : "token", findings: found.length ? found : undefined };
  }

  /** Picks the place that Python asked for, where its text is the one that is shown. */
  private goTo({ document, token }: Place): void {
    if (document !== this.payload.document?.id || token >= this.text.count) return;
    this.setOwn({ hovered: null, picked: { kind: this.text.sentenceOf(token) < 0 ? "token" : "sentence", token } });
  }

  /** Another branch is shown: keep the place when its text reaches that far. An open editor stays as it is. */
  private documentChanged(): void {
    const { picked } = this.own;
    const tokens = this.payload.document?.n_tokens ?? 0;
    const kept = picked && picked.kind !== "range" && picked.token < tokens ? picked : null;
    // The place may be outside the thought now, where there are no sentences.
    const kind = kept && this.text.sentenceOf(kept.token) < 0 ? "token" : kept?.kind;
    this.setOwn({ hovered: null, stop: null, picked: kept && kind ? { kind, token: kept.token } : null });
  }
}
