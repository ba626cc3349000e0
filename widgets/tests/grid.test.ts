import assert from "node:assert/strict";
import { test } from "node:test";
import { gridOf, LENSES, PATCHES } from "../gallery/grids";
import { BELOW, LayerGrid, MEASURED, MISSING, WITHOUT } from "../grid/layer-grid";
import { rowsNamed } from "../grid/layers";
import { mayPatch, reachOf, scaleNow } from "../grid/context";
import { cellOf, placeOf, rowAt, rowTop, stepped, type Places, type Shape } from "../grid/places";
import { bytes } from "../gallery/document";
import type { Grid, GridPanel } from "../kit/protocol";

const SHAPE: Shape = { bands: 3, rows: 4, columns: 5 };
const PLACES: Places = { left: 40, top: 24, wide: 10, tall: 8, gap: 20 };
const dataOf = (state: string): LayerGrid => new LayerGrid((LENSES[state] ?? PATCHES[state])?.().grid as Grid);

test("cells, places and pixels are each other's, and between two runs there is no cell", () => {
  for (const cell of [0, 7, 19, 20, 59]) assert.equal(cellOf(placeOf(cell, SHAPE), SHAPE), cell);
  for (let band = 0; band < 3; band += 1) for (let row = 0; row < 4; row += 1) assert.deepEqual(rowAt(rowTop({ band, row }, PLACES, SHAPE) + 1, PLACES, SHAPE), { band, row });
  assert.equal(rowAt(3, PLACES, SHAPE), null);
  assert.equal(rowAt(3 * 52 + 30, PLACES, SHAPE), null);
});

test("arrow keys cross runs and stop at the edges", () => {
  assert.deepEqual(stepped("ArrowDown", { band: 0, row: 3, column: 2 }, 1, SHAPE), { band: 1, row: 0, column: 2 });
  assert.deepEqual(stepped("ArrowUp", { band: 1, row: 1, column: 2 }, 10, SHAPE), { band: 0, row: 0, column: 2 });
  assert.deepEqual(stepped("ArrowRight", { band: 1, row: 1, column: 4 }, 1, SHAPE), { band: 1, row: 1, column: 4 });
  assert.equal(stepped("a", { band: 0, row: 0, column: 0 }, 1, SHAPE), null);
});

test("the last layer is always named, round ones below it, and the one pointed at instead of its neighbours", () => {
  const rows = Array.from({ length: 40 }, (_, i) => String(39 - i));
  const named = (tall: number, pointed = -1): string[] => rowsNamed(rows, tall, pointed).map((row) => rows[row] as string);
  assert.deepEqual(named(20).length, 40);
  assert.deepEqual(named(4), ["39", "35", "30", "25", "20", "15", "10", "5", "0"]);
  assert.ok(named(4, 8).includes("31") && !named(4, 8).includes("30"));
  assert.ok(named(0.5).includes("39"));
});

test("a sentence opens into its own tokens", () => {
  const data = dataOf("lens");
  const whole = data.view(null, null);
  const inside = data.view(4, null);
  assert.equal(whole.shape.columns, 15);
  assert.equal(inside.level.text(inside.from).trim(), "72");
  assert.equal(Array.from({ length: inside.shape.columns }, (_, i) => inside.level.text(inside.from + i)).join(""), whole.level.text(4));
  assert.ok(data.hasTokens(14) && !data.hasTokens(15));
  const spot = inside.spot(inside.shape.columns + 1);
  assert.deepEqual(spot, { panel: 0, row: 1, column: inside.from + 1 });
  assert.equal(inside.cell(spot), inside.shape.columns + 1);
  assert.match(inside.spoken(1), /^answer 60, token 1 of sentence 4, after layer 4, the last: the model itself, /);
});

test("only what was measured and says something has a colour", () => {
  const data = dataOf("patch");
  for (const panel of data.levels[0]?.panels ?? []) {
    for (let row = 0; row < data.rows; row += 1) for (let column = 0; column < panel.columns; column += 1) {
      const code = panel.codeAt(row, column);
      if (code !== MEASURED) assert.equal(panel.level(row, column, 1), 0);
      if (code === WITHOUT) assert.match(panel.caution(row, column), /both runs are the same/);
      if (code === BELOW) assert.match(panel.caution(row, column), /identity patch/);
    }
  }
  const chance = new LayerGrid(gridOf({ layers: 4, texts: ["One.", "Two."], signed: false }));
  assert.equal(reachOf(chance.grid, null), 8);
  assert.ok((chance.levels[0]?.panels[0]?.level(0, 0, 8) ?? 0) > 0, "the nearer to 0 the fuller");
  assert.equal(scaleNow(chance.grid, { unit: "nats", scale: 3 }).locked, false, "log-probabilities end at 0");
});

test("a cell goes to the other run, and the difference of two is no run", () => {
  const data = dataOf("patch");
  const at = (panel: number) => ({ panel, row: 0, column: 3 });
  assert.ok(mayPatch(data, at(0), at(1)) && mayPatch(data, at(1), at(0)));
  assert.ok(!mayPatch(data, at(0), at(0)) && !mayPatch(data, at(2), at(0)) && !mayPatch(data, null, at(0)));
});

test("a grid counts layers and sentences of the thought, and what stands beside them is none of either", () => {
  const grid = gridOf({ layers: 4, texts: ["", "One. ", "Two.", "(the forced answer)"] });
  assert.equal(new LayerGrid(grid).places, "2 sentences");
  const view = new LayerGrid(grid).view(null, null);
  assert.deepEqual([0, 1, 2, 3].map((column) => view.column(column)), ["before the thought", "sentence 0", "sentence 1", "the forced answer"]);
  assert.deepEqual([0, 1, 2, 3].map((column) => view.level.number(column)), ["", "0", "1", ""], "as everywhere else");
  assert.equal(new LayerGrid({ ...grid, row_words: ["after layer 3", "after layer 2", "after layer 1", "the embedding"] }).layers, "3 layers and the embedding");
  assert.equal(new LayerGrid({ ...grid, row_words: ["after layer 3", "after layer 2", "after layer 1", "after layer 0"] }).layers, "4 layers");
});

test("where no run could be measured, the grid says why", () => {
  const { grid } = dataOf("patch");
  const missing = (of: GridPanel, number: number): GridPanel => {
    const size = of.code.byteLength;
    return number === 2 ? of : { ...of, code: bytes(new Uint8Array(size).fill(MISSING)), reason: bytes(new Uint8Array(size)) };
  };
  const levels = grid.levels.map((level) => ({ ...level, panels: level.panels.map(missing) }));
  const reasons = ["no recovery: the answers lie too near"];
  assert.equal(new LayerGrid({ ...grid, levels, reasons }).unmeasured, reasons[0]);
  assert.equal(dataOf("patch").unmeasured, "", "and nothing where one was");
});
