/** What the model would answer if the thought stopped at a token, read off the strip's table. */

import { shortProbability } from "../../kit/numbers";
import { bisect } from "../../kit/text/text";
import type { Strip } from "../state";

export interface Chance { answer: string; p: number }

/** An answer with more than this at any point is drawn. */
const LIKELY = 0.1;

export class Chances {
  readonly width: number;
  readonly points: number;

  constructor(readonly strip: Strip, readonly at: Uint32Array, readonly values: Float32Array) {
    this.width = strip.answers.length + 1;
    this.points = Math.min(at.length, Math.floor(values.length / this.width));
  }

  value(point: number, column: number): number {
    return this.values[point * this.width + column] ?? NaN;
  }

  /** The last measured point at or before a token, the first one for tokens before it; -1 without points. */
  pointAt(token: number): number {
    return this.points === 0 ? -1 : Math.max(0, bisect(this.at, token, this.points));
  }

  /** Whether points were left out between a point and the one before it. */
  gap(point: number): boolean { return this.strip.sparse === true && point > 0 && (this.at[point] as number) > (this.at[point - 1] as number) + 1; }

  /** How many tokens before a token was last measured. */
  since(token: number): number { return this.strip.sparse ? Math.max(0, token - (this.at[this.pointAt(token)] ?? token)) : 0; }

  /** Answers by falling probability; "other" stands last whatever it holds. Empty where not measured. */
  ranked(token: number): Chance[] {
    const point = this.pointAt(token);
    if (point < 0 || Number.isNaN(this.value(point, 0))) return [];
    const named = this.strip.answers.map((answer, column) => ({ answer, p: this.value(point, column) }))
      .filter((chance) => !Number.isNaN(chance.p)).sort((a, b) => b.p - a.p);
    const other = this.value(point, this.strip.answers.length);
    return Number.isNaN(other) ? named : [...named, { answer: "other", p: other }];
  }

  /** Column of the trace's own answer, or of the likeliest when it could not be read; -1 without answers. */
  get target(): number {
    const { target, answers } = this.strip;
    if (target !== null && target >= 0 && target < answers.length) return target;
    return this.strongest(-1);
  }

  /** Columns of the answers that lead at some point or have more than LIKELY there, the likeliest first and "other" last; without the target. */
  get others(): number[] {
    const peaks = Array.from({ length: this.width }, () => 0);
    const leads = new Set<number>();
    for (let point = 0; point < this.points; point += 1) {
      let first = 0;
      for (let column = 0; column < this.width; column += 1) {
        const value = this.value(point, column);
        if (value > (peaks[column] as number)) peaks[column] = value;
        if (value > this.value(point, first)) first = column;
      }
      if (this.value(point, first) > 0) leads.add(first);
    }
    return peaks.map((_, column) => column).filter((column) => column !== this.target && (leads.has(column) || (peaks[column] as number) > LIKELY))
      .sort((a, b) => Number(a === this.width - 1) - Number(b === this.width - 1) || (peaks[b] as number) - (peaks[a] as number));
  }

  /** The answer of a column; the last one holds all that are not followed. */
  name(column: number): string { return this.strip.answers[column] ?? "another answer"; }

  private strongest(except: number): number {
    let best = -1;
    let most = -1;
    for (let column = 0; column < this.strip.answers.length; column += 1) {
      if (column === except) continue;
      let sum = 0;
      for (let point = 0; point < this.points; point += 1) {
        const value = this.value(point, column);
        if (!Number.isNaN(value)) sum += value;
      }
      if (sum > most) { most = sum; best = column; }
    }
    return best;
  }
}

/** "9 (.31), 8 (.12), 7 (.06)": at most three, and none that rounds to nothing unless it is the first. */
export function chanceWords(ranked: Chance[]): string {
  const shown = ranked.filter((chance, i) => i === 0 || chance.p >= 0.005).slice(0, 3);
  return shown.map((chance) => `${chance.answer} (${shortProbability(chance.p)})`).join(", ");
}
