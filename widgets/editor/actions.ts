/** What a person can do, once, for buttons, keys and pointer alike. */

import { latentOf, pickedLatents } from "./latents/picked";
import type { Reply } from "../kit/kernel/requests";
import type { TokenRange } from "../kit/text/text";
import { isOpen } from "./text/parts";
import type { Store } from "./store";
import type { DocumentRequest, Wish } from "./state";

export type Verb = "rerun" | "truncate" | "edit" | "branch";

const WHERE: Record<Verb, string> = {
  rerun: "The model can write again only inside the thought.",
  truncate: "Only the thought can be cut: pick a token inside the thought.",
  edit: "Only the thought can be edited: pick a token inside the thought.",
  branch: "Branches start only inside the thought.",
};

/** Times a branch is written again in one go, at most. */
export const MOST_TIMES = 1000;

export class Actions {
  constructor(private readonly store: Store) {}

  /** Token ranges that are shown, in order: prompt, thought, answer; of many parts those that aren't folded. */
  shown(): TokenRange[] {
    const { text, payload: { parts }, own: { unfolded } } = this.store;
    const open = parts.flatMap((part, at) => (part.start >= 0 && part.place !== "focus" && isOpen(part, unfolded.has(at)) ? text.covering(part.start, part.end) : []));
    const roles = parts.length > 0 ? ["thought"] as const : ["prompt", "thought", "answer"] as const;
    return [...open, ...roles.flatMap((role) => text.role(role) ?? [])]
      .filter((range) => range.last > range.first).sort((a, b) => a.first - b.first);
  }

  thought(): TokenRange {
    return this.store.text.role("thought") ?? { first: 0, last: 0 };
  }

  /** The token actions start from: the picked one, or the first of the picked stretch. */
  get at(): number | null { return this.store.own.picked?.token ?? null; }

  /** Why an action can't be done at a token, or null when it can. */
  reason(verb: Verb, token: number | null): string | null {
    const { off, text } = this.store;
    if (off !== null) return off;
    if (token === null) return "Pick a token first.";
    const role = text.roleOf(token);
    const { first, last } = this.thought();
    const inThought = token >= first && token <= last && text.role("thought") !== null;
    if (inThought) return null;
    if (verb === "rerun" && role === "answer") return null;
    return WHERE[verb];
  }

  /** A latent is a unit of its own: picking its token picks it. */
  pick(token: number, kind: "token" | "sentence" = "token"): void {
    this.store.setOwn({ picked: { kind: latentOf(this.store, token) >= 0 ? "sentence" : kind, token }, hovered: null });
  }

  pickRange(first: number, last: number): void {
    this.store.setOwn({ picked: { kind: "range", token: first, last }, hovered: null });
  }

  /** Moves by tokens through what is shown. */
  move(steps: number): void {
    const ranges = this.shown();
    if (ranges.length === 0) return;
    const at = this.at;
    if (at === null) { this.home(); return; }
    let next = at + steps;
    const inside = ranges.some((range) => next >= range.first && next < range.last);
    if (!inside) {
      next = steps > 0
        ? (ranges.find((range) => range.first >= next)?.first ?? at)
        : ((ranges.filter((range) => range.last <= next + 1).pop()?.last ?? at + 1) - 1);
    }
    this.pick(next);
  }

  /** Moves by sentences; prompt and answer count as one sentence each. */
  moveSentence(steps: number): void {
    const starts = this.stops();
    if (starts.length === 0) return;
    const at = this.at;
    if (at === null) { this.home(); return; }
    let index = starts.length - 1;
    while (index > 0 && (starts[index] as number) > at) index -= 1;
    const next = starts[Math.max(0, Math.min(starts.length - 1, index + steps))] as number;
    const bySentence = this.store.own.picked?.kind === "sentence" && latentOf(this.store, at) < 0;
    this.pick(next, bySentence && this.store.text.sentenceOf(next) >= 0 ? "sentence" : "token");
  }

  home(): void {
    const { first, last } = this.thought();
    const token = last > first ? first : this.shown()[0]?.first;
    if (token !== undefined) this.pick(token);
  }

  end(): void {
    const { first, last } = this.thought();
    const token = last > first ? last - 1 : this.shown()[0]?.first;
    if (token !== undefined) this.pick(token);
  }

  rerun(token = this.at): void { this.act("rerun", token, (at) => this.write({ kind: "rerun", token: at })); }

  /** Goes on from an edit that was not rerun. */
  rerunEdit(): void {
    const token = this.store.payload.document?.rerun_at ?? null;
    if (token !== null && this.store.off === null) this.write({ kind: "rerun", token });
  }

  /** Cuts before the handle of the strip when it stands somewhere, else where the pick says. */
  truncate(token = this.store.own.stop ?? this.cut): void {
    this.act("truncate", token, (at) => this.write({ kind: "truncate", token: at }));
  }

  /** Where the thought would be cut: before the picked token; with its last one picked, or nothing, at its end. */
  get cut(): number | null {
    const { picked } = this.store.own;
    const { first, last } = this.thought();
    if (last <= first) return this.at;
    return picked === null || (picked.kind !== "range" && picked.token === last - 1) ? last : picked.token;
  }

  branch(token: number, tokenId: number): void {
    this.act("branch", token, (at) => this.write({ kind: "branch", token: at, token_id: tokenId }));
  }

  /** Opens the editor at the picked place; latents have no words to edit, but sliders. */
  edit(token = this.at): void {
    if (pickedLatents(this.store).length > 0) { this.store.setOwn({ sliders: this.store.own.sliders + 1 }); return; }
    this.act("edit", token ?? this.thought().first, (at) => {
      const { text, own, payload } = this.store;
      const span = text.roleSpan("thought");
      if (!span || !payload.document) return;
      const end = own.picked?.kind === "range" ? text.start(own.picked.last) : text.start(at);
      const inside = (char: number): number => Math.max(0, Math.min(span.end - span.start, char - span.start));
      this.store.setOwn({ editing: { document: payload.document.id, text, span, start: inside(text.start(at)), end: inside(end) } });
    });
  }

  /** Opens the editor with the text that was left or committed last. */
  restore(): void {
    const { discarded } = this.store.own;
    if (!discarded || discarded.document !== this.store.payload.document?.id) return;
    this.store.setOwn({ draft: discarded.text, notice: null });
    this.edit(this.thought().first);
  }

  /** Replaces characters start..end of the document that is shown; Python re-tokenises and reruns. */
  replace(start: number, end: number, text: string): void {
    this.write({ kind: "edit", start, end, text });
  }

  /** Asks what would be answered with latents moved, or makes a branch of it. */
  moveLatents(kind: "move" | "put", token: number, places: number[], answered?: (reply: Reply) => void): void {
    const { effect, donor } = this.store.own.moving;
    if (kind === "put") this.store.setOwn({ heading: null });
    this.store.askHere({ kind, token, places, effect, donor }, answered);
  }

  takeOut(token: number, last: number): void { this.write({ kind: "take_out", token, last }); }

  /** The same for a text that was being edited, whatever is shown by now. `answered` hears whether Python took it. */
  commit(document: string, start: number, end: number, text: string, answered: (reply: Reply) => void): void {
    this.store.setOwn({ heading: null });
    this.store.ask({ kind: "edit", document, start, end, text }, answered);
  }

  measure(wish: Wish): void {
    if (this.store.choosing !== null) return;
    const { confirmed: _, ...selection } = wish;
    this.store.setOwn({ wish: { ...selection, spans: wish.spans ?? this.store.selection.spans } });
    this.store.askHere({ kind: "measure", ...wish }, () => this.store.setOwn({ wish: null }));
  }

  /** Shades by stretches of the text: those there are, and another one, or without the one that was picked. */
  measureSpans(spans: [number, number][]): void {
    const { measure, metric, n, target } = this.store.selection;
    if (measure !== null) this.measure({ measure, unit: "span", metric, n, spans, target, confirmed: false });
  }

  /** Follows another answer; "" is the trace's own. */
  follow(target: string): void {
    const { measure, unit, metric, n } = this.store.selection;
    if (measure !== null) this.measure({ measure, unit, metric, n, spans: null, target, confirmed: false });
  }

  /** Reads the answers of all branches by another reader. */
  readBy(reader: string): void {
    if (this.store.lost === null) this.store.ask({ kind: "reader", reader });
  }

  goto(branch: string): void {
    if (this.store.lost !== null) return;
    this.store.setOwn({ heading: branch });
    this.store.ask({ kind: "goto", branch }, () => this.store.setOwn({ heading: null }));
  }

  /** Goes to a neighbour of the branch that is shown, or that will be: two quick steps are two steps. */
  step(by: number): void {
    const { payload: { branches }, own: { heading } } = this.store;
    const asked = branches.findIndex((branch) => branch.id === heading);
    const next = branches[(asked >= 0 ? asked : branches.findIndex((branch) => branch.current)) + by];
    if (next) this.goto(next.id);
  }

  /** Looks at another thought; its branches are those that it was left with. Where that is refused, it can be read all the same. */
  lookAt(thought: number, refused: () => void = () => {}): void {
    const { lost } = this.store;
    if (lost !== null) { this.say(lost); return; }
    this.store.setOwn({ aim: thought, heading: null });
    this.store.ask({ kind: "focus", thought }, ({ status }) => { this.store.setOwn({ aim: null }); if (status === "error") refused(); });
  }

  /** Looks at the thought before or after the one that is shown, or that will be. */
  stepThought(by: number): void {
    const { payload: { parts }, focus, own: { aim } } = this.store;
    const numbers = parts.flatMap(({ thought }) => thought ?? []);
    const here = aim ?? focus?.thought ?? null;
    // With none in focus, they all stand before what is shown.
    const next = here === null ? numbers.at(-1) : numbers.find((number) => number === here + by);
    if (next !== undefined) this.lookAt(next);
  }

  /** Unfolds a part, or folds it again. */
  fold(at: number): void {
    const { unfolded } = this.store.own;
    this.store.setOwn({ unfolded: unfolded.has(at) ? new Set([...unfolded].filter((each) => each !== at)) : new Set([...unfolded, at]) });
  }

  /** `force` asks those for an answer that give none. */
  resample(n: number, force = false): void {
    if (this.store.off !== null) return;
    if (Number.isInteger(n) && n >= 1 && n <= MOST_TIMES) this.store.askHere(force ? { kind: "resample", n, force } : { kind: "resample", n });
    else this.say(`Nothing was written: give a whole number of times, 1 to ${MOST_TIMES.toLocaleString("en-US")}.`);
  }

  /** Whether they were asked for; what can't be a limit is said instead. */
  limit(max_new_tokens: number, temperature: number): boolean {
    if (this.store.off !== null) return false;
    const [counts, warms] = [Number.isSafeInteger(max_new_tokens) && max_new_tokens >= 1, Number.isFinite(temperature) && temperature >= 0];
    if (counts && warms) this.store.ask({ kind: "limits", max_new_tokens, temperature });
    else this.say(`The limits stay as they are: give ${counts ? "a temperature of 0 or more" : "a whole number of tokens, at least 1"}.`);
    return counts && warms;
  }

  cancel(): void {
    this.store.abandon();
  }

  /** What is written is shown, so whatever was headed for is not. */
  private write(request: DocumentRequest): void {
    this.store.setOwn({ heading: null });
    this.store.askHere(request);
  }

  private stops(): number[] {
    const { text } = this.store;
    return this.shown().flatMap((range) => {
      const inside = text.sentences.map((sentence) => sentence.first).filter((first) => first >= range.first && first < range.last);
      return inside.length > 0 && text.role("thought")?.first === range.first ? inside : [range.first];
    });
  }

  private act(verb: Verb, token: number | null, go: (token: number) => void): void {
    const reason = this.reason(verb, token);
    if (reason === null && token !== null) go(token);
    else this.say(reason ?? "");
  }

  private say(message: string): void {
    this.store.setOwn({ notice: { message, remedy: null, tone: "info" } });
  }
}
