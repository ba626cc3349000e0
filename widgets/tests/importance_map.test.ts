import assert from "node:assert/strict";
import { test } from "node:test";
import { CERTAINTIES } from "../kit/heat/certainty";
import { UNMEASURED } from "../kit/heat/heat";
import { SCORES } from "../gallery/scores";
import { meaningWords, scoreNames, sizeWords } from "../importance_map/head";
import { samples, ScoreMap } from "../importance_map/model";
import { barsOf } from "../importance_map/strip";

const mapOf = (state: string, index = 0): ScoreMap => {
  const score = SCORES[state]?.().scores[index];
  assert.ok(score);
  return new ScoreMap(score);
};

test("units are ordered by size, effect and place; those without a value come last", () => {
  const map = mapOf("map");
  const bySize = map.ordered("size", true, false);
  const sizes = bySize.map((unit) => map.size(unit));
  assert.ok(Number.isNaN(sizes[sizes.length - 1]));
  for (let i = 1; i < sizes.length - 1; i += 1) assert.ok((sizes[i] as number) <= (sizes[i - 1] as number));
  const rising = map.ordered("effect", false, false);
  assert.equal(map.estimate[rising[0] as number], Math.min(...[...map.estimate].filter((value) => !Number.isNaN(value))));
  assert.equal(rising[rising.length - 1], 14);
  assert.deepEqual(map.ordered("place", true, false)[0], map.count - 1);
});

test("what may be nothing is never shaded, and not listed when only clear effects are asked for", () => {
  const map = mapOf("map");
  for (const unit of map.ordered("size", true, true)) assert.equal(map.certainty(unit), "clear");
  for (let unit = 0; unit < map.count; unit += 1) {
    if (map.certainty(unit) === "zero") assert.equal(map.levels[unit], 0);
    if (map.certainty(unit) === "none") assert.equal(map.levels[unit], UNMEASURED);
    if (map.certainty(unit) === "clear") assert.notEqual(map.levels[unit], 0);
  }
  assert.equal(mapOf("mapnothing").number("clear"), 0);
});

test("a value that was not measured is said, never zero", () => {
  const map = mapOf("map");
  assert.equal(map.effectWords(14), "not measured");
  assert.match(map.spoken(14), /sentence 14, not measured: there is no next sentence/);
  assert.doesNotMatch(map.spoken(14), /effect|\+0|, 0/);
  assert.equal(sizeWords(map), "15 sentences, 1 not measured");
});

test("intervals and doubts are said in words", () => {
  const map = mapOf("map");
  assert.equal(map.intervalWords(4), "+0.227 to +0.453");
  assert.equal(map.certaintyWords(0), "interval includes 0");
  assert.equal(map.certaintyWords(5), "not significant after correction for the number of units");
  assert.equal(mapOf("maptokens").intervalWords(3), "exact");
});

test("the meaning names sign, zero, unit, edit and samples", () => {
  const said = meaningWords(mapOf("map")).join(" · ");
  for (const words of ["+ = supports the answer '12'", "0 = no effect", "in probability", "edit: on-policy", "n = 100", "whiskers are intervals"]) assert.ok(said.includes(words), words);
  assert.match(meaningWords(mapOf("maptokens")).join(" · "), /exact: deterministic/);
  assert.equal(samples(mapOf("maptokens")), "");
});

test("several scores have different names", () => {
  const [score] = SCORES["map"]?.().scores ?? [];
  assert.ok(score);
  const names = scoreNames([score, { ...score, metric: "KL" }, { ...score }].map((each) => new ScoreMap(each)));
  assert.equal(new Set(names).size, 3);
});

test("the strip keeps clear effects and gaps when units outnumber pixels", () => {
  const map = mapOf("maplong");
  const bars = barsOf(map, 300);
  assert.ok(bars.length < 400);
  const kept = new Set(bars.map((bar) => bar.unit));
  for (const unit of map.ordered("size", true, true)) assert.ok(kept.has(unit) || bars.some((bar) => Math.abs(bar.unit - unit) < 4 && map.clear(bar.unit)), String(unit));
  assert.equal(barsOf(map, 30000).length, map.count);
});

test("a scale that begins below zero is counted from its beginning", () => {
  const [score] = SCORES["map"]?.().scores ?? [];
  assert.ok(score);
  const estimate = Float32Array.of(-7, -1, 0.5);
  const certainty = Uint8Array.from([4, 4, 4]);
  assert.equal(CERTAINTIES[4], "exact");
  const map = new ScoreMap({ ...score, signed: false, kind: "exact", base: -7, scale: 0.5, reach: 0.5, estimate: new DataView(estimate.buffer), certainty: new DataView(certainty.buffer) });
  assert.equal(map.levels[0], 0);
  assert.ok((map.levels[2] as number) > (map.levels[1] as number));
  assert.deepEqual(map.ordered("size", true, false), [2, 1, 0]);
  assert.equal(map.bar(0).value, 0);
});

test("the next clear effect is found in both directions", () => {
  const map = mapOf("map");
  assert.equal(map.nextClear(-1, 1), 2);
  assert.equal(map.nextClear(2, 1), 4);
  assert.equal(map.nextClear(4, -1), 2);
  assert.equal(map.nextClear(7, 1), null);
});

test("scores that differ in a setting are named by it", () => {
  const map = mapOf("maptokens");
  const named = (settings: [string, string, string][]): ScoreMap => new ScoreMap({ ...map.score, settings });
  const names = scoreNames([named([["effect", "direct", ""], ["mode", "hide", ""]]), named([["effect", "total", ""], ["mode", "hide", ""]])]);
  assert.deepEqual(names.map((name) => name.split(", ").pop()), ["effect direct", "effect total"]);
  assert.ok(names.every((name) => !/\(\d\)/.test(name)));
});

test("a token has one number, that of the trace", () => {
  const map = mapOf("maptokens");
  assert.equal(map.numberOf(5), map.first[5]);
  assert.notEqual(map.numberOf(5), 5);
  assert.match(map.spoken(5), new RegExp(`token ${map.first[5]}\\b`));
  assert.equal(mapOf("map").numberOf(5), 5);
});

test("units without a character to be seen are told apart", () => {
  const map = mapOf("maptokens");
  const edges = Uint32Array.from(map.edges);
  const text = `\ufeff${map.score.text.slice(1)}`;
  edges[1] = edges[2] = 1; // the first unit is the mark, the second nothing
  const made = new ScoreMap({ ...map.score, text, edges: new DataView(edges.buffer) });
  assert.match(made.spoken(0), /^\[BOM\], token/);
  assert.match(made.spoken(1), /^part of a character, token/);
});

test("what is too small to matter is hollow whatever it was computed with, and says its interval", () => {
  const codes = Uint8Array.from(["faint", "small", "open"].map((kind) => CERTAINTIES.indexOf(kind as "faint")));
  const ends = (by: number): DataView => new DataView(Float32Array.from([0.004, 0.004 + by, 0.5]).buffer);
  const map = new ScoreMap({ ...mapOf("map").score, kind: "computed", base: 0, scale: 0.5, reach: 0.5, estimate: ends(0), low: ends(-0.001), high: ends(0.001), certainty: new DataView(codes.buffer), status: {} });
  assert.deepEqual([...map.levels].slice(0, 2), [0, 0]);
  assert.notEqual(map.levels[2], 0);
  assert.equal(map.certaintyWords(0), "exact, and too small to matter");
  assert.equal(map.certaintyWords(1), "too small to matter, and not sampled");
  assert.equal(map.intervalWords(0), "exact");
  assert.equal(map.intervalWords(1), "+0.00300 to +0.00500");
});
