import { leftWords } from "../kit/controls/progress";
import assert from "node:assert/strict";
import { test } from "node:test";
import { count, duration, figure, probability, quoted, shortProbability, signed } from "../kit/numbers";

test("three significant figures, true minus sign, words for what is not a number", () => {
  assert.deepEqual([1.94, 19.4, 194, 1940, 0.194, 0.0194, 0.00194].map(figure), ["1.94", "19.4", "194", "1,940", "0.194", "0.0194", "0.00194"]);
  assert.deepEqual([0.0099999, 0.99999, 99.99].map(figure), ["0.0100", "1.00", "100"]);
  assert.equal(figure(-2.1), "−2.10");
  assert.equal(figure(0), "0");
  assert.equal(figure(-0), "0");
  assert.equal(figure(NaN), "not measured");
  assert.equal(figure(-Infinity), "−∞");
  assert.equal(figure(0.00001), "1.0e−5");
});

test("differences carry their sign", () => {
  assert.deepEqual([2.1, -2.1, 0, NaN].map(signed), ["+2.10", "−2.10", "0", "not measured"]);
});

test("probabilities lose the leading zero and say their ends", () => {
  assert.deepEqual([0.97, 0.962, 0.031, 0.003, 0.5, 1, 0, 0.9999, 0.0001].map(probability), [".97", ".962", ".031", ".003", ".50", "1", "0", ">.999", "<.001"]);
  assert.deepEqual([0.31, 0.004, 0.999, 1, 0].map(shortProbability), [".31", "<.01", ">.99", "1", "0"]);
  assert.equal(probability(NaN), "not measured");
});

test("counts, durations and quoted tokens", () => {
  assert.equal(count(1, "token"), "1 token");
  assert.equal(count(1204, "token"), "1,204 tokens");
  assert.deepEqual([0.4, 8.3, 200, 7200].map(duration), ["under 1 s", "about 8 s", "about 3 min", "about 2.00 h"]);
  assert.equal(quoted(" so\n"), "“·so⏎”");
  assert.equal(quoted(""), "(no characters of its own)");
});

test("the time left is said as long as it is true", () => {
  assert.equal(leftWords(8, 0), " · about 8 s left");
  assert.equal(leftWords(8, 3), " · about 5 s left");
  assert.equal(leftWords(8, 40), "", "it did not come true");
  assert.equal(leftWords(0.4, 0), "", "what ends at once isn't counted down");
  assert.equal(leftWords(null, 0), "");
});
