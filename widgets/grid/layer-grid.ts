/** A grid of layers as the view reads it: levels of runs, and what of them is shown at once. */

import { bytesOf, floatsOf, indicesOf } from "../kit/kernel/bytes";
import { level } from "../kit/heat/heat";
import { count, figure, signed } from "../kit/numbers";
import type { Grid, GridLevel, GridPanel } from "../kit/protocol";
import { cellOf, placeOf, type Place, type Shape } from "./places";

/** Codes of a cell, as cotlens.widgets.grids.runs has them. */
export const [ABSENT, MEASURED, MISSING, BELOW, WITHOUT] = [0, 1, 2, 3, 4] as const;

/** Places that are none of the thought's: before it, and the answer that cotlens.measure.patching.pair forces. */
const BESIDE = ["", "(the forced answer)"];

/** A cell by run, layer and column of its level. */
export interface Spot { panel: number; row: number; column: number }

export function sameSpot(one: Spot | null, other: Spot | null): boolean {
  return one === other || (one !== null && other !== null && one.panel === other.panel && one.row === other.row && one.column === other.column);
}

export class Panel {
  readonly columns: number;
  readonly estimate: Float32Array;
  readonly code: Uint8Array;
  readonly first: Uint32Array;
  readonly last: Uint32Array;
  private readonly reason: Uint8Array;
  private readonly leading: Uint32Array;
  private readonly beside: [string, Float32Array][];

  constructor(readonly told: GridPanel, private readonly grid: Grid) {
    this.columns = told.texts.length;
    [this.estimate, this.code, this.reason] = [floatsOf(told.estimate), bytesOf(told.code), bytesOf(told.reason)];
    [this.first, this.last, this.leading] = [indicesOf(told.first), indicesOf(told.last), indicesOf(told.leading)];
    this.beside = told.beside.map(({ name, numbers }) => [name, floatsOf(numbers)]);
  }

  private at(row: number, column: number): number { return row * this.columns + column; }

  codeAt(row: number, column: number): number { return this.code[this.at(row, column)] ?? ABSENT; }

  value(row: number, column: number): number { return this.estimate[this.at(row, column)] ?? NaN; }

  why(row: number, column: number): string { return this.grid.reasons[this.reason[this.at(row, column)] ?? 0] ?? ""; }

  /** The token that leads there, "" where nothing is said of it. */
  leads(row: number, column: number): string { return this.grid.words[this.leading[this.at(row, column)] ?? 0] ?? ""; }

  facts(row: number, column: number): [string, string][] {
    const at = this.at(row, column);
    return this.beside.filter(([, numbers]) => !Number.isNaN(numbers[at] ?? NaN)).map(([name, numbers]) => [name, figure(numbers[at] as number)]);
  }

  /** Of each cell that it has, why it was not measured; null where it was. */
  missing(): (string | null)[] {
    const found: (string | null)[] = [];
    for (let cell = 0; cell < this.code.length; cell += 1) {
      const [row, column] = [Math.floor(cell / this.columns), cell % this.columns];
      const code = this.codeAt(row, column);
      if (code !== ABSENT) found.push(code === MISSING ? this.caution(row, column) : null);
    }
    return found;
  }

  /** Heat level; 0 for what was not measured, says nothing or can't do anything. `reach` is from where colours begin to where they end. */
  level(row: number, column: number, reach: number): number {
    if (this.codeAt(row, column) !== MEASURED) return 0;
    const step = level(this.value(row, column) - this.told.base, reach);
    return !this.told.signed && step < 0 ? 0 : step;
  }

  words(row: number, column: number): string {
    const code = this.codeAt(row, column);
    if (code === ABSENT) return "not in this text";
    if (code === MISSING) return "not measured";
    const value = this.value(row, column);
    return `${this.told.signed ? signed(value) : figure(value)} ${this.grid.scale_unit}`.trim();
  }

  /** What is to be said beside a number; "" where it stands for itself. */
  caution(row: number, column: number): string {
    const code = this.codeAt(row, column);
    const why = this.why(row, column).replace(/^not measured(: |$)/, "");
    if (code === BELOW) return why || `below the floor: ${this.grid.floor}`;
    return code === MEASURED ? "" : why;
  }
}

export class Level {
  readonly panels: Panel[];
  readonly parents: Uint32Array;
  readonly columns: number;
  private readonly numbered: (number | null)[];

  constructor(readonly told: GridLevel, grid: Grid) {
    this.panels = told.panels.map((each) => new Panel(each, grid));
    this.parents = indicesOf(told.parents);
    this.columns = this.panels[0]?.columns ?? 0;
    this.numbered = this.numbers();
  }

  /** The columns that one of the level before consists of: they stand together. */
  within(parent: number): [number, number] {
    const from = this.parents.indexOf(parent);
    return from < 0 ? [0, 0] : [from, this.parents.lastIndexOf(parent) + 1];
  }

  /** The number of each column as everywhere else: what stands beside the thought has none. */
  private numbers(): (number | null)[] {
    let next = 0;
    return Array.from({ length: this.columns }, (_, column) => (this.told.unit !== "token" && BESIDE.includes(this.text(column).trim()) ? null : next++));
  }

  /** "3"; "" of what stands beside the thought. */
  number(column: number): string { return String(this.numbered[column] ?? ""); }

  /** "sentence 3", "before the thought", "the forced answer". */
  named(column: number): string {
    const number = this.number(column);
    return number === "" ? this.text(column).replace(/[()]/g, "").trim() || "before the thought" : `${this.told.unit} ${number}`;
  }

  /** The text of a column: of the run that is asked, or of another that has it. */
  text(column: number, panel = 0): string {
    return this.panels[panel]?.told.texts[column] || (this.panels.find((each) => each.told.texts[column])?.told.texts[column] ?? "");
  }
}

export class LayerGrid {
  readonly levels: Level[];

  constructor(readonly grid: Grid) { this.levels = grid.levels.map((each) => new Level(each, grid)); }

  get rows(): number { return this.grid.rows.length; }

  /** Which runs there are; the difference of two is no run. */
  isRun(panel: number): boolean { return this.levels[0]?.panels[panel]?.told.difference === false; }

  /** Why no run has a cell that was measured, "" where one has. */
  get unmeasured(): string {
    const reasons = (this.levels[0]?.panels ?? []).filter(({ told }) => !told.difference).flatMap((run) => run.missing());
    return reasons.includes(null) ? "" : reasons[0] || "not measured";
  }

  /** "5 sentences": those of the text, and not what stands beside them, as the answer that is forced. */
  get places(): string {
    const level = this.levels[0];
    const own = Array.from({ length: level?.columns ?? 0 }, (_, column) => level?.number(column) ?? "").filter((number) => number !== "");
    return count(own.length, level?.told.unit ?? "column");
  }

  /** "3 layers", and whether the embedding stands among them. */
  get layers(): string {
    const embedding = this.grid.row_words.includes("the embedding");
    return count(this.rows - Number(embedding), this.grid.row) + (embedding ? " and the embedding" : "");
  }

  hasTokens(column: number): boolean {
    const [from, to] = this.levels[1]?.within(column) ?? [0, 0];
    return to > from;
  }

  /** What is shown: all columns, or the tokens of one; all runs, or one. */
  view(drill: number | null, only: number | null): View { return new View(this, drill, only); }
}

export class View {
  readonly level: Level;
  readonly panels: number[];
  readonly from: number;
  readonly shape: Shape;

  constructor(readonly data: LayerGrid, readonly drill: number | null, only: number | null) {
    this.level = data.levels[drill === null ? 0 : 1] as Level;
    const all = this.level.panels.map((_, i) => i);
    this.panels = only === null ? all : all.filter((i) => i === only);
    const [from, to] = drill === null ? [0, this.level.columns] : this.level.within(drill);
    this.from = from;
    this.shape = { bands: this.panels.length, rows: data.rows, columns: to - from };
  }

  spot(cell: number): Spot {
    const { band, row, column } = placeOf(cell, this.shape);
    return { panel: this.panels[band] as number, row, column: this.from + column };
  }

  place({ panel, row, column }: Spot): Place | null {
    const band = this.panels.indexOf(panel);
    const at = column - this.from;
    return band < 0 || at < 0 || at >= this.shape.columns ? null : { band, row, column: at };
  }

  cell(spot: Spot | null): number | null {
    const place = spot && this.place(spot);
    return place && cellOf(place, this.shape);
  }

  panel(cell: number): Panel { return this.level.panels[this.spot(cell).panel] as Panel; }

  /** Of each cell that is shown, what `read` says, from -128 to 127; row by row, without a lookup for each cell. */
  each(read: (panel: Panel, row: number, column: number) => number): Int8Array {
    const { bands, rows, columns } = this.shape;
    const found = new Int8Array(bands * rows * columns);
    let cell = 0;
    for (const number of this.panels) {
      const panel = this.level.panels[number] as Panel;
      for (let row = 0; row < rows; row += 1) for (let column = 0; column < columns; column += 1) { found[cell] = read(panel, row, this.from + column); cell += 1; }
    }
    return found;
  }

  /** "sentence 5", "token 3 of sentence 5", "before the thought". */
  column(column: number): string {
    return this.drill === null ? this.level.named(column) : `${this.level.told.unit} ${column - this.from} of ${this.data.levels[0]?.named(this.drill) ?? ""}`;
  }

  /** What a screen reader is told of a cell. */
  spoken(cell: number): string {
    const { panel, row, column } = this.spot(cell);
    const { grid } = this.data;
    const one = this.level.panels[panel] as Panel;
    const leads = one.leads(row, column);
    return [one.told.name, this.column(column), grid.row_words[row] ?? "", one.words(row, column), leads === "" ? "" : `leading: ${leads}`, one.caution(row, column)].filter((part) => part !== "").join(", ");
  }
}
