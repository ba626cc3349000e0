/** Cuts a document into the blocks that the reading view draws. */

import { figuresOf } from "../latents/chips";
import { count } from "../../kit/numbers";
import type { Role, TextModel, TokenRange } from "../../kit/text/text";
import { unclosedWords } from "../side/endings";
import { isOpen } from "./parts";
import type { EditorDocument, InsideRow, LatentStrip, PartInfo, Stream } from "../state";

export type Block =
  | { kind: "label"; role: Role | "later"; note: string; foldable: boolean }
  | { kind: "text"; role: Role; first: number; last: number; sentence: number; opens: boolean; folded: boolean; latents?: boolean }
  | { kind: "part"; part: PartInfo; at: number; text: string; open: boolean }
  | { kind: "said"; text: string }
  | { kind: "cut"; words: string; rerun: boolean }
  | { kind: "removed"; text: string }
  | { kind: "note"; text: string; tone: "plain" | "warn" }
  | { kind: "inside"; row: InsideRow }
  | { kind: "stream"; role: Role };

/** A block holds at most so many tokens: a thought without sentence ends must not become one huge block. */
export const MOST_TOKENS = 800;
/** A prompt longer than this is folded to two lines until asked for. */
const LONG_PROMPT = 240;

const AGAIN = "from here on the model wrote again";
const BEFORE = "from here on: the text before the edit";

export interface BlockOptions { promptOpen: boolean; parts?: readonly PartInfo[]; unfolded?: ReadonlySet<number>; stream: Stream | null; answerNote: string; gone?: boolean; inside?: (sentence: number) => InsideRow | null; latents?: LatentStrip | null }

export function blocksOf(text: TextModel, document: EditorDocument, options: BlockOptions): Block[] {
  const blocks: Block[] = [];
  const { stream } = options;
  const latent = new Set(options.latents?.chips.map(({ token }) => token));
  let until = stream ? text.tokenFrom(stream.from) : text.count;
  while (stream && latent.has(until)) until += 1; // they have no characters: what is written stands behind them
  const clip = (range: TokenRange): TokenRange => ({ first: Math.min(range.first, until), last: Math.min(range.last, until) });
  prompt(blocks, text, options, clip);
  const lined = thought(blocks, text, document, options, clip);
  // They say how this text ended, not the one that is being written.
  if (!stream) for (const note of document.notes) blocks.push({ kind: "note", text: note, tone: "warn" });
  if (!lined && !stream && seam(document) !== null) blocks.push(cutOf(document));
  answer(blocks, text, document, options, clip);
  later(blocks, text, options);
  return blocks;
}

function prompt(blocks: Block[], text: TextModel, options: BlockOptions, clip: (range: TokenRange) => TokenRange): void {
  if (options.parts?.length) { placed(blocks, text, options, "before", clip); return; }
  const range = text.role("prompt");
  const span = text.roleSpan("prompt");
  if (!range || !span) return;
  const long = span.end - span.start > LONG_PROMPT;
  blocks.push({ kind: "label", role: "prompt", note: long ? count(range.last - range.first, "token") : "", foldable: long });
  if (long && !options.promptOpen) {
    pieces(blocks, { first: range.first, last: Math.min(range.last, range.first + 200) }, { role: "prompt", sentence: -1, folded: true });
  } else {
    pieces(blocks, clip(range), { role: "prompt", sentence: -1, folded: false });
  }
}

/** The parts of a place, each a line, with its text below where it was unfolded. */
function placed(blocks: Block[], text: TextModel, { parts = [], unfolded }: BlockOptions, place: PartInfo["place"], clip = (range: TokenRange): TokenRange => range): void {
  parts.forEach((part, at) => {
    if (part.place !== place) return;
    const held = part.start >= 0;
    const open = isOpen(part, unfolded?.has(at) ?? false);
    const role = place === "answer" && part.kind === "answer" ? "answer" : "prompt";
    if (role === "prompt" || !held) blocks.push({ kind: "part", part, at, text: held ? text.text.slice(part.start, part.end) : part.text, open });
    if (!open) return;
    if (part.reason) blocks.push({ kind: "note", text: part.reason, tone: "warn" });
    if (held) pieces(blocks, clip(text.covering(part.start, part.end)), { role, sentence: -1, folded: false });
    else if (part.text !== "") blocks.push({ kind: "said", text: part.text });
  });
}

/** What follows the turn of the thought: no part of what a model reads here. */
function later(blocks: Block[], text: TextModel, options: BlockOptions): void {
  if (options.stream || !options.parts?.some(({ place }) => place === "after")) return;
  blocks.push({ kind: "label", role: "later", note: "what came after this turn where it was recorded", foldable: false });
  placed(blocks, text, options, "after");
}

/** True when the line "the model wrote again" was drawn inside the thought. */
function thought(
  blocks: Block[], text: TextModel, document: EditorDocument, options: BlockOptions, clip: (range: TokenRange) => TokenRange,
): boolean {
  const { stream } = options;
  const range = text.role("thought");
  const span = text.roleSpan("thought");
  if (!range || !span) {
    blocks.push({ kind: "note", text: "This trace has no thought.", tone: "plain" });
    return false;
  }
  const size = range.last - range.first;
  const focus = options.parts?.find(({ place }) => place === "focus");
  const which = focus ? `${(focus.thought ?? 0) + 1} of ${options.parts?.filter((each) => each.thought !== null).length}` : "";
  const sizes = size ? sizeOf(size, text.sentences.length, options.latents) : "";
  blocks.push({ kind: "label", role: "thought", note: [which, sizes].filter(Boolean).join(" · "), foldable: false });
  if (focus?.reason) blocks.push({ kind: "note", text: focus.reason, tone: "warn" });
  const writing = stream !== null && stream.from <= span.end;
  if (size === 0 && !writing && !focus?.reason) blocks.push({ kind: "note", text: "The thought is empty: the model answered at once.", tone: "plain" });
  const breaks = breaksOf(text, document, stream, range, options.latents);
  const latent = new Set(options.latents?.chips.map(({ token }) => token));
  let lined = false;
  const breakAt = (token: number): void => {
    if (breaks.removed === token) blocks.push({ kind: "removed", text: document.edit?.old ?? "" });
    if (breaks.line === token) { blocks.push(stream ? { kind: "cut", words: options.gone ? "the model was writing when the kernel went" : "the model is writing", rerun: false } : cutOf(document)); lined = true; }
  };
  const put = (each: TokenRange, sentence: number): void => {
    const { first, last } = clip(each);
    const cuts = [...new Set([breaks.removed, breaks.line])].filter((cut) => cut > first && cut < last).sort((a, b) => a - b);
    breakAt(first);
    let from = first;
    for (const cut of [...cuts, last]) {
      pieces(blocks, { first: from, last: cut }, { role: "thought", sentence, folded: false, ...(latent.has(from) ? { latents: true } : {}) }, from === first);
      if (cut < last) breakAt(cut);
      from = cut;
    }
  };
  const { sentences } = text;
  const lead = sentences[0]?.first ?? range.last;
  if (lead > range.first) put({ first: range.first, last: lead }, -1);
  for (let i = 0; i < sentences.length; i += 1) {
    const each = text.sentenceTokens(i);
    if (clip(each).last <= clip(each).first) continue;
    if (latent.has(each.first)) { // all that follow one another are one strip
      while (latent.has(sentences[i + 1]?.first ?? -1)) i += 1;
      let last = each.first;
      while (latent.has(last)) last += 1;
      put({ first: each.first, last }, -1);
      const rest = text.sentenceTokens(i).last;
      if (last < rest) put({ first: last, last: rest }, -1);
      continue;
    }
    put(each, i);
    const row = stream ? null : options.inside?.(i);
    if (row) blocks.push({ kind: "inside", row });
  }
  breakAt(clip(range).last);
  if (writing) blocks.push({ kind: "stream", role: "thought" });
  if (!document.thought_closed && !stream && size > 0 && document.rerun_at === null) blocks.push({ kind: "note", text: unclosedWords(document.finish), tone: "warn" });
  return lined;
}

/** "15 latents, 3 changes", "30 tokens, 4 sentences"; of both, both. */
function sizeOf(tokens: number, sentences: number, latents: LatentStrip | null | undefined): string {
  const many = latents?.chips.length ?? 0;
  const changes = latents?.parts.length ? [count(many / latents.parts.length, "change")] : [];
  const words = [count(tokens - many, "token"), count(sentences - many, "sentence")];
  const sizes = [...(many ? [count(many, "latent"), ...changes] : []), ...(many === tokens ? [] : words)].join(", ");
  return [sizes, latents ? figuresOf(latents) : ""].filter(Boolean).join(" · ");
}

/** Where cut-off text and the line stand, as tokens; -1 for neither. A line at the very end would say nothing. */
function breaksOf(text: TextModel, document: EditorDocument, stream: Stream | null, range: TokenRange, latents: LatentStrip | null | undefined): { removed: number; line: number } {
  if (stream) return { removed: -1, line: text.tokenFrom(stream.from) };
  const { edit, rewritten_from: from, rerun_at: rerun } = document;
  const removed = edit?.kind === "truncate" && edit.old !== "" ? Math.min(range.last, text.tokenFrom(edit.at)) : -1;
  const line = rerun ?? (from === null ? -1 : text.tokenFrom(from));
  const among = latents?.chips.some(({ token }) => token === line) ?? false; // a strip isn't parted: its chips say so
  return { removed, line: line < range.last && !among ? line : -1 };
}

/** Where this text and another meet: the model wrote again from there, or would, if it were asked. */
function seam({ rewritten_from: from, rerun_at: rerun }: EditorDocument): number | null { return rerun ?? from; }

function cutOf({ rerun_at: rerun, edit }: EditorDocument): Block {
  if (rerun === null) return { kind: "cut", words: AGAIN, rerun: false };
  return { kind: "cut", words: edit?.kind === "truncate" ? "cut here, not rerun" : BEFORE, rerun: true };
}

function answer(
  blocks: Block[], text: TextModel, document: EditorDocument, options: BlockOptions, clip: (range: TokenRange) => TokenRange,
): void {
  const { stream, answerNote } = options;
  const range = text.role("answer");
  const thoughtEnd = text.roleSpan("thought")?.end ?? 0;
  const writing = stream !== null && stream.from > thoughtEnd;
  if (stream && !writing) return;
  blocks.push({ kind: "label", role: "answer", note: answerNote, foldable: false });
  const parted = !stream && options.parts?.some(({ place, start }) => place === "answer" && start >= 0);
  if (parted) placed(blocks, text, options, "answer");
  else if (range && range.last > range.first) pieces(blocks, clip(range), { role: "answer", sentence: -1, folded: false });
  if (writing) blocks.push({ kind: "stream", role: "answer" });
  else if (!range || range.last === range.first) {
    blocks.push({ kind: "note", text: document.thought_closed || document.rerun_at !== null ? "There is no answer yet." : "There is no answer: the thought did not end.", tone: "plain" });
  }
}

function pieces(
  blocks: Block[], range: TokenRange, rest: { role: Role; sentence: number; folded: boolean }, opens = true,
): void {
  for (let first = range.first; first < range.last; first += MOST_TOKENS) {
    blocks.push({ kind: "text", first, last: Math.min(range.last, first + MOST_TOKENS), opens: opens && first === range.first, ...rest });
  }
}
