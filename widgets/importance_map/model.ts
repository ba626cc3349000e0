/** A score as the view reads it: typed arrays, and what follows from them. */

import { bytesOf, floatsOf, indicesOf } from "../kit/kernel/bytes";
import { certaintyOf, GLYPH, isExact, mayBeNothing, reasonWords, SAID, effectWords, intervalWords, type Certainty } from "../kit/heat/certainty";
import { above, type Effect } from "../kit/heat/effect-bar";
import { filled, levels } from "../kit/heat/heat";
import { figure } from "../kit/numbers";
import { spokenPiece } from "../kit/text/special";
import type { Fact, Score } from "./protocol";

export type Sort = "place" | "size" | "effect";

export class ScoreMap {
  readonly count: number;
  readonly edges: Uint32Array;
  readonly blocks: Uint32Array;
  readonly estimate: Float32Array;
  readonly low: Float32Array;
  readonly high: Float32Array;
  readonly n: Uint32Array;
  readonly first: Uint32Array;
  readonly last: Uint32Array;
  /** Heat level of each unit: 0 for what may be nothing. */
  levels: Int8Array;
  private readonly codes: Uint8Array;
  private readonly ranks: Uint32Array;

  constructor(readonly score: Score) {
    this.codes = bytesOf(score.certainty);
    this.count = this.codes.length;
    this.edges = indicesOf(score.edges);
    this.blocks = indicesOf(score.blocks);
    this.estimate = floatsOf(score.estimate);
    this.low = floatsOf(score.low);
    this.high = floatsOf(score.high);
    this.n = indicesOf(score.n);
    this.first = indicesOf(score.first);
    this.last = indicesOf(score.last);
    this.levels = this.levelsOf(score.scale - score.base);
    this.ranks = new Uint32Array(this.count);
    this.ordered("size", true, false).forEach((unit, i) => { this.ranks[unit] = i + 1; });
  }

  /** Lets the colours end so far from where they begin. */
  colour(scale: number): void { this.levels = this.levelsOf(scale); }

  private levelsOf(scale: number): Int8Array {
    return levels(this.estimate.map((value) => value - this.score.base), scale).map((step, unit) => filled(step, this.certainty(unit)));
  }

  get isToken(): boolean { return this.score.unit === "token"; }

  /** The number that a unit is known by: that of a token in the trace, as the editor has it; else its place in the table. */
  numberOf(unit: number): number { return this.isToken ? (this.first[unit] ?? unit) : unit; }

  /** The unit of some tokens: the one that holds the first of them, or else the first that they reach. */
  unitAt(first: number, last: number): number | null {
    let reached: number | null = null;
    for (let unit = 0; unit < this.count; unit += 1) {
      const [start, end] = [this.first[unit] as number, this.last[unit] as number];
      if (start <= first && first < end) return unit;
      if (reached === null && start < last && end > first) reached = unit;
    }
    return reached;
  }

  text(unit: number): string {
    return this.score.text.slice(this.edges[unit] ?? 0, this.edges[unit + 1] ?? 0);
  }

  certainty(unit: number): Certainty { return certaintyOf(this.codes[unit]); }

  /** Measured, and not to be mistaken for nothing. */
  clear(unit: number): boolean {
    const certainty = this.certainty(unit);
    return certainty !== "none" && !mayBeNothing(certainty);
  }

  effect(unit: number): Effect {
    return { value: this.estimate[unit] ?? NaN, low: this.low[unit] ?? NaN, high: this.high[unit] ?? NaN, certainty: this.certainty(unit) };
  }

  /** The effect as a bar shows it: from where the scale begins. */
  bar(unit: number): Effect { return above(this.effect(unit), this.score.base); }

  /** The longest bar. */
  get reach(): number { return this.score.reach - this.score.base; }

  /** Distance from where the scale begins. */
  size(unit: number): number { return Math.abs((this.estimate[unit] ?? NaN) - this.score.base); }

  /** Units first..last of a block, half-open. */
  block(index: number): { first: number; last: number } {
    return { first: this.blocks[index] ?? 0, last: this.blocks[index + 1] ?? this.count };
  }

  /** The measured unit of a block with the largest effect among those that are shown; -1 without one. */
  strongest(index: number, onlyClear: boolean): number {
    const { first, last } = this.block(index);
    let best = -1;
    for (let unit = first; unit < last; unit += 1) {
      if (this.certainty(unit) === "none" || (onlyClear && !this.clear(unit))) continue;
      if (best < 0 || this.size(unit) > this.size(best)) best = unit;
    }
    return best;
  }

  /** Whether any unit has an interval or a test, so that clear effects can be told from others. */
  get judged(): boolean {
    for (let unit = 0; unit < this.count; unit += 1) if (["clear", "zero", "floor", "corrected"].includes(this.certainty(unit))) return true;
    return false;
  }

  /** Place among the measured units by size, from 1. */
  rank(unit: number): number { return this.ranks[unit] ?? 0; }

  number(kind: "clear" | "measured"): number {
    let sum = 0;
    for (let unit = 0; unit < this.count; unit += 1) if (kind === "clear" ? this.clear(unit) : this.certainty(unit) !== "none") sum += 1;
    return sum;
  }

  /** Units in order; those without a value come last whichever way. Equal ones keep the order of the text. */
  ordered(sort: Sort, descending: boolean, onlyClear: boolean): number[] {
    const units = Array.from({ length: this.count }, (_, unit) => unit).filter((unit) => !onlyClear || this.clear(unit));
    const turn = descending ? -1 : 1;
    if (sort === "place") return descending ? units.reverse() : units;
    const key = (unit: number): number => (sort === "size" ? this.size(unit) : (this.estimate[unit] as number));
    return units.sort((a, b) => {
      const [x, y] = [key(a), key(b)];
      if (Number.isNaN(x) || Number.isNaN(y)) return Number(Number.isNaN(x)) - Number(Number.isNaN(y)) || a - b;
      return turn * (x - y) || a - b;
    });
  }

  /** The next unit with a clear effect after (+1) or before (-1) one; null when there is none. */
  nextClear(unit: number, by: 1 | -1): number | null {
    for (let at = unit + by; at >= 0 && at < this.count; at += by) if (this.clear(at) && this.levels[at] !== 0) return at;
    return null;
  }

  effectWords(unit: number): string { return effectWords(this.estimate[unit] ?? NaN, this.score.signed, this.score.scale_unit); }

  intervalWords(unit: number): string {
    return intervalWords(this.certainty(unit), this.low[unit] ?? NaN, this.high[unit] ?? NaN, this.score.signed);
  }

  reason(unit: number): string { return reasonWords(this.score.status[String(unit)]); }

  glyph(unit: number): string { return GLYPH[this.certainty(unit)]; }

  /** How sure it is, in words; why it is missing where it is. */
  certaintyWords(unit: number): string {
    const certainty = this.certainty(unit);
    const reason = this.reason(unit);
    if (certainty === "none") return reason ? `not measured: ${reason}` : "not measured";
    return reason ? `${SAID[certainty]}; ${reason}` : SAID[certainty];
  }

  /** Everything a screen reader is told of a unit. */
  spoken(unit: number): string {
    const text = spokenPiece(this.text(unit));
    const certainty = this.certainty(unit);
    const parts = [text, `${this.score.unit} ${this.numberOf(unit)}`];
    if (certainty === "none") return [...parts, this.certaintyWords(unit)].join(", ");
    parts.push(`effect ${this.effectWords(unit)}`);
    if (!isExact(certainty)) parts.push(`interval ${this.intervalWords(unit)}`);
    return [...parts, this.certaintyWords(unit)].join(", ");
  }

  /** What the method adds to a unit, as label and value. */
  facts(unit: number): [string, string][] {
    return this.score.facts.map((fact) => [fact.name, factWords(fact, unit)] as [string, string]).filter(([, value]) => value !== "");
  }
}

function factWords(fact: Fact, unit: number): string {
  if (fact.words) return fact.words[unit] ?? "";
  const value = floatsOf(fact.numbers)[unit] ?? NaN;
  return Number.isNaN(value) ? "" : figure(value);
}

/** "n = 100", "n = 20 to 100"; "" for deterministic scores. */
export function samples(map: ScoreMap): string {
  if (map.score.kind !== "sampled") return "";
  let [low, high] = [Infinity, 0];
  for (let unit = 0; unit < map.count; unit += 1) {
    if (map.certainty(unit) === "none") continue;
    low = Math.min(low, map.n[unit] ?? 0);
    high = Math.max(high, map.n[unit] ?? 0);
  }
  if (high === 0) return "";
  return low === high ? `n = ${high.toLocaleString("en-US")}` : `n = ${low.toLocaleString("en-US")} to ${high.toLocaleString("en-US")}`;
}
