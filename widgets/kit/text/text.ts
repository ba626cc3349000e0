/** One text with token offsets, roles and sentences. All character positions are UTF-16 code units. */

import type { Role, RoleSpan, Sentence } from "../protocol";

export type { Role, RoleSpan } from "../protocol";

/** Tokens first..last, half-open. */
export interface TokenRange { first: number; last: number }

/** Characters start..end. */
export interface Stretch { start: number; end: number }

/** Largest index i with values[i] <= wanted; values ascend. -1 when all are larger. */
export function bisect(values: ArrayLike<number>, wanted: number, high = values.length): number {
  let low = 0;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((values[middle] as number) <= wanted) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

export class TextModel {
  readonly count: number;
  private drawnText: string | undefined;
  private readonly sentenceFirst: Int32Array;
  private readonly ranges = new Map<Role, TokenRange>();

  /**
   * offsets has one entry per token and one more: token i is text.slice(offsets[i], offsets[i + 1]). `seen` are the
   * stretches that a view can show, where those are others than the roles.
   */
  constructor(
    readonly text: string,
    readonly offsets: Uint32Array,
    readonly roles: readonly RoleSpan[] = [],
    readonly sentences: readonly Sentence[] = [],
    private readonly seen: readonly Stretch[] = roles,
  ) {
    this.count = Math.max(0, offsets.length - 1);
    this.sentenceFirst = Int32Array.from(sentences, (sentence) => sentence.first);
    for (const { role, start, end, tokens } of roles) this.ranges.set(role, tokens ? { first: tokens[0], last: tokens[1] } : this.covering(start, end));
  }

  /** The text as views draw it: what can't be seen, such as a template's markers, is blotted out in its place. */
  get drawn(): string {
    this.drawnText ??= this.seen.length === 0 ? this.text : this.onlySeen();
    return this.drawnText;
  }

  private onlySeen(): string {
    const parts: string[] = [];
    let at = 0;
    for (const { start, end } of [...this.seen].sort((a, b) => a.start - b.start)) {
      parts.push("\u0000".repeat(Math.max(0, start - at)), this.text.slice(Math.max(at, start), end));
      at = Math.max(at, end);
    }
    return parts.join("");
  }

  start(token: number): number {
    return this.offsets[Math.min(token, this.count)] ?? this.text.length;
  }

  end(token: number): number {
    return this.offsets[Math.min(token + 1, this.count)] ?? this.text.length;
  }

  piece(token: number): string {
    return this.text.slice(this.start(token), this.end(token));
  }

  slice(range: TokenRange): string {
    return this.text.slice(this.start(range.first), this.start(range.last));
  }

  /** The token that holds a character; the last one for positions at or past the end; -1 without tokens. */
  tokenAt(char: number): number {
    return Math.min(this.count - 1, bisect(this.offsets, char));
  }

  /** The first token that starts at or after a character; `count` when there is none. */
  tokenFrom(char: number): number {
    const token = bisect(this.offsets, char - 1) + 1;
    return Math.min(token, this.count);
  }

  /** The tokens that overlap characters start..end; empty (first == last) for an empty span. */
  covering(start: number, end: number): TokenRange {
    if (end <= start) {
      const at = this.tokenFrom(start);
      return { first: at, last: at };
    }
    return { first: Math.max(0, this.tokenAt(start)), last: this.tokenFrom(end) };
  }

  /** The tokens of a role; null when the text has no such part. */
  role(role: Role): TokenRange | null {
    return this.ranges.get(role) ?? null;
  }

  roleSpan(role: Role): RoleSpan | null {
    return this.roles.find((each) => each.role === role) ?? null;
  }

  roleOf(token: number): Role | null {
    const at = this.start(token);
    return this.roles.find(({ start, end, tokens }) => (tokens ? tokens[0] <= token && token < tokens[1] : start <= at && at < end))?.role ?? null;
  }

  /** The sentence of a token, counting the white space after a sentence to it; -1 outside the thought. */
  sentenceOf(token: number): number {
    const thought = this.role("thought");
    if (thought && (token < thought.first || token >= thought.last)) return -1;
    return bisect(this.sentenceFirst, token);
  }

  /** The tokens a sentence owns when sentences tile the thought: up to the next one's first token. */
  sentenceTokens(index: number): TokenRange {
    const first = this.sentences[index]?.first ?? 0;
    const next = this.sentences[index + 1]?.first;
    const end = next ?? Math.max(this.role("thought")?.last ?? this.count, this.sentences[index]?.last ?? 0);
    return { first, last: Math.max(first, end) };
  }
}
