/** The latents of one trace: numbers per row, worked out here from all activations, so that selecting asks nobody. */

import { bytesOf, floatsOf, indicesOf } from "../kit/kernel/bytes";
import type { TextModel, TokenRange } from "../kit/text/text";
import type { State } from "./protocol";

/** "contrast": mean activation on the selection less that on the rest of the trace; of all of it, on what was written. */
export type SortKey = "latent" | "label" | "here" | "max" | "mean" | "density" | "estimate" | "exact" | "contrast";
export type Which = "all" | "labelled" | "unlabelled" | "pinned" | "hidden";
/** `folded`: latents that are active at tokens of the template only are left out. */
export interface Filter { query: string; which: Which; pinned: ReadonlySet<number>; hidden: ReadonlySet<number>; folded: boolean }

/** Where a label is from; the codes are those of cotlens.workbench.feature_table.labels. */
export const ORIGINS = ["", "from the SAE's own files", "from a file of labels", "typed by you"] as const;

/** Tokens kept per latent; as many different ones of them as SHOWN stand for it in the table. */
const TOP = 6;
const SHOWN = 3;

export class Latents {
  readonly latents: Uint32Array;
  readonly bounds: Uint32Array;
  readonly tokens: Uint32Array;
  readonly values: Float32Array;
  readonly error: Float32Array;
  readonly labels: string[];
  readonly origins: Uint8Array;
  readonly scores: Float32Array;
  readonly corpus: Float32Array;
  readonly poor: Uint8Array;
  readonly poorCount: number;
  readonly max: Float32Array;
  readonly mean: Float32Array;
  readonly density: Float32Array;
  /** Largest activation on the selection; NaN where it is active only at tokens that are blanked. */
  readonly here: Float32Array;
  readonly contrast: Float32Array;
  /** 1 where a latent is active at tokens of the template only: outside prompt, thought and answer. */
  readonly template: Uint8Array;
  readonly templateCount: number;
  /** Tokens of the strongest activations, TOP per row, -1 where there are fewer. */
  readonly top: Int32Array;
  private readonly place = new Map<number, number>();
  private readonly lower: string[];

  /** `blank` leaves out tokens that the SAE can't reconstruct: a latent's story is not told there. */
  constructor(get: <K extends keyof State>(key: K) => State[K], readonly text: TextModel, readonly blank: boolean) {
    this.latents = indicesOf(get("latents"));
    const count = this.latents.length;
    const bounds = indicesOf(get("bounds"));
    this.bounds = bounds.length === count + 1 ? bounds : new Uint32Array(count + 1);
    this.tokens = indicesOf(get("tokens"));
    this.values = floatsOf(get("values"));
    this.error = floatsOf(get("error"));
    const labels = get("labels");
    this.labels = Array.isArray(labels) && labels.length === count ? labels : Array.from({ length: count }, () => "");
    this.lower = this.labels.map((label) => label.toLowerCase());
    this.origins = bytesOf(get("origins"));
    this.scores = floatsOf(get("scores"));
    this.corpus = floatsOf(get("corpus"));
    const limit = (get("facts") as { poor?: number } | null)?.poor ?? Infinity;
    this.poor = Uint8Array.from(this.error, (error) => (error > limit ? 1 : 0));
    this.poorCount = this.poor.reduce((sum, each) => sum + each, 0);
    [this.max, this.mean, this.density, this.here, this.contrast] = [0, 1, 2, 3, 4].map(() => new Float32Array(count)) as [Float32Array, Float32Array, Float32Array, Float32Array, Float32Array];
    this.template = this.templates();
    this.templateCount = this.template.reduce((sum, each) => sum + each, 0);
    this.top = new Int32Array(count * TOP).fill(-1);
    this.latents.forEach((latent, row) => this.place.set(latent, row));
    this.summarise();
  }

  get count(): number { return this.latents.length; }

  rowOf(latent: number): number { return this.place.get(latent) ?? -1; }

  /** Whether activations of a token are left out, and said to be. */
  blanked(token: number): boolean { return this.blank && this.poor[token] === 1; }

  private summarise(): void {
    const told = Math.max(1, this.error.length - 1 - (this.blank ? this.poorCount : 0));
    for (let row = 0; row < this.count; row += 1) {
      let [max, sum, active] = [0, 0, 0];
      for (let i = this.bounds[row] as number; i < (this.bounds[row + 1] as number); i += 1) {
        const token = this.tokens[i] as number;
        if (this.blanked(token)) continue;
        const value = this.values[i] as number;
        max = Math.max(max, value);
        sum += value;
        active += 1;
        this.rank(row, i);
      }
      this.max[row] = active > 0 ? max : NaN;
      this.mean[row] = sum / told;
      this.density[row] = active / told;
    }
    // Places so far hold entries; from here on tokens.
    for (let i = 0; i < this.top.length; i += 1) if ((this.top[i] as number) >= 0) this.top[i] = this.tokens[this.top[i] as number] as number;
  }

  /** Keeps the entries of the strongest tokens, strongest first. */
  private rank(row: number, entry: number): void {
    let at = entry;
    for (let k = row * TOP; k < (row + 1) * TOP; k += 1) {
      const other = this.top[k] as number;
      if (other < 0) { this.top[k] = at; return; }
      if ((this.values[at] as number) > (this.values[other] as number)) { this.top[k] = at; at = other; }
    }
  }

  private templates(): Uint8Array {
    const inside = new Uint8Array(this.text.count);
    for (const role of ["prompt", "thought", "answer"] as const) {
      const range = this.text.role(role);
      if (range) inside.fill(1, range.first, range.last);
    }
    const known = inside.includes(1);
    return Uint8Array.from(this.latents, (_, row) => {
      for (let i = this.bounds[row] as number; i < (this.bounds[row + 1] as number); i += 1) if (inside[this.tokens[i] as number] === 1) return 0;
      return known ? 1 : 0;
    });
  }

  /** Works out `contrast` for a selection; of the whole trace, for thought and answer. */
  private contrasted(range: TokenRange | null): void {
    const written = this.text.role("thought") ?? this.text.role("answer");
    const { first, last } = range ?? { first: written?.first ?? 0, last: this.text.count };
    const sizes: [number, number] = [0, 0];
    const side = (token: number): 0 | 1 => (token >= first && token < last ? 1 : 0);
    for (let token = 0; token < this.text.count; token += 1) if (!this.blanked(token)) sizes[side(token)] += 1;
    for (let row = 0; row < this.count; row += 1) {
      const sums: [number, number] = [0, 0];
      for (let i = this.bounds[row] as number; i < (this.bounds[row + 1] as number); i += 1) {
        const token = this.tokens[i] as number;
        if (!this.blanked(token)) sums[side(token)] += this.values[i] as number;
      }
      this.contrast[row] = sums[1] / Math.max(1, sizes[1]) - sums[0] / Math.max(1, sizes[0]);
    }
  }

  /** Works out `here` and `contrast` for a selection; null is the whole trace. */
  select(range: TokenRange | null): void {
    this.contrasted(range);
    if (range === null) { this.here.set(this.max); return; }
    for (let row = 0; row < this.count; row += 1) {
      let [best, blanked] = [0, false];
      for (let i = this.bounds[row] as number; i < (this.bounds[row + 1] as number); i += 1) {
        const token = this.tokens[i] as number;
        if (token < range.first) continue;
        if (token >= range.last) break;
        if (this.blanked(token)) blanked = true;
        else best = Math.max(best, this.values[i] as number);
      }
      this.here[row] = best === 0 && blanked ? NaN : best;
    }
  }

  /** Activation per token of one row; NaN where it is blanked. */
  along(row: number): Float32Array {
    const out = new Float32Array(this.text.count);
    for (let token = 0; token < out.length; token += 1) if (this.blanked(token)) out[token] = NaN;
    if (row < 0) return out;
    for (let i = this.bounds[row] as number; i < (this.bounds[row + 1] as number); i += 1) {
      const token = this.tokens[i] as number;
      if (!this.blanked(token)) out[token] = this.values[i] as number;
    }
    return out;
  }

  topTokens(row: number): string[] {
    const pieces = [...this.top.subarray(row * TOP, (row + 1) * TOP)].filter((token) => token >= 0).map((token) => this.text.piece(token));
    return [...new Set(pieces)].slice(0, SHOWN);
  }

  /** Rows to show, in order; pinned ones lead. `within` keeps those that are active on the selection. */
  ordered(sort: SortKey, descending: boolean, filter: Filter, within: boolean, effects: { estimate: Float32Array; exact: Float32Array }): Uint32Array {
    const query = filter.query.trim().toLowerCase();
    const hits = query === "" ? null : this.hits(query);
    const rows: number[] = [];
    for (let row = 0; row < this.count; row += 1) {
      if (within && this.here[row] === 0) continue;
      if (filter.folded && this.template[row] === 1 && !filter.pinned.has(this.latents[row] as number)) continue;
      if (this.kept(row, filter) && (hits === null || this.matches(row, query, hits))) rows.push(row);
    }
    const keys = this.keys(sort, effects);
    const turn = descending ? -1 : 1;
    const pin = (row: number): number => (filter.pinned.has(this.latents[row] as number) ? 0 : 1);
    const after = typeof keys === "string";
    rows.sort((a, b) => {
      const pinned = filter.pinned.size > 0 ? pin(a) - pin(b) : 0;
      if (pinned !== 0) return pinned;
      if (after) return turn * this.compareLabels(a, b, descending) || a - b;
      const [x, y] = [keys[a] as number, keys[b] as number];
      // What isn't known comes last, whichever way it is sorted.
      if (Number.isNaN(x) || Number.isNaN(y)) return Number(Number.isNaN(x)) - Number(Number.isNaN(y)) || a - b;
      return turn * (x - y) || a - b;
    });
    return Uint32Array.from(rows);
  }

  private keys(sort: SortKey, effects: { estimate: Float32Array; exact: Float32Array }): ArrayLike<number> | "label" {
    switch (sort) {
      case "latent": return this.latents;
      case "label": return "label";
      case "estimate": return effects.estimate.map(Math.abs);
      case "exact": return effects.exact.map(Math.abs);
      default: return this[sort];
    }
  }

  private compareLabels(a: number, b: number, descending: boolean): number {
    const [x, y] = [this.lower[a] as string, this.lower[b] as string];
    if (x === "" || y === "") return (Number(x === "") - Number(y === "")) * (descending ? -1 : 1);
    return x < y ? -1 : x > y ? 1 : 0;
  }

  private kept(row: number, { which, pinned, hidden }: Filter): boolean {
    const latent = this.latents[row] as number;
    if (which === "hidden") return hidden.has(latent);
    if (hidden.has(latent)) return false;
    if (which === "pinned") return pinned.has(latent);
    return which === "all" || (which === "labelled") === (this.labels[row] !== "");
  }

  /** Which tokens hold the words that are looked for. */
  private hits(query: string): Uint8Array {
    return Uint8Array.from({ length: this.text.count }, (_, token) => (this.text.piece(token).toLowerCase().includes(query) ? 1 : 0));
  }

  private matches(row: number, query: string, hits: Uint8Array): boolean {
    if ((this.lower[row] as string).includes(query) || String(this.latents[row]).startsWith(query)) return true;
    for (let k = row * TOP; k < (row + 1) * TOP; k += 1) if ((this.top[k] as number) >= 0 && hits[this.top[k] as number] === 1) return true;
    return false;
  }
}
