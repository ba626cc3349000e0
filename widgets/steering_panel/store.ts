/** One per view: the payload from Python, the browser's own state, and what follows from both. */

import type { TraceText } from "../kit/protocol";
import { TextModel } from "../kit/text/text";
import { Observed } from "../kit/kernel/observed";
import { Requests, type Reply } from "../kit/kernel/requests";
import { StreamedText } from "../kit/kernel/streamed-text";
import { any } from "../kit/section";
import { sharedPick, tokensIn, type SelectedTrait } from "../kit/kernel/selection";
import { EMPTY } from "./payload";
import type { Beside, Dial, Request, Rewritten, Stream, Which } from "./protocol";
import type { Payload } from "./state";

/** Tokens token..last, half-open, of one of the texts. */
export interface Picked { document: string; token: number; last: number }

/** State that Python never sees. */
export interface Own {
  /** The dials as the hand left them: Python may be behind. */
  dials: Dial[];
  /** The vector that was touched last: "from here on" and "this stretch" mean it. */
  active: number;
  picked: Picked | null;
  /** Which rewritten text is shown, and beside which. */
  shown: Which;
  beside: Beside;
  codeOpen: boolean;
  notice: { message: string; remedy: string | null } | null;
  /** The comm to the kernel broke, or a request has heard nothing for long. */
  broken: boolean;
  silent: boolean;
  /** A request has no answer yet. */
  asking: boolean;
}

export type All = Payload & Own;
export type Key = keyof All;

const OWN: Own = { dials: [], active: 0, picked: null, shown: "steered", beside: "baseline", codeOpen: false, notice: null, broken: false, silent: false, asking: false };

export class Store extends Observed<All> {
  readonly requests: Requests<Request>;
  private readonly texts = new WeakMap<TraceText, TextModel>();
  private readonly written = new StreamedText(() => this.askForStream());
  /** The dials that were asked for last, or came from Python: others are those of a hand that moves on. */
  private known: Dial[] = [];

  constructor(post: (message: Request & { request_id: number }) => void) {
    super({ ...EMPTY, ...OWN });
    this.requests = new Requests<Request>(post, ({ error }, kind) => kind !== "stream" && this.set({ notice: { message: error?.message ?? "It could not be done.", remedy: error?.remedy ?? null } }),
      (asking) => this.set({ asking }));
  }

  /** Keeps what is picked and the model's `selected` alike, as long as the store lives. */
  share(trait: SelectedTrait): void {
    const shared = sharedPick<Picked>(trait, {
      now: () => this.now.picked,
      pick: (picked) => this.set({ picked }),
      find: (selected) => {
        const document = selected.trace ?? this.now.baseline?.id ?? "";
        const tokens = tokensIn(selected, document);
        return tokens && (tokens[1] <= (this.textOf(document)?.count ?? 0) ? { document, token: tokens[0], last: tokens[1] } : undefined);
      },
      tell: (picked) => picked === null ? { span: undefined, unit: undefined } : { trace: picked.document, span: [picked.token, picked.last], unit: picked.last - picked.token > 1 ? "span" : "token" },
    });
    this.subscribe((changed) => {
      if (any(changed, "selected", "baseline", "steered", "control", "unsteered")) shared.follow();
      if (changed.has("picked")) shared.told();
    }, new AbortController().signal);
    shared.follow();
  }

  /** Parts of the payload. The dials follow Python's unless the hand was quicker. */
  receive(patch: Partial<Payload>): void {
    const { current } = patch;
    const follow = current !== undefined && !this.requests.waits("steer") && !this.ahead;
    const failed = patch.job?.state === "error";
    const begun = patch.job !== undefined && ["idle", "queued", "running"].includes(patch.job.state);
    this.set({
      ...patch,
      ...(patch.stream ? { stream: this.written.follow(patch.stream) } : {}),
      ...(follow ? { dials: (this.known = current.dials) } : {}),
      ...(failed ? { notice: { message: patch.job?.message ?? "It failed.", remedy: patch.job?.remedy ?? null } } : {}),
      ...(begun ? { notice: null } : {}),
      ...(patch.control === null ? { shown: "steered" as const } : {}),
    });
  }

  get broken(): boolean { return this.now.broken; }
  set broken(value: boolean) { this.set({ broken: value }); }

  abandon(): void { if (this.running) this.requests.ask({ kind: "cancel", job: this.now.job.id }); }

  message(message: unknown): void {
    this.requests.heard();
    this.requests.receive(message);
  }

  /** Whether the hand has turned a dial that was not asked for yet. */
  private get ahead(): boolean { return this.now.dials !== this.known && this.now.dials.length > 0; }

  /** Asks for the dials as they are. */
  steer(): void {
    this.known = this.now.dials;
    this.requests.ask({ kind: "steer", dials: this.known }, (reply) => this.answered(reply));
  }

  /** Asks for all that was written so far; while it is still being written, it is shown. */
  private askForStream(): void {
    const { stream: shown } = this.now;
    if (this.off !== null || !shown) return;
    this.requests.ask({ kind: "stream", of: shown.id }, ({ status, stream }) => {
      if (status !== "ok") this.written.refused();
      const whole = stream as Stream | undefined;
      if (whole?.id === this.now.stream?.id && whole) this.receive({ stream: whole });
    });
  }

  get connected(): boolean { return this.now.alive && !this.now.broken; }

  /** The model is at work for this widget. With the kernel gone nothing is, whatever was said last. */
  get running(): boolean { return this.connected && ["running", "queued"].includes(this.now.job.state); }

  /** Why nothing can be asked for, or null. */
  get off(): string | null {
    if (!this.connected) return "The kernel is gone: run the notebook again to steer.";
    return null;
  }

  rewritten(which: Which | "unsteered"): Rewritten | null { return this.now[which]; }

  /** A document with its tokens, made once. */
  text(document: TraceText, offsets: Uint32Array): TextModel {
    let made = this.texts.get(document);
    if (!made || made.offsets !== offsets) {
      made = new TextModel(document.text, offsets, document.roles, document.sentences);
      this.texts.set(document, made);
    }
    return made;
  }

  get baselineText(): TextModel | null {
    return this.now.baseline && this.text(this.now.baseline, this.now.baseline_offsets);
  }

  /** What the rewritten text stands beside: the unsteered one once it is there, where that is wanted. */
  get beside(): Beside { return this.now.unsteered === null ? "baseline" : this.now.beside; }
  get besideText(): TextModel | null { return this.beside === "baseline" ? this.baselineText : this.rewrittenText("unsteered"); }
  get besideId(): string | null { return (this.beside === "baseline" ? this.now.baseline : this.now.unsteered?.document)?.id ?? null; }

  rewrittenText(which: Which | "unsteered"): TextModel | null {
    const made = this.rewritten(which);
    return made && this.text(made.document, this.now[`${which}_offsets`]);
  }

  /** The text that a picked token belongs to. */
  textOf(document: string): TextModel | null {
    const { baseline } = this.now;
    if (baseline?.id === document) return this.baselineText;
    const which = (["steered", "control", "unsteered"] as const).find((each) => this.rewritten(each)?.document.id === document);
    return which ? this.rewrittenText(which) : null;
  }

  private answered(reply: Reply): void {
    if (reply.status === "ok" && !this.ahead) this.set({ dials: (this.known = this.now.current.dials) });
  }
}
