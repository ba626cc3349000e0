/** Rollouts as the map has them: sentences in columns, rows in groups, and what is asked of them without Python. */

import { bytesOf, indicesOf } from "../kit/kernel/bytes";
import { matches } from "../kit/text/matches";
import type { Selected } from "../kit/protocol";
import type { Group, Node, Prompt, Rollouts } from "./protocol";

export type Sort = "given" | "length" | "start";

/** Which rows are listed, and in which order. A prompt of null is all of them. */
export interface Wanted { query: string; sort: Sort; prompt: number | null; node: number | null; group: number | null }

/** A line of the map: the title of a group, or a rollout. */
export type Line = { group: number; row: null } | { group: number; row: number };

export interface Place { row: number; sentence: number }

/** Rollouts of one prompt with one answer; `of` is how many that prompt has. */
export interface Answered extends Group { prompt: number; of: number }

const NONE: Rollouts = { names: [], notes: [], texts: [], categories: [], model: "" } as unknown as Rollouts;

export class Model {
  readonly first: Uint32Array;
  readonly start: Uint32Array;
  readonly end: Uint32Array;
  private readonly token: Uint32Array;
  private readonly last: Uint32Array;
  readonly column: Uint32Array;
  readonly category: Uint8Array;
  readonly alike: Uint8Array;
  readonly prompt: Uint32Array;
  /** Of each rollout, the number in `groups`. */
  readonly group: Uint32Array;
  /** The answers of all prompts, one prompt's after the other's. */
  readonly groups: readonly Answered[];
  readonly said: Rollouts;
  private readonly searched = new Map<number, Set<number>>();
  private query = "";

  constructor(given: Partial<Rollouts> | null, readonly prompts: readonly Prompt[]) {
    this.said = { ...NONE, ...given };
    const { first, start, end, column, category, alike, prompt, group } = this.said;
    [this.first, this.start, this.end, this.column, this.prompt] = [first, start, end, column, prompt].map(indicesOf) as [Uint32Array, Uint32Array, Uint32Array, Uint32Array, Uint32Array];
    [this.token, this.last] = [indicesOf(this.said.token), indicesOf(this.said.last)];
    [this.category, this.alike] = [bytesOf(category), bytesOf(alike)];
    this.groups = prompts.flatMap(({ groups }, each) => groups.map((one) => ({ ...one, prompt: each, of: groups.reduce((sum, { n }) => sum + n, 0) })));
    const before: number[] = [];
    let sum = 0;
    for (const { groups } of prompts) { before.push(sum); sum += groups.length; }
    this.group = indicesOf(group).map((each, row) => (before[this.prompt[row] as number] ?? 0) + each);
  }

  /** What is compared with each other: the rollouts of one prompt; null where several are shown. */
  compared(prompt: number | null): Prompt | null { return prompt === null ? null : this.prompts[prompt] ?? null; }

  /** Columns of what is shown. */
  width(prompt: number | null): number { return prompt === null ? Math.max(0, ...this.prompts.map(({ width }) => width)) : this.compared(prompt)?.width ?? 0; }

  tree(prompt: number | null): readonly Node[] { return this.compared(prompt)?.tree ?? []; }

  /** Why no prefix of a prompt is marked as one where answers shift: none could be tested, or none came out. */
  unshifted(prompt: number | null): string {
    if ((this.compared(prompt)?.groups ?? []).every(({ answer }) => answer === null)) return "No answer was read, so where answers shift is not known.";
    return this.tree(prompt).every(({ shift }) => shift === null) ? "Too few rollouts begin with any of them to test whether answers shift." : "Answers shift at none by more than chance.";
  }

  /** The rollouts of a prompt in their order. */
  rows(prompt: number | null): number[] {
    return Array.from({ length: this.count }, (_, row) => row).filter((row) => prompt === null || this.prompt[row] === prompt);
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

  /** What a selection is here: the row of its trace, and the sentence in which its tokens begin; undefined where that is none of these. */
  placeOf({ trace, span }: Selected): Place | undefined {
    const row = trace === undefined ? -1 : this.said.names.indexOf(trace);
    if (row < 0) return undefined;
    const sentences = Array.from({ length: this.sentences(row) }, (_, sentence) => sentence);
    return { row, sentence: span ? sentences.findIndex((each) => span[0] < (this.last[this.at(row) + each] as number)) : -1 };
  }

  selectedAt({ row, sentence }: Place): { [K in keyof Selected]: Selected[K] | undefined } {
    const at = this.at(row) + sentence;
    const span = sentence < 0 ? undefined : [this.token[at] ?? 0, this.last[at] ?? 0] as [number, number];
    return { trace: this.said.names[row], span: span && span[0] < span[1] ? span : undefined, unit: span && "sentence" };
  }

  answer(group: number): string { return this.groups[group]?.answer ?? "answer not read"; }

  /** "answer 15", "answer not read". */
  named(group: number): string { return this.groups[group]?.answer === null ? this.answer(group) : `answer ${this.answer(group)}`; }

  categoryOf({ row, sentence }: Place): string { return (this.said.categories[this.category[this.at(row) + sentence] ?? 0] ?? "unknown").replaceAll("_", " "); }

  /** Groups with their rows; a group of which none is left is left out. */
  lines({ query, sort, prompt, node, group }: Wanted): Line[] {
    const within = node === null ? null : new Set(this.tree(prompt)[node]?.rows);
    const rows = this.rows(prompt).filter((row) =>
      (within === null || within.has(row)) && (group === null || this.group[row] === group) && (query === "" || this.found(row, query) !== null));
    if (sort === "length") rows.sort((a, b) => this.sentences(b) - this.sentences(a) || a - b);
    if (sort === "start") rows.sort((a, b) => (this.text(a) < this.text(b) ? -1 : this.text(a) > this.text(b) ? 1 : a - b));
    const own = this.groups.map((): number[] => []);
    for (const row of rows) own[this.group[row] as number]?.push(row);
    return own.flatMap((each, at): Line[] => (each.length ? [{ group: at, row: null }, ...each.map((row) => ({ group: at, row }))] : []));
  }

  /** How often each answer is given by some rollouts, the most frequent first. */
  counted(rows: readonly number[]): [group: number, n: number][] {
    const counts = new Map<number, number>();
    for (const row of rows) counts.set(this.group[row] as number, (counts.get(this.group[row] as number) ?? 0) + 1);
    return [...counts].sort((a, b) => b[1] - a[1] || a[0] - b[0]);
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
    const each = this.fromColumn(row, column);
    return each < this.sentences(row) && this.column[this.at(row) + each] === column ? each : -1;
  }

  /** The first sentence of a row in a column or after it; as many as there are where none is. */
  fromColumn(row: number, column: number): number {
    let [low, high] = [0, this.sentences(row)];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.column[this.at(row) + middle] as number) < column) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The sentence nearest to a column; -1 where there is none. */
  nearest(row: number, column: number): number {
    const after = this.fromColumn(row, column);
    const far = (each: number): number => (each < 0 || each >= this.sentences(row) ? Infinity : Math.abs((this.column[this.at(row) + each] as number) - column));
    return far(after - 1) <= far(after) ? after - 1 : after;
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
    const whose = `rollout ${row}, ${this.named(this.group[row] ?? 0)}`;
    if (sentence < 0) return `${whose}, ${this.sentences(row)} sentences`;
    return `${whose}, sentence ${sentence} of 0 to ${this.sentences(row) - 1}, ${this.categoryOf(place)}: ${this.sentence(place)}`;
  }
}
