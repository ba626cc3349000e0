/** A pairs result as the view reads it. Cell (target, source) stands at target * count + source. */

import { bytesOf, floatsOf, indicesOf } from "../kit/kernel/bytes";
import { certaintyOf, effectWords, GLYPH, intervalWords, isExact, mayBeNothing, reasonWords, SAID, type Certainty } from "../kit/heat/certainty";
import { above, type Effect } from "../kit/heat/effect-bar";
import { filled, level } from "../kit/heat/heat";
import type { Matrix } from "./protocol";

export type Sort = "source" | "target" | "size" | "effect";

/** Which pairs are shown. */
export interface Filter { apart: number; onlyClear: boolean }

/** The scale ends where this share of the shown pairs lies below: a few huge neighbours must not pale all others. */
const SHARE = 0.99;

export class Pairs {
  readonly count: number;
  readonly estimate: Float32Array;
  private readonly low: Float32Array;
  private readonly high: Float32Array;
  private readonly n: Float32Array;
  private readonly codes: Uint8Array;
  private readonly first: Uint32Array;
  private readonly last: Uint32Array;

  constructor(readonly matrix: Matrix) {
    this.count = matrix.texts.length;
    this.estimate = floatsOf(matrix.estimate);
    this.low = floatsOf(matrix.low);
    this.high = floatsOf(matrix.high);
    this.n = floatsOf(matrix.n);
    this.codes = bytesOf(matrix.certainty);
    this.first = indicesOf(matrix.first);
    this.last = indicesOf(matrix.last);
  }

  /** The tokens of a sentence; null where the result doesn't tell them. */
  tokens(sentence: number): [first: number, last: number] | null {
    const [first, last] = [this.first[sentence] ?? 0, this.last[sentence] ?? 0];
    return first < last ? [first, last] : null;
  }

  /** The sentence that some tokens begin in, or else the first that they reach; -1 where there is none. */
  sentenceAt(first: number, last: number): number {
    const all = Array.from({ length: this.count }, (_, sentence) => this.tokens(sentence));
    const holds = all.findIndex((each) => each !== null && each[0] <= first && first < each[1]);
    return holds >= 0 ? holds : all.findIndex((each) => each !== null && each[0] < last && each[1] > first);
  }

  cell(target: number, source: number): number { return target * this.count + source; }
  source(cell: number): number { return cell % this.count; }
  target(cell: number): number { return Math.floor(cell / this.count); }

  /** Whether the result has this pair at all, measured or not. */
  has(cell: number): boolean { return (this.codes[cell] ?? 0) > 0; }

  certainty(cell: number): Certainty { return certaintyOf((this.codes[cell] ?? 0) - 1); }

  measured(cell: number): boolean { return this.has(cell) && this.certainty(cell) !== "none"; }

  clear(cell: number): boolean { return this.measured(cell) && !mayBeNothing(this.certainty(cell)); }

  shown(cell: number, filter: Filter): boolean {
    return this.measured(cell) && Math.abs(this.target(cell) - this.source(cell)) >= filter.apart && (!filter.onlyClear || this.clear(cell));
  }

  /** Whether a sentence with itself is part of the result. */
  get hasDiagonal(): boolean {
    for (let i = 0; i < this.count; i += 1) if (this.measured(this.cell(i, i))) return true;
    return false;
  }

  number(filter: Filter): number {
    let sum = 0;
    for (let cell = 0; cell < this.codes.length; cell += 1) if (this.shown(cell, filter)) sum += 1;
    return sum;
  }

  /** Distance from where the scale begins. */
  size(cell: number): number { return Math.abs((this.estimate[cell] ?? NaN) - this.matrix.base); }

  /** The effect as a bar shows it: from where the scale begins. */
  bar(cell: number): Effect { return above(this.effect(cell), this.matrix.base); }

  /** Heat level, -LEVELS..LEVELS; 0 for what may be nothing. */
  level(cell: number, scale: number): number { return filled(level((this.estimate[cell] ?? NaN) - this.matrix.base, scale), this.certainty(cell)); }

  /** How far from where they begin the colours end, for the pairs that are shown. */
  scale(filter: Filter): number {
    const sizes: number[] = [];
    for (let cell = 0; cell < this.codes.length; cell += 1) {
      if (this.shown(cell, { ...filter, onlyClear: false })) sizes.push(this.size(cell));
    }
    sizes.sort((a, b) => a - b);
    const at = sizes[Math.min(sizes.length - 1, Math.floor(SHARE * sizes.length))] ?? 0;
    return at > 0 ? at : this.matrix.scale - this.matrix.base;
  }

  /** The shown pairs in order; equal ones keep the order of the text. */
  ordered(sort: Sort, descending: boolean, filter: Filter): number[] {
    const cells: number[] = [];
    for (let cell = 0; cell < this.codes.length; cell += 1) if (this.shown(cell, filter)) cells.push(cell);
    const key = (cell: number): number => {
      if (sort === "source") return this.source(cell);
      if (sort === "target") return this.target(cell);
      const value = this.estimate[cell] as number;
      return sort === "size" ? this.size(cell) : value;
    };
    const turn = descending ? -1 : 1;
    return cells.sort((a, b) => turn * (key(a) - key(b)) || a - b);
  }

  effect(cell: number): Effect {
    return { value: this.estimate[cell] ?? NaN, low: this.low[cell] ?? NaN, high: this.high[cell] ?? NaN, certainty: this.certainty(cell) };
  }

  samples(cell: number): number { return this.n[cell] ?? 0; }

  glyph(cell: number): string { return GLYPH[this.certainty(cell)]; }

  effectWords(cell: number): string { return effectWords(this.estimate[cell] ?? NaN, this.matrix.signed, this.matrix.scale_unit); }

  intervalWords(cell: number): string {
    return intervalWords(this.certainty(cell), this.low[cell] ?? NaN, this.high[cell] ?? NaN, this.matrix.signed);
  }

  certaintyWords(cell: number): string {
    if (!this.has(cell)) return "this pair is not part of the result";
    const reason = reasonWords(this.matrix.status[String(cell)]);
    if (!this.measured(cell)) return reason ? `not measured: ${reason}` : "not measured";
    return reason ? `${SAID[this.certainty(cell)]}; ${reason}` : SAID[this.certainty(cell)];
  }

  spoken(cell: number): string {
    const head = `source ${this.source(cell)} to target ${this.target(cell)}`;
    if (!this.measured(cell)) return `${head}, ${this.certaintyWords(cell)}`;
    const interval = isExact(this.certainty(cell)) ? "" : `, interval ${this.intervalWords(cell)}`;
    return `${head}, effect ${this.effectWords(cell)}${interval}, ${this.certaintyWords(cell)}`;
  }
}
