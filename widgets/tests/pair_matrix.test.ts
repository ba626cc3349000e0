import assert from "node:assert/strict";
import { test } from "node:test";
import { beginning } from "../grid/labels";
import { PAIRS } from "../gallery/pairs";
import { meaningWords, nothingClear } from "../pair_matrix/head";
import { Pairs } from "../pair_matrix/model";
import type { Matrix } from "../pair_matrix/protocol";
import { pixelsOf, runsOf } from "../grid/pixels";

const pairsOf = (state: string): Pairs => {
  const matrix = PAIRS[state]?.().matrix;
  assert.ok(matrix);
  return new Pairs(matrix as Matrix);
};
const ALL = { apart: 0, onlyClear: false };
const COLOURS = {
  background: "", text: "", line: "", edge: "", muted: "", accent: "", positive: "rgb(230 159 0)", negative: "rgb(0 114 178)", unsigned: "rgb(123 50 148)",
  alpha: 0.7, unsignedAlpha: 0.7,
};

test("cells are rows of targets", () => {
  const pairs = pairsOf("pairs");
  const cell = pairs.cell(4, 1);
  assert.deepEqual([pairs.target(cell), pairs.source(cell)], [4, 1]);
  assert.ok(pairs.measured(cell));
  assert.ok(!pairs.has(pairs.cell(1, 4)), "a later sentence does nothing to an earlier one");
});

test("pixels carry sign and size, and nothing where nothing is shown", () => {
  const pairs = pairsOf("pairssampled");
  const scale = pairs.scale(ALL);
  const pixels = pixelsOf(pairs.count ** 2, (cell) => (pairs.shown(cell, ALL) ? pairs.level(cell, scale) : 0), () => true, 0.5, COLOURS);
  for (let cell = 0; cell < pairs.count ** 2; cell += 1) {
    const alpha = pixels[cell * 4 + 3] as number;
    if (!pairs.measured(cell)) assert.equal(alpha, 0);
    else if (alpha > 0) assert.equal(pixels[cell * 4], (pairs.estimate[cell] as number) > 0 ? 230 : 0);
  }
  const [strong, weak] = [pairs.ordered("size", true, ALL)[0] as number, pairs.ordered("size", false, ALL)[0] as number];
  assert.ok((pixels[strong * 4 + 3] as number) > (pixels[weak * 4 + 3] as number));
});

test("unmeasured stretches are found whole", () => {
  const pairs = pairsOf("pairssampled");
  const runs = runsOf(pairs.count, pairs.count, (cell) => pairs.has(cell) && !pairs.measured(cell));
  assert.deepEqual(runs.find(([target]) => target === 41), [41, 0, 41]);
  assert.ok(runs.some(([target, from, to]) => target === 50 && from === 17 && to === 18));
});

test("leaving out neighbours changes what is shown and the scale", () => {
  const pairs = pairsOf("pairs");
  const apart = { apart: 2, onlyClear: false };
  assert.equal(pairs.number(ALL) - pairs.number(apart), pairs.count - 1);
  assert.notEqual(pairs.scale(apart), pairs.scale(ALL));
  for (const cell of pairs.ordered("size", true, apart)) assert.ok(pairs.target(cell) - pairs.source(cell) >= 2);
});

test("every cell can be said: measured, missing, absent", () => {
  const pairs = pairsOf("pairssampled");
  assert.match(pairs.spoken(pairs.cell(5, 2)), /^source 2 to target 5, effect .* probability, interval .* to /);
  assert.match(pairs.spoken(pairs.cell(41, 2)), /not measured: no rollout went on/);
  assert.match(pairs.spoken(pairs.cell(2, 5)), /not part of the result/);
  assert.match(meaningWords(pairs.matrix), /columns: source, rows: target .* 0 = no effect/);
});

test("the beginning of a sentence fits its room, and is drawable", () => {
  const paper = { measureText: (text: string) => ({ width: 6 * text.length }) as TextMetrics };
  assert.equal(beginning(paper, " So 9 - 2\n= 7. ", 600), "So 9 - 2 = 7.");
  assert.equal(beginning(paper, "So 9 - 2 = 7.", 36), "So 9…");
  assert.equal(beginning(paper, "So", 3), "");
  assert.ok(!beginning(paper, "a\u202eb", 600).includes("\u202e"));
  assert.ok(beginning(paper, "x".repeat(5000), 60_000).length <= 161);
});

test("a pair that may be nothing is never filled", () => {
  const certainty = new Uint8Array([1, 2, 3, 4]); // clear, includes 0, under the floor, not significant
  const numbers = new DataView(Float32Array.of(0.5, 0.5, 0.5, 0.5).buffer);
  const matrix = { texts: ["a", "b"], estimate: numbers, low: numbers, high: numbers, n: numbers, certainty: new DataView(certainty.buffer), base: 0, scale: 0.5, status: {} };
  const pairs = new Pairs(matrix as unknown as Matrix);
  assert.deepEqual([0, 1, 2, 3].map((cell) => pairs.level(cell, 0.5) !== 0), [true, false, false, false]);
});

test("where no pair that is shown is clear of zero, that is said, and no colour explained", () => {
  const some = pairsOf("pairssampled");
  assert.equal(nothingClear(some, 0), false);
  const codes = new Uint8Array(some.count * some.count);
  for (let target = 1; target < some.count; target += 1) codes[some.cell(target, target - 1)] = 1; // neighbours are clear
  for (let target = 2; target < some.count; target += 1) codes[some.cell(target, target - 2)] = 2; // the next but one includes 0
  const near = new Pairs({ ...some.matrix, certainty: new DataView(codes.buffer) });
  assert.deepEqual([0, 1, 2, 3].map((apart) => nothingClear(near, apart)), [false, false, true, false], "at 3 there is no pair to speak of");
  const faint = new Pairs({ ...some.matrix, certainty: new DataView(new Uint8Array(codes.length).fill(8).buffer) });
  assert.equal(nothingClear(faint, 0), true, "exact, and too small to matter");
  assert.match(meaningWords(some.matrix), /full colour/);
  assert.doesNotMatch(meaningWords(some.matrix, true), /full colour/);
});
