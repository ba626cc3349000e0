/** Rollouts as the map has them: sentences in columns, rows in groups, and what is asked of them without Python. */

import { bytesOf, indicesOf } from "../kit/bytes";
import { matches } from "../kit/matches";
import type { Group, Node, Rollouts } from "./protocol";

export type Sort = "given" | "length" | "start";

/** Which rows are listed, and in which order. */
export interface Wanted { query: string; sort: Sort; node: number | null; group: number | null }

/** A line of the map: the title of a group, or a rollout. */
export type Line = { group: number; row: null } | { group: number; row: number };

export interface Place { row: number; sentence: number }

const NONE: Rollouts = { names: [], notes: [], texts: [], prompts: [], width: 0, categories: [], model: "", note: "" } as unknown as Rollouts;

export class Model {
  readonly first: Uint32Array;
  readonly start: Uint32Array;
  readonly end: Uint32Array;
  readonly column: Uint32Array;
  readonly category: Uint8Array;
  readonly alike: Uint8Array;
  readonly group: Uint32Array;
  readonly said: Rollouts;
  private readonly searched = new Map<number, Set<number>>();
  private query = "";

  constructor(given: Partial<Rollouts> | null, readonly groups: readonly Group[], readonly tree: readonly Node[]) {
    this.said = { ...NONE, ...given };
    const { first, start, end, column, category, alike, group } = this.said;
    [this.first, this.start, this.end, this.column, this.group] = [first, start, end, column, group].map(indicesOf) as [Uint32Array, Uint32Array, Uint32Array, Uint32Array, Uint32Array];
    [this.category, this.alike] = [bytesOf(category), bytesOf(alike)];
  }

  get count(): number { return this.said.names.length; }

  sentences(row: number): number { return this.at(row + 1) - this.at(row); }

  /** The number of a rollout's first sentence among all. */
  at(row: number): number { return this.first[row] ?? 0; }

  text(row: number): string { return this.said.texts[row] ?? ""; }

  sentence({ row, sentence }: Place): string {
    const at = this.at(row) + sentence;
    return this.text(row).slice(this.start[at], this.end[at]);
  }

  answer(group: number): string { return this.groups[group]?.answer ?? "answer not read"; }

  categoryOf({ row, sentence }: Place): string { return (this.said.categories[this.category[this.at(row) + sentence] ?? 0] ?? "unknown").replaceAll("_", " "); }

  /** Groups with their rows; a group of which none is left is left out. */
  lines({ query, sort, node, group }: Wanted): Line[] {
    const within = node === null ? null : new Set(this.tree[node]?.rows);
    const rows = Array.from({ length: this.count }, (_, row) => row).filter((row) =>
      (within === null || within.has(row)) && (group === null || this.group[row] === group) && (query === "" || this.found(row, query) !== null));
    if (sort === "length") rows.sort((a, b) => this.sentences(b) - this.sentences(a) || a - b);
    if (sort === "start") rows.sort((a, b) => (this.text(a) < this.text(b) ? -1 : this.text(a) > this.text(b) ? 1 : a - b));
    return this.groups.flatMap((_, each): Line[] => {
      const own = rows.filter((row) => this.group[row] === each);
      return own.length ? [{ group: each, row: null }, ...own.map((row) => ({ group: each, row }))] : [];
    });
  }

  /** The sentences of a row that hold the query, which may be none where it stands in the answer; null where it isn't in the text. */
  found(row: number, query: string): Set<number> | null {
    if (query !== this.query) { this.searched.clear(); this.query = query; }
    let found = this.searched.get(row);
    if (found === undefined) {
      const places = matches(this.text(row), query);
      found = new Set(places.map((place) => this.sentenceAt(row, place)));
      if (places.length === 0) found.add(-2);
      this.searched.set(row, found);
    }
    return found.has(-2) ? null : found;
  }

  /** The sentence in which a character stands, or the last before it; -1 where there is none. */
  sentenceAt(row: number, char: number): number {
    let at = -1;
    for (let each = 0; each < this.sentences(row) && (this.start[this.at(row) + each] as number) <= char; each += 1) at = each;
    return at;
  }

  /** The sentence of a row that stands in a column; -1 where none does. */
  inColumn(row: number, column: number): number {
    for (let each = 0; each < this.sentences(row); each += 1) if (this.column[this.at(row) + each] === column) return each;
    return -1;
  }

  /** The sentence nearest to a column. */
  nearest(row: number, column: number): number {
    let [best, least] = [-1, Infinity];
    for (let each = 0; each < this.sentences(row); each += 1) {
      const far = Math.abs((this.column[this.at(row) + each] as number) - column);
      if (far < least) [best, least] = [each, far];
    }
    return best;
  }

  /** How many characters two rollouts begin with alike. */
  parting(a: number, b: number): number {
    const [one, other] = [this.text(a), this.text(b)];
    const most = Math.min(one.length, other.length);
    let at = 0;
    while (at < most && one.charCodeAt(at) === other.charCodeAt(at)) at += 1;
    return at;
  }

  spoken(place: Place): string {
    const { row, sentence } = place;
    const whose = `rollout ${row}, answer ${this.answer(this.group[row] ?? 0)}`;
    if (sentence < 0) return `${whose}, ${this.sentences(row)} sentences`;
    return `${whose}, sentence ${sentence + 1} of ${this.sentences(row)}, ${this.categoryOf(place)}: ${this.sentence(place)}`;
  }
}
