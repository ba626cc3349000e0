import assert from "node:assert/strict";
import { test } from "node:test";
import { STEERING } from "../gallery/steering";
import { changes, stretches } from "../steering_panel/texts/difference";
import { trail, tryName } from "../steering_panel/head";
import { reachOf, round, stepOf } from "../steering_panel/vectors/reach";
import { rollouts } from "../steering_panel/vectors/sweep";
import { parse } from "../steering_panel/vectors/vectors";
import { placeWords, rawWords, spokenStrength, strength } from "../steering_panel/words";

test("small islands of sameness between two changes are part of the change", () => {
  const runs = changes("one two three four five six seven eight nine", "one two X four Y six seven eight nine ten");
  assert.equal(runs.filter((run) => run.op === "same").map((run) => run.text).join("|"), "one two| six seven eight nine");
  assert.equal(runs.filter((run) => run.op !== "del").map((run) => run.text).join("").replace(/\s+/g, " "), "one two X four Y six seven eight nine ten");
});

test("stretches are counted in the characters of either text", () => {
  const { gone, come } = stretches([{ op: "same", text: "abc" }, { op: "del", text: "de" }, { op: "ins", text: "xyz" }, { op: "same", text: "f" }], 10, 20);
  assert.deepEqual(gone, [[13, 15]]);
  assert.deepEqual(come, [[23, 26]]);
});

test("adjoining stretches are one", () => {
  const { come } = stretches([{ op: "ins", text: "a" }, { op: "del", text: "b" }, { op: "ins", text: "c" }]);
  assert.deepEqual(come, [[0, 2]]);
});

test("strengths are read as people write them", () => {
  for (const [text, value] of [["+1,2", 1.2], ["\u22120.5", -0.5], [" 3 ", 3], ["1e3", 1000]] as const) assert.equal(parse(text), value);
  for (const text of ["", "NaN", "Infinity", "one", "1.2.3"]) assert.equal(parse(text), null);
});

test("strengths are said in both units", () => {
  const state = STEERING["steertwo"]?.();
  const [vector] = state?.vectors ?? [];
  const [dial] = (state?.current as { dials: import("../steering_panel/protocol").Dial[] }).dials;
  assert.ok(vector && dial);
  assert.equal(rawWords(vector, dial), "raw 14.8");
  assert.equal(spokenStrength(vector, dial), "+1.20 times the mean residual norm, raw 14.8");
  assert.deepEqual([0.4, -0.05, 1.234, 0].map(strength), ["+0.40", "\u22120.05", "+1.23", "0"]);
  assert.equal(strength(3e30), "3.00e+30");
  assert.equal(strength(NaN), "not a number");
  assert.equal(placeWords("span", 4, 9), "tokens 4 to 8");
});

test("the trail shows the original, the newest tries, and always the current one", () => {
  const tries = Array.from({ length: 9 }, (_, i) => ({ id: `t${i}`, label: `try ${i}`, answer: i ? "7" : null, current: i === 2 }));
  assert.deepEqual(trail(tries).map((each) => each.id), ["t0", "t2", "t7", "t8"]);
  assert.deepEqual(trail([]), []);
  assert.equal(tryName(tries[0] as never), "try 0");
  assert.equal(tryName(tries[1] as never), "try 1 → 7");
});

test("a slider ends where its vector's length says, and after a sweep where the texts break", () => {
  const state = STEERING["steersweep"]?.();
  const [vector] = state?.vectors ?? [];
  const sweep = state?.sweep as import("../steering_panel/protocol").Sweep;
  const at = (coefficient: number, more: object = {}): import("../steering_panel/protocol").Dial => ({ coefficient, layer: 2, place: "thought", start: 0, end: 0, ...more });
  assert.ok(vector && sweep);
  assert.equal(reachOf({ ...vector, norm: 5 }, at(0), null), 0.5); // 5 of 112.4, four times: .18
  assert.equal(reachOf({ ...vector, norm: 50 }, at(0), null), 2); // 1.8
  assert.equal(reachOf({ ...vector, norm: 5000 }, at(0), null), 2);
  assert.equal(reachOf({ ...vector, units: [] }, at(0), null), 2);
  assert.equal(reachOf(vector, at(3), null), 5); // the dial stays within
  assert.equal(reachOf(vector, at(0), { ...sweep, rows: sweep.rows.map((row) => ({ ...row, damaged: 0 })) }), 2); // swept to 1.2
  const broken = sweep.rows.map((row) => ({ ...row, coefficient: row.coefficient / 6, damaged: Math.abs(row.coefficient) > 1 ? 0.5 : 0 }));
  assert.equal(reachOf({ ...vector, norm: 50 }, at(0), { ...sweep, rows: broken }), 0.2);
  assert.equal(reachOf({ ...vector, norm: 50 }, at(0, { layer: 3 }), { ...sweep, rows: broken }), 2); // another layer's sweep says nothing
  assert.deepEqual([0.5, 0.51, 1, 1.2, 2.1, 30].map(round), [0.5, 1, 1, 2, 5, 50]);
  assert.equal(stepOf(0.5), 0.0125);
  assert.equal(rollouts(sweep.rows), "8 rollouts a point");
  assert.equal(rollouts([]), "no rollouts");
});
